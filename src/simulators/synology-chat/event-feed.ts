/** Publishes the simulator's events to subscribers: the page, and tests that wait for an event. */
import type { Conversation, Post } from './chat-types.ts';
import type { Delivery } from './delivery.ts';
import type { ApiRequest } from './api-request.ts';
import type { Clock } from '#shared/clock';
import type { Chat } from './chat.ts';
import type { ApiFaults } from './api-faults.ts';
import type { RequestLog } from './audit.ts';
import type { DsmRules } from './rules.ts';

export type SimulatorEvent =
  | { type: 'post'; post: Post }
  | { type: 'conversation'; conversation: Conversation }
  | { type: 'delivery'; delivery: Delivery }
  | { type: 'request'; request: ApiRequest }
  /** A part of `state()` changed: rules, faults, the package, a URL, sulking. */
  | { type: 'state' };

export class EventFeed {
  readonly #listeners = new Set<(happening: SimulatorEvent) => void>();

  emit(event: SimulatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Returns the unsubscribe function. */
  subscribe(listener: (happening: SimulatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface SimulatorContext {
  readonly chat: Chat;
  readonly feed: EventFeed;
  readonly faults: ApiFaults;
  readonly requests: RequestLog;
  /** Changed in place: each request and each webhook reads it when it is processed. */
  readonly rules: DsmRules;
  readonly power: { isPackageRunning: boolean; isListening: boolean };
  readonly clock: Clock;
  /** Aborted when the NAS is closed: cancels waits and calls. */
  readonly closing: AbortSignal;
}
