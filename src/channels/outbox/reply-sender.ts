/**
 * Posts replies: one at a time per chat server, throttled to `minIntervalMs`, in order per lane.
 *
 * O1: the state `sending` is on disk before the request. A row found in this state after a start
 *     (startup-recovery.ts) or an error has an unknown result: it is marked `uncertain` and not sent again.
 * O2: only the first open reply of a lane may be sent; the least recently served lane is next.
 * O3: an answer waits for the answer to an earlier message of its lane (a redelivery of the broker may reorder
 *     them), but not longer than `orderTimeoutMs`.
 * O4: after a post with an unknown result, or one that the server refused as if it were down, nothing more is posted to
 *     that server until it has answered a harmless probe (`ChannelAdapter.probe`): while it boots or is overloaded, the
 *     whole outbox would become uncertain. An unknown result left by an earlier process counts as well.
 *     When the server answers again, replies that it did not accept before are due at once.
 * O5: a reply's own limit becomes the server's limit only if the shortened reply was accepted whole.
 * O6: marking a reply dead and storing the notice to its user is one transaction.
 * O7: an answer that is refused repeatedly as if the server were down is tested against a plain-text probe
 *     (createPoisonReplyDetector): otherwise the user would wait for days.
 * O8: there is no await between reading a row and marking it `sending`: it could be dropped meanwhile.
 */
import type {
  BridgeStorage,
  NewOutboxRow,
  OutboxEntry,
  StoredDelivery,
} from '../bridge-storage-port.ts';
import { eventError, pauseMsMax, type DeliveryEvent } from '#machines/delivery';
import { dayMs } from '#shared/calendar/time-units';
import { messageOf } from '#shared/errors';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { localeOf, textsOf } from '#machines/texts';
import { exponentialBackoffMs } from '#shared/backoff';
import { createWakeSignal, type WakeSignal } from '../wake-signal.ts';
import {
  applyDeliveryEvent,
  hasEnded,
  isShortened,
  resolveUncertain,
} from './delivery-transitions.ts';
import { isSystemNotice, createSystemNotice } from '../system-notices.ts';
import { createPlacePace } from './place-pace.ts';
import { nextPart, type PostPart } from './split-post.ts';
import type { ChannelTarget } from '../targets.ts';
import type { ChannelAdapter, Pace } from '../channel-adapter-port.ts';

export interface ReplySenderParts {
  storage: BridgeStorage;
  adapter: ChannelAdapter;
  /** Longer than the broker's redelivery wait. */
  orderTimeoutMs: number;
  /** Older replies are given up as no longer useful. */
  replyMsMax: number;
  say(row: NewOutboxRow): void;
  onEnded(): void;
  /** A draft or an answer of the job is in the chat, in this outbox row. */
  onAnswered(jobId: string, id: number): void;
  now(): number;
  log: Log;
}

/** A learned limit expires after this: the server may have been updated. */
const limitMsMax = 7 * 24 * 3_600_000;
/** Retry interval while the disk fails. */
const diskRetryMs = 500;
/** Backoff of probes: longer waits delay users after the server is back, shorter ones add load. */
const probeMs = { first: 1_000, max: 30_000 };

