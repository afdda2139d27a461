/** State shared by the parts of one simulated Telegram. `access` and `rules` are changed in place. */
import type { Clock } from '#shared/clock';
import type { FaultQueue } from '../fault-queue.ts';
import type { RequestLog } from '../request-log.ts';
import type { TelegramRequest } from './telegram-request.ts';
import type { Fault } from './faults.ts';
import type { RateLimits } from './rate-limits.ts';
import type { TelegramRules } from './rules.ts';
import type { TelegramFeed } from './telegram-event.ts';
import type { TelegramState } from './telegram-state.ts';
import type { UpdateQueue } from './update-queue.ts';

export interface TelegramContext {
  readonly state: TelegramState;
  readonly updates: UpdateQueue;
  readonly limits: RateLimits;
  readonly feed: TelegramFeed;
  readonly faults: FaultQueue<Fault, string>;
  readonly requests: RequestLog<TelegramRequest>;
  readonly rules: TelegramRules;
  /** `token`: null while it is revoked. `webhookUrl`: '' for none. */
  readonly access: { token: string | null; webhookUrl: string; isListening: boolean };
  readonly clock: Clock;
  /** Aborted when the simulator is closed. */
  readonly closing: AbortSignal;
}
