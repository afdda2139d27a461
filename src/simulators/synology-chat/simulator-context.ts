/** State shared by the parts of one simulated NAS. `power` and `rules` are changed in place. */
import type { Clock } from '#shared/clock';
import type { Chat } from './chat.ts';
import type { ApiFaults } from './api-faults.ts';
import type { EventFeed } from './event-feed.ts';
import type { RequestLog } from './request-log.ts';
import type { DsmRules } from './rules.ts';

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
