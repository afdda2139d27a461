/**
 * The updates of the bot and `getUpdates`. As in the real server
 * (https://github.com/tdlib/telegram-bot-api, telegram-bot-api/Client.cpp, and td/tddb/td/db/TQueue.cpp):
 *
 * 1. `update_id` grows by one. An update is kept until a poll has a larger offset, at most 24 hours; a press of a button
 *    150 seconds.
 * 2. An offset more than 10 beyond the next id is ignored; a negative one keeps that many updates from the end.
 * 3. A poll that has to wait ends the one that is waiting with 409. A poll that finds updates does not.
 * 4. A second poll with the same offset within half a second gets one update; within 3 seconds it waits at least 3
 *    seconds for one.
 * 5. `allowed_updates` counts for updates that come after the call; null keeps the last list.
 */
import type { Clock } from '#shared/clock';
import { ApiError } from './api-error.ts';
import type { TelegramRules } from './rules.ts';

export const updateTypes = [
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
  'chat_member',
  'message_reaction',
  'message_reaction_count',
] as const;
export type UpdateType = (typeof updateTypes)[number];

/** Not sent unless a bot asks for them. */
const onRequest: readonly string[] = ['chat_member', 'message_reaction', 'message_reaction_count'];

/**
 * - `waiting`: not acknowledged yet
 * - `acknowledged`: a poll had a larger offset
 * - `expired`: it was too old
 * - `skipped`: `allowed_updates` has no such type; it has no id and never reaches the bot
 */
export type UpdateState = 'waiting' | 'acknowledged' | 'expired' | 'skipped';

export interface UpdateRecord {
  updateId: number | null;
  type: UpdateType;
  content: unknown;
  atMs: number;
  expiresAtMs: number;
  state: UpdateState;
  /** Answers in which it was. */
  deliveries: number;
}

export interface Poll {
  offset: number;
  limit: number;
  timeoutMs: number;
  /** Null: the last list. Empty: all but those on request. */
  allowedUpdates: readonly string[] | null;
  /** Updates that come again, see `Fault`. */
  repeats: number;
  /** The client has gone. */
  signal: AbortSignal;
}

export interface SentUpdate {
  update_id: number;
  [type: string]: unknown;
}

interface WaitingPoll {
  poll: Poll;
  resolve(updates: SentUpdate[]): void;
  reject(error: ApiError): void;
  timer: NodeJS.Timeout;
}

const futureMax = 10;
/** Acknowledged updates that can come again. */
const keptMax = 20_000;

export interface UpdateQueueParts {
  clock: Clock;
  rules: TelegramRules;
  changed(update: UpdateRecord): void;
  /** A poll waits, or waits no longer. */
  polled(): void;
}

