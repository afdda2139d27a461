/** What the parts of one fake NAS share. The only state that changes outside its own part is `power`. */
import type { Clock } from '../lib/clock.ts';
import type { Chat } from './chat.ts';
import type { Faults } from './faults.ts';
import type { Feed } from './feed.ts';
import type { RequestLog } from './request-log.ts';
import type { DsmRules } from './rules.ts';

export interface Nas {
  readonly chat: Chat;
  readonly feed: Feed;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** Changed in place: each request and each webhook looks at it when it is its turn. */
  readonly rules: DsmRules;
  readonly power: { isPackageRunning: boolean; isListening: boolean };
  readonly clock: Clock;
  /** Aborted when the NAS is closed: ends waits and calls. */
  readonly closing: AbortSignal;
}
