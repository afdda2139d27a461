/** State shared by the parts of one simulated NAS. `power` and `rules` are changed in place. */
import type { Clock } from '#shared/clock';
import type { Chat } from './chat.ts';
import type { FaultQueue } from '../fault-queue.ts';
import type { RequestLog } from '../request-log.ts';
import type { ApiMethod, Fault } from './api-faults.ts';
import type { ChatFeed } from './simulator-event.ts';
import type { DsmRules } from './rules.ts';
import type { ApiRequest } from './api-request.ts';

export interface SimulatorContext {
  readonly chat: Chat;
  readonly feed: ChatFeed;
  readonly faults: FaultQueue<Fault, ApiMethod>;
  readonly requests: RequestLog<ApiRequest>;
  /** Changed in place: each request and each webhook reads it when it is processed. */
  readonly rules: DsmRules;
  readonly power: { isPackageRunning: boolean; isListening: boolean };
  readonly clock: Clock;
  /** Aborted when the NAS is closed: cancels waits and calls. */
  readonly closing: AbortSignal;
}