export class UpdateQueue {
  /** All, oldest first. */
  readonly records: UpdateRecord[] = [];
  readonly #parts: UpdateQueueParts;
  #nextId: number;
  #allowed: readonly string[] = [];
  #waiting: WaitingPoll | null = null;
  #lastPoll = { offset: Number.NaN, atMs: Number.NEGATIVE_INFINITY };
  #nextConflictAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: UpdateQueueParts) {
    this.#parts = parts;
    // As at the real service no number is used again after a restart; it fits into 32 bits until 2038.
    this.#nextId = Math.floor(parts.clock.now() / 1_000);
  }

  get pending(): number {
    return this.#open().length;
  }

  get isPolled(): boolean {
    return this.#waiting !== null;
  }

  /** The types that the bot gets; empty: all but those on request. */
  get allowedUpdates(): readonly string[] {
    return this.#allowed;
  }

  push(type: UpdateType, content: unknown): UpdateRecord {
    const { clock, rules, changed } = this.#parts;
    const isAllowed =
      this.#allowed.length === 0 ? !onRequest.includes(type) : this.#allowed.includes(type);
    const ttlMs = type === 'callback_query' ? rules.callbackUpdateMs : rules.updateMs;
    const record: UpdateRecord = {
      updateId: isAllowed ? this.#nextId : null,
      type,
      // What the bot sees is what it was at this time.
      content: structuredClone(content),
      atMs: clock.now(),
      expiresAtMs: clock.now() + ttlMs,
      state: isAllowed ? 'waiting' : 'skipped',
      deliveries: 0,
    };
    if (isAllowed) this.#nextId += 1;
    this.records.push(record);
    if (this.records.length > keptMax) this.records.shift();
    changed(record);
    if (isAllowed) this.#wake();
    return record;
  }

  allow(types: readonly string[] | null): void {
    if (types !== null) this.#allowed = types;
  }

  async poll(poll: Poll): Promise<SentUpdate[]> {
    const { clock, rules } = this.#parts;
    this.allow(poll.allowedUpdates);
    const now = clock.now();
    const isSame = poll.offset === this.#lastPoll.offset;
    const sinceMs = now - this.#lastPoll.atMs;
    const waits = isSame && sinceMs < rules.repeatedPollMs;
    const timeoutMs = waits ? Math.max(poll.timeoutMs, rules.repeatedPollMs) : poll.timeoutMs;
    const limit = isSame && sinceMs < Math.min(500, rules.repeatedPollMs) ? 1 : poll.limit;
    this.#lastPoll = { offset: poll.offset, atMs: now };
    if (poll.repeats > 0) this.#bringBack(poll.repeats);
    else this.#acknowledge(poll.offset);
    const found = this.#take(limit);
    if (found.length > 0 || timeoutMs === 0) return found;
    this.#endWaiting(
      'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    );
    return this.#wait({ ...poll, limit, timeoutMs });
  }

  /** Ends the poll that waits, with 409. */
  endPoll(description: string): void {
    this.#endWaiting(description);
  }

  /** The updates so far are forgotten. */
  dropPending(): void {
    for (const record of this.#open()) this.#set(record, 'acknowledged');
  }

  /** Answers the poll that waits with nothing. */
  close(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#endWait(waiting);
    waiting.resolve([]);
  }

  #open(): UpdateRecord[] {
    const now = this.#parts.clock.now();
    return this.records.filter((record) => {
      if (record.state !== 'waiting') return false;
      if (record.expiresAtMs > now) return true;
      this.#set(record, 'expired');
      return false;
    });
  }

  #set(record: UpdateRecord, state: UpdateState): void {
    record.state = state;
    this.#parts.changed(record);
  }

  #acknowledge(offset: number): void {
    const open = this.#open();
    const from = offset < 0 ? (open.at(offset)?.updateId ?? 0) : offset;
    if (from > this.#nextId + futureMax) return;
    for (const record of open) if (record.updateId! < from) this.#set(record, 'acknowledged');
  }

  #bringBack(count: number): void {
    const now = this.#parts.clock.now();
    const past = this.records.filter(
      ({ state, expiresAtMs }) => state === 'acknowledged' && expiresAtMs > now,
    );
    for (const record of past.slice(-count)) this.#set(record, 'waiting');
  }

  #take(limit: number): SentUpdate[] {
    return this.#open()
      .slice(0, limit)
      .map((record) => {
        record.deliveries += 1;
        return { update_id: record.updateId!, [record.type]: record.content };
      });
  }

  #wait(poll: Poll): Promise<SentUpdate[]> {
    const { promise, resolve, reject } = Promise.withResolvers<SentUpdate[]>();
    const end = (): void => {
      if (this.#waiting !== waiting) return;
      this.#endWait(waiting);
      resolve([]);
    };
    const timer = setTimeout(end, poll.timeoutMs);
    const waiting: WaitingPoll = { poll, resolve, reject, timer };
    this.#waiting = waiting;
    this.#parts.polled();
    poll.signal.addEventListener('abort', end, { once: true });
    return promise;
  }

  #endWait({ timer }: WaitingPoll): void {
    this.#waiting = null;
    clearTimeout(timer);
    this.#parts.polled();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#endWait(waiting);
    waiting.resolve(this.#take(waiting.poll.limit));
  }

  #endWaiting(description: string): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#endWait(waiting);
    const { clock, rules } = this.#parts;
    const end = (): void => waiting.reject(new ApiError(409, description));
    const now = clock.now();
    if (now >= this.#nextConflictAtMs) {
      this.#nextConflictAtMs = now + rules.conflictDelayMs;
      end();
    } else setTimeout(end, rules.conflictDelayMs).unref();
  }
}