export function createReplySender(parts: ReplySenderParts) {
  const { targets } = parts.adapter;
  const stopping = new AbortController();
  const wakeSignals = new Map(targets.all.map(({ server }) => [server, createWakeSignal()]));
  let running: Promise<void>[] = [];
  const wake = (): void => {
    for (const wakeSignal of wakeSignals.values()) wakeSignal.notify();
  };
  return {
    /** A new row is in the outbox, or an answer that others waited for has arrived. */
    wake,
    /** Each server in `uncertain` is probed before its first post. */
    start(uncertain: ReadonlySet<string>): void {
      running = [...wakeSignals].map(async ([server, wakeSignal]) => {
        const worker = new ServerWorker(server, wakeSignal, parts, stopping.signal);
        if (uncertain.has(server)) worker.requireProbe();
        await worker.run();
      });
    },
    /** Graceful shutdown: finishes the post in flight (bounded by its timeout), then stops. */
    async stop(): Promise<void> {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
export type ReplySender = ReturnType<typeof createReplySender>;

class ServerWorker {
  readonly #server: string;
  readonly #wakeSignal: WakeSignal;
  readonly #parts: ReplySenderParts;
  readonly #signal: AbortSignal;
  readonly #errorLog: ThrottledErrorLog;
  /** Monotonic (`performance.now()`): nothing is sent to the server before. */
  #readyAt = 0;
  /** Failed probes in a row; null: no probe is required (O4). */
  #probeAttempts: number | null = null;
  /** When the server recovered from an outage, epoch ms: pauses that began before are over (O4). */
  #recoveredAt = Number.NEGATIVE_INFINITY;
  /** When this worker was created, by both clocks. */
  readonly #startedAt: { wall: number; monotonic: number };
  /** Since when an answer waits for an earlier one, by `performance.now()`. */
  readonly #blockedSince = new Map<number, number>();
  readonly #poisonDetector = createPoisonReplyDetector();
  readonly #placePace = createPlacePace(() => performance.now());
  /** Value of `#serveCounter` when each lane was last served. */
  readonly #lastServed = new Map<string, number>();
  #serveCounter = 0;

  constructor(
    server: string,
    wakeSignal: WakeSignal,
    parts: ReplySenderParts,
    signal: AbortSignal,
  ) {
    this.#server = server;
    this.#wakeSignal = wakeSignal;
    this.#parts = parts;
    this.#signal = signal;
    this.#errorLog = createThrottledErrorLog(parts.log, 'replies cannot be posted');
    this.#startedAt = { wall: parts.now(), monotonic: performance.now() };
  }

  /** Requires a probe before the next post. */
  requireProbe(): void {
    this.#probeAttempts = 0;
  }

  /** Runs until stopped. Never rejects. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#next();
        this.#errorLog.recovered();
      } catch (error) {
        this.#errorLog.error(error, { server: this.#server });
        await this.#wakeSignal.wait(diskRetryMs, this.#signal);
      }
    }
  }

  /** @throws GH_STORE_UNAVAILABLE */
  async #next(): Promise<void> {
    const waitMs = this.#readyAt - performance.now();
    const picked = waitMs > 0 ? { entry: null, waitMs } : this.#pickNext();
    if (picked.entry === null) await this.#wakeSignal.wait(picked.waitMs, this.#signal);
    else await this.#serve(picked.entry);
  }

  /** The due reply of the least recently served lane; if none is due, the time until one is. */
  #pickNext(): { entry: OutboxEntry; waitMs: 0 } | { entry: null; waitMs: number } {
    const { storage, adapter, now } = this.#parts;
    const at = now();
    let best: OutboxEntry | null = null;
    let nextAt = Number.POSITIVE_INFINITY;
    for (const entry of storage.nextPerLane()) {
      if (adapter.targets.byName(entry.target)?.server !== this.#server) continue;
      const dueAt = Math.max(this.#dueAt(entry, at), at + this.#paceMs(entry));
      if (dueAt > at) nextAt = Math.min(nextAt, dueAt);
      else if (best === null || this.#rank(entry) < this.#rank(best)) best = entry;
    }
    return best === null ? { entry: null, waitMs: nextAt - at } : { entry: best, waitMs: 0 };
  }

  #dueAt(entry: OutboxEntry, at: number): number {
    // Longer than any pause: stored while the clock was ahead; the clock has been set back since.
    const { pauseMs } = entry.delivery.context;
    const isPausing = entry.dueAt > at && entry.dueAt - at <= Math.max(pauseMs, pauseMsMax);
    const pausedAt = entry.dueAt - pauseMs;
    if (isPausing && pausedAt > this.#recoveredAt) return entry.dueAt;
    if (entry.kind === 'notice' || isSystemNotice(entry.replyId)) return at;
    if (!this.#parts.storage.hasEarlierUnanswered(entry)) return at;
    const since = this.#blockedSince.get(entry.id) ?? performance.now();
    this.#blockedSince.set(entry.id, since);
    return at + Math.max(0, since + this.#parts.orderTimeoutMs - performance.now());
  }

  #paceOf({ target, chatUser }: OutboxEntry): Pace | null {
    const { adapter } = this.#parts;
    return adapter.paceOf?.(adapter.targets.byName(target)!, chatUser) ?? null;
  }

  /** Time until the place of the reply takes a post. */
  #paceMs(entry: OutboxEntry): number {
    const pace = this.#paceOf(entry);
    return pace === null ? 0 : this.#placePace.waitMs(pace);
  }

  #rank = (entry: OutboxEntry): number => this.#lastServed.get(entry.lane) ?? 0;

  async #serve(entry: OutboxEntry): Promise<void> {
    const { storage, adapter, now } = this.#parts;
    const { maxChars, charUnit } = adapter.abilities;
    const target = adapter.targets.byName(entry.target)!;
    const { state } = entry.delivery;
    if (state === 'sending') return this.#markLost(entry);
    const delivery =
      state === 'pausing' ? applyDeliveryEvent(entry.delivery, { type: 'resume' }) : entry.delivery;
    if (this.#isTooOld(entry)) {
      const expired: DeliveryEvent = { type: 'expired' };
      return this.#persistOutcome(entry, applyDeliveryEvent(delivery, expired), expired);
    }
    const knownLimit = storage.charLimitOf(this.#server, now() - limitMsMax) ?? maxChars;
    const { offset, limit } = delivery.context;
    const part = nextPart(entry.text, offset, Math.min(maxChars, limit, knownLimit), charUnit);
    if (part.post.trim() === '') {
      return this.#persistOutcome(
        entry,
        applyDeliveryEvent(delivery, { type: 'skip', next: part.end }),
      );
    }
    if (this.#probeAttempts !== null) return this.#probe(target, this.#probeAttempts);
    this.#serveCounter += 1;
    this.#lastServed.set(entry.lane, this.#serveCounter);
    // A notice may be dropped during the probe (O8).
    if (entry.kind !== 'notice' && this.#poisonDetector.shouldProbe(entry.id)) {
      return this.#probeWithPlainText(target, entry, delivery);
    }
    const sending = applyDeliveryEvent(delivery, { type: 'send', next: part.end });
    storage.saveDelivery(entry.id, sending, {});
    const event = await this.#post(target, entry, part);
    const after = applyDeliveryEvent(sending, event);
    this.#throttle(entry, event, after);
    await this.#persistOutcome(entry, after, event);
    if (after.state === 'sent' && isShortened(after)) this.#saveLearnedLimit(after);
    if (after.state === 'sent' && entry.kind !== 'notice' && entry.jobId !== null) {
      this.#parts.onAnswered(entry.jobId, entry.id);
    }
  }

  /** The row is not marked `sending`: at worst the probe text is in the chat twice. */
  async #probeWithPlainText(
    target: ChannelTarget,
    entry: OutboxEntry,
    delivery: StoredDelivery,
  ): Promise<void> {
    const { adapter } = this.#parts;
    const text = textsOf(localeOf(entry.text)).chatNotTaken;
    const key = `probe:${entry.replyId}:${delivery.context.tries}`;
    const { chatUser } = entry;
    const event = await adapter.deliver({
      target,
      chatUser,
      text,
      buttons: null,
      key,
      answers: null,
      replaces: null,
    });
    const isAccepted = event.type === 'posted';
    this.#poisonDetector.recordProbe(entry.id, isAccepted);
    if (isAccepted) return this.#throttle(entry, event, delivery);
    const refusal: DeliveryEvent =
      event.type === 'tooFast' ? event : { type: 'stopped', error: eventError(event) };
    const sending = applyDeliveryEvent(delivery, { type: 'send', next: delivery.context.offset });
    const after = applyDeliveryEvent(sending, refusal);
    this.#throttle(entry, refusal, after);
    await this.#persistOutcome(entry, after, refusal);
  }

  /** The bridge failed between the mark `sending` and the stored result (O1). */
  #markLost(entry: OutboxEntry): Promise<void> {
    const unknown = { type: 'lost', error: 'the bridge failed while the post was out' } as const;
    const lost = resolveUncertain(unknown, this.#parts.adapter.abilities);
    this.requireProbe();
    return this.#persistOutcome(entry, applyDeliveryEvent(entry.delivery, lost), lost);
  }

  #saveLearnedLimit({ context }: StoredDelivery): void {
    const { storage, now, log } = this.#parts;
    try {
      storage.saveCharLimit(this.#server, context.limit, now());
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the post limit of a server could not be stored');
    }
  }

  /** Monotonic since the start: a wall clock that jumps ahead would expire every waiting reply. */
  #isTooOld({ createdAt }: OutboxEntry): boolean {
    const { wall, monotonic } = this.#startedAt;
    const at = Math.min(this.#parts.now(), wall + (performance.now() - monotonic));
    return at - createdAt > this.#parts.replyMsMax;
  }

  /** If the server gives no readable answer, the next probe follows after a backoff (O4). */
  async #probe(target: ChannelTarget, tries: number): Promise<void> {
    const error = (await this.#parts.adapter.probe?.(target, this.#signal)) ?? null;
    if (error === null) {
      this.#probeAttempts = null;
      if (tries > 0) this.#recoveredAt = this.#parts.now();
      return;
    }
    const againMs = Math.round(exponentialBackoffMs(tries, probeMs.first, probeMs.max));
    this.#probeAttempts = tries + 1;
    this.#readyAt = performance.now() + againMs;
    this.#parts.log.warn(
      { server: this.#server, error, againMs },
      'the chat server gives no readable answer',
    );
  }

  async #post(target: ChannelTarget, entry: OutboxEntry, part: PostPart): Promise<DeliveryEvent> {
    const { adapter, storage } = this.#parts;
    const { jobId, n, buttons, chatUser, text, kind } = entry;
    const { offset } = entry.delivery.context;
    const isLast = part.end >= text.length;
    const isUpdate = adapter.abilities.edits && kind === 'notice' && jobId !== null && offset === 0;
    const event = await adapter.deliver({
      target,
      text: part.post,
      chatUser,
      buttons: isLast && jobId !== null && buttons !== null ? { jobId, n, list: buttons } : null,
      key: `${entry.replyId}:${offset}-${part.end}`,
      answers: offset === 0 ? storage.answeredKey(entry) : null,
      replaces: isUpdate ? storage.postedNotice(jobId, entry.lane) : null,
    });
    const outcome = resolveUncertain(event, adapter.abilities);
    // A notice of the bridge is plain text that any chat accepts: a refusal of it concerns the server.
    if (!isSystemNotice(entry.replyId)) return this.#poisonDetector.classify(entry.id, outcome);
    return outcome.type === 'busy' ? { type: 'stopped', error: outcome.error } : outcome;
  }

  /**
   * The minimum interval applies to all posts to the server, and so does the pause after `tooFast`, unless the chat limits
   * its places: then it applies to the place. Other refusals apply to the reply only.
   * The next probe finds out whether the server is down: one reply that it never accepts must not block the others.
   */
  #throttle(entry: OutboxEntry, event: DeliveryEvent, { context }: StoredDelivery): void {
    const { adapter, log } = this.#parts;
    const pauseMs = event.type === 'tooFast' ? context.pauseMs : 0;
    const pace = this.#paceOf(entry);
    if (pace !== null) {
      this.#placePace.record(pace);
      this.#placePace.pause(pace, pauseMs);
    }
    const serverMs = pace === null ? pauseMs : 0;
    this.#readyAt = performance.now() + Math.max(adapter.abilities.minIntervalMs, serverMs);
    if (!['lost', 'unreachable', 'stopped'].includes(event.type)) return;
    this.requireProbe();
    log.warn(
      { server: this.#server, error: context.error },
      'the chat server does not take a post',
    );
  }

  /** Stores the result of a post; retried while the disk fails, because the post must not be sent again. */
  async #persistOutcome(
    entry: OutboxEntry,
    delivery: StoredDelivery,
    event?: DeliveryEvent,
  ): Promise<void> {
    const { storage, say, now, log, onEnded } = this.#parts;
    const isOver = hasEnded(delivery);
    const failureNotice = delivery.state === 'dead' ? this.#failureNotice(entry, event) : null;
    for (;;) {
      try {
        storage.transaction(() => {
          storage.saveDelivery(entry.id, delivery, {
            ...(delivery.state === 'pausing' ? { dueAt: now() + delivery.context.pauseMs } : {}),
            ...(isOver ? { endedAt: now() } : {}),
          });
          if (failureNotice !== null) say(failureNotice);
        });
        break;
      } catch (error) {
        if (this.#signal.aborted) throw error;
        this.#errorLog.error(error, { server: this.#server, reply: entry.replyId });
        await this.#wakeSignal.wait(diskRetryMs, this.#signal);
      }
    }
    if (isOver) {
      this.#blockedSince.delete(entry.id);
      onEnded();
    }
    const { posts, lost, error } = delivery.context;
    const logFields = { reply: entry.replyId, job: entry.jobId, state: delivery.state, posts };
    if (!isOver) {
      log.debug({ ...logFields, event: event?.type }, 'a part of a reply');
      return;
    }
    const level = delivery.state === 'sent' ? 'info' : 'warn';
    log[level]({ ...logFields, ...(error === null ? {} : { lost, error }) }, 'a reply has ended');
  }

  /** The chat may refuse the answer's text: the notice is a short plain text that there was an answer. */
  #failureNotice(entry: OutboxEntry, event: DeliveryEvent | undefined): NewOutboxRow | null {
    const { now } = this.#parts;
    if (event === undefined || isSystemNotice(entry.replyId) || entry.kind === 'notice')
      return null;
    const text = textsOf(localeOf(entry.text)).chatNotShown;
    const { target, lane, chatUser, userId } = entry;
    const recipient = { target, lane, chatUser, userId };
    // After an outage of a week, all answers for a user expire at once: one notice per lane and day is enough.
    const what =
      event.type === 'expired' ? `old-${lane}-${Math.floor(now() / dayMs)}` : `${entry.id}`;
    return createSystemNotice(recipient, `undelivered-${what}`, 'error', text, now());
  }
}

/** In a row; about a minute and a half with the pauses between them. */
const refusalsMax = 5;

/**
 * Finds undeliverable answers (poison messages) that the chat refuses as if its server were down (O7). State is in
 * memory only: after a restart the refusals are counted again.
 */
function createPoisonReplyDetector() {
  const refusals = new Map<number, number>();
  const confirmed = new Set<number>();
  return {
    /** Whether the probe is to be posted in place of the answer. */
    shouldProbe: (id: number): boolean => (refusals.get(id) ?? 0) >= refusalsMax,

    /** Records whether the chat accepted the probe. */
    recordProbe(id: number, isAccepted: boolean): void {
      refusals.delete(id);
      if (isAccepted) confirmed.add(id);
    },

    /** Adjusts the answer's delivery event by what was recorded before. */
    classify(id: number, event: DeliveryEvent): DeliveryEvent {
      const isConfirmed = confirmed.delete(id);
      if (event.type !== 'stopped') {
        refusals.delete(id);
        return event;
      }
      if (isConfirmed) return { type: 'refused', error: event.error };
      refusals.set(id, (refusals.get(id) ?? 0) + 1);
      return event;
    },
  };
}
