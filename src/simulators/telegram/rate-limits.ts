/**
 * The limits of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: one message per second
 * in a chat, 20 per minute in a group, about 30 per second in all. The real limits are not published; the form of the
 * refusal is.
 */
import type { Clock } from '#shared/clock';
import type { TelegramChat } from './chat-types.ts';
import type { TelegramRules } from './rules.ts';

const minuteMs = 60_000;

export class RateLimits {
  readonly #rules: TelegramRules;
  readonly #clock: Clock;
  /** Times of the messages of the last minute, oldest first. */
  readonly #sent = new Map<number, number[]>();
  #all: number[] = [];

  constructor(rules: TelegramRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Counts a message and returns 0; or counts none and returns the seconds to wait, at least 1. */
  take({ id, type }: TelegramChat): number {
    const now = this.#clock.now();
    const { chatIntervalMs, chatBurst, groupPerMinute, perSecond } = this.#rules;
    // A time in the future is that of a clock that was set back.
    const recent = (times: readonly number[], forMs: number): number[] =>
      times.filter((at) => at <= now && now - at < forMs);
    const ofChat = recent(this.#sent.get(id) ?? [], Math.max(minuteMs, chatIntervalMs * chatBurst));
    this.#all = recent(this.#all, 1_000);
    const untilFree = (times: readonly number[], max: number, forMs: number): number => {
      const counted = recent(times, forMs);
      return max === 0 || counted.length < max ? 0 : counted.at(-max)! + forMs - now;
    };
    const waitMs = Math.max(
      chatIntervalMs === 0 ? 0 : untilFree(ofChat, chatBurst, chatIntervalMs * chatBurst),
      type === 'private' ? 0 : untilFree(ofChat, groupPerMinute, minuteMs),
      untilFree(this.#all, perSecond, 1_000),
    );
    this.#sent.set(id, ofChat);
    if (waitMs > 0) return Math.max(1, Math.ceil(waitMs / 1_000));
    ofChat.push(now);
    this.#all.push(now);
    return 0;
  }
}
