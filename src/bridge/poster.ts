/**
 * Posts replies, one at a time per NAS and not more often than it allows, in order per lane.
 *
 * O1: the mark `sending` is on disk before the request. Who finds it there, after a start (leftovers.ts) or
 *     after an error, says that nobody knows, and does not send again.
 * O2: of each lane only the first open reply may go; lanes take turns.
 * O3: an answer waits for the answer of an earlier message of its lane (a redelivery of the broker may bring
 *     them in another order), but not longer than `orderPatienceMs`.
 * O4: after a post whose fate nobody knows, or that the NAS took from nobody, nothing more is posted to that NAS
 *     until it has answered a harmless question: one that boots or is overloaded would make the whole outbox
 *     uncertain. A doubt that an earlier process has left counts as well.
 *     When it answers again, what it did not take before is due at once.
 * O5: what one reply has met says something of the NAS's limit only where a shortened one was taken whole.
 * O6: a reply that is dead and the word to its person that there was one are stored in one step.
 * O7: an answer that is refused again and again as if the NAS took nothing is tried against plain words
 *     (suspects.ts): its person would get no other answer for days.
 * O8: between the look at a row and the mark `sending` nothing is waited for: it may be dropped meanwhile.
 */
import type {
  BridgeStorage,
  NewOutboxRow,
  OutboxEntry,
  StoredDelivery,
} from '../contract/bridge-storage.ts';
import { errorOf, pauseMsMax, type DeliveryEvent } from '../../machines/delivery.ts';
import { messageOf } from '../lib/errors.ts';
import { createLastingFault, type LastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';
import { backoffMs, createBell, type Bell } from './bell.ts';
import { deliveryStep, hasEnded, isShortened } from './delivery-step.ts';
import type { NasClient } from './nas-client.ts';
import { isOwn, ownWords } from './own-words.ts';
import { partAt } from './post-cut.ts';
import { createSuspects } from './suspects.ts';
import type { Target, Targets } from './targets.ts';

export interface Poster {
  /** Each NAS of `doubtful` is asked how it is before it gets the first post. */
  start(doubtful: ReadonlySet<string>): void;
  /** Something is new in the outbox, or an answer that others waited for is there. */
  wake(): void;
  /** Ends the post that is out (bounded by its time limit), then stops. */
  stop(): Promise<void>;
}

export interface PosterParts {
  storage: BridgeStorage;
  targets: Targets;
  nas: NasClient;
  minIntervalMs: number;
  /** Code points of a post. */
  maxChars: number;
  /** Longer than the broker's wait before it delivers again. */
  orderPatienceMs: number;
  /** Older replies are given up: nobody waits for them any more. */
  replyMsMax: number;
  say(row: NewOutboxRow): void;
  onEnded(): void;
  now(): number;
  log: Log;
}

/** A limit that was learnt is forgotten after this: the NAS may have been updated. */
const limitMsMax = 7 * 24 * 3_600_000;
/** A disk that fails is tried again this often. */
const diskRetryMs = 500;
/** As for one that cannot be reached: longer leaves people waiting after it is back, shorter loads it more. */
const probeMs = { first: 1_000, max: 30_000 };
const dayMs = 24 * 3_600_000;

export function createPoster(parts: PosterParts): Poster {
  const { targets } = parts;
  const stopping = new AbortController();
  const bells = new Map(targets.all.map(({ nas }) => [nas, createBell()]));
  let running: Promise<void>[] = [];
  const wake = (): void => {
    for (const bell of bells.values()) bell.ring();
  };
  return {
    wake,
    start(doubtful) {
      running = [...bells].map(async ([nas, bell]) => {
        const line = new NasLine(nas, bell, parts, stopping.signal);
        if (doubtful.has(nas)) line.doubt();
        await line.run();
      });
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

class NasLine {
  readonly #nas: string;
  readonly #bell: Bell;
  readonly #parts: PosterParts;
  readonly #signal: AbortSignal;
  readonly #fault: LastingFault;
  /** By `performance.now()`, which nobody sets; nothing is sent to the NAS before. */
  #readyAt = 0;
  /** Questions in a row that were not answered since there was a reason to ask; null: there is none (O4). */
  #probes: number | null = null;
  /** When the NAS answered again after an outage, by the wall clock: pauses from before are over (O4). */
  #backAt = Number.NEGATIVE_INFINITY;
  /** By both clocks, of the moment when the line was made. */
  readonly #startedAt: { wall: number; steady: number };
  /** Answers that wait for an earlier one, and since when, by `performance.now()`. */
  readonly #behindSince = new Map<number, number>();
  readonly #suspects = createSuspects();
  /** When each lane was last served, by a counter. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  constructor(nas: string, bell: Bell, parts: PosterParts, signal: AbortSignal) {
    this.#nas = nas;
    this.#bell = bell;
    this.#parts = parts;
    this.#signal = signal;
    this.#fault = createLastingFault(parts.log, 'replies cannot be posted');
    this.#startedAt = { wall: parts.now(), steady: performance.now() };
  }

  /** The NAS is asked how it is before it gets the next post. */
  doubt(): void {
    this.#probes = 0;
  }

  /** Until stopped. Never rejects. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#next();
        this.#fault.worked();
      } catch (error) {
        this.#fault.failed(error, { nas: this.#nas });
        await this.#bell.wait(diskRetryMs, this.#signal);
      }
    }
  }

  /** @throws GH_STORE_UNAVAILABLE */
  async #next(): Promise<void> {
    const waitMs = this.#readyAt - performance.now();
    const picked = waitMs > 0 ? { entry: null, waitMs } : this.#pick();
    if (picked.entry === null) await this.#bell.wait(picked.waitMs, this.#signal);
    else await this.#serve(picked.entry);
  }

  /** The reply whose lane has waited longest, or how long there is nothing to do. */
  #pick(): { entry: OutboxEntry; waitMs: 0 } | { entry: null; waitMs: number } {
    const { storage, targets, now } = this.#parts;
    const at = now();
    let best: OutboxEntry | null = null;
    let nextAt = Number.POSITIVE_INFINITY;
    for (const entry of storage.heads()) {
      if (targets.byName(entry.target)?.nas !== this.#nas) continue;
      const dueAt = this.#dueAt(entry, at);
      if (dueAt > at) nextAt = Math.min(nextAt, dueAt);
      else if (best === null || this.#rank(entry) < this.#rank(best)) best = entry;
    }
    return best === null ? { entry: null, waitMs: nextAt - at } : { entry: best, waitMs: 0 };
  }

  #dueAt(entry: OutboxEntry, at: number): number {
    // Longer than any pause: stored by a clock that was ahead and has been set back since.
    const isPausing = entry.dueAt > at && entry.dueAt - at <= pauseMsMax;
    const pausedAt = entry.dueAt - entry.delivery.context.pauseMs;
    if (isPausing && pausedAt > this.#backAt) return entry.dueAt;
    if (entry.kind === 'notice' || isOwn(entry.replyId)) return at;
    if (!this.#parts.storage.isBehind(entry)) return at;
    const since = this.#behindSince.get(entry.id) ?? performance.now();
    this.#behindSince.set(entry.id, since);
    return at + Math.max(0, since + this.#parts.orderPatienceMs - performance.now());
  }

  #rank = (entry: OutboxEntry): number => this.#served.get(entry.lane) ?? 0;

  async #serve(entry: OutboxEntry): Promise<void> {
    const { storage, targets, now } = this.#parts;
    const target = targets.byName(entry.target)!;
    const { state } = entry.delivery;
    if (state === 'sending') return this.#endDoubt(entry);
    const delivery =
      state === 'pausing' ? deliveryStep(entry.delivery, { type: 'resume' }) : entry.delivery;
    if (this.#isTooOld(entry)) {
      const expired: DeliveryEvent = { type: 'expired' };
      return this.#keep(entry, deliveryStep(delivery, expired), expired);
    }
    const learnt = storage.limitOf(this.#nas, now() - limitMsMax) ?? this.#parts.maxChars;
    const { offset, limit } = delivery.context;
    const part = partAt(entry.text, offset, Math.min(this.#parts.maxChars, limit, learnt));
    if (part.post.trim() === '') {
      return this.#keep(entry, deliveryStep(delivery, { type: 'skip', next: part.end }));
    }
    if (this.#probes !== null) return this.#probe(target, this.#probes);
    this.#turn += 1;
    this.#served.set(entry.lane, this.#turn);
    // A notice may be dropped meanwhile (O8).
    if (entry.kind !== 'notice' && this.#suspects.isDue(entry.id)) {
      return this.#tryPlainWords(target, entry, delivery);
    }
    const sending = deliveryStep(delivery, { type: 'send', next: part.end });
    storage.save(entry.id, sending, {});
    const event = await this.#post(target, entry, part);
    const after = deliveryStep(sending, event);
    this.#pace(event, after);
    await this.#keep(entry, after, event);
    if (after.state === 'sent' && isShortened(after)) this.#learn(after);
  }

  /** Nothing is marked: at worst a second one of these words is in the chat. */
  async #tryPlainWords(
    target: Target,
    entry: OutboxEntry,
    delivery: StoredDelivery,
  ): Promise<void> {
    const { nas, minIntervalMs } = this.#parts;
    const text = textsOf(localeOf(entry.text)).chatNotTaken;
    const event = await nas.post(target, { text, chatUser: entry.chatUser, buttons: null });
    const isTaken = event.type === 'posted';
    this.#suspects.tried(entry.id, isTaken);
    if (isTaken) {
      this.#readyAt = performance.now() + minIntervalMs;
      return;
    }
    const refusal: DeliveryEvent =
      event.type === 'tooFast' ? event : { type: 'stopped', error: errorOf(event) };
    const sending = deliveryStep(delivery, { type: 'send', next: delivery.context.offset });
    const after = deliveryStep(sending, refusal);
    this.#pace(refusal, after);
    await this.#keep(entry, after, refusal);
  }

  /** Between the mark and the end something has failed (O1). */
  #endDoubt(entry: OutboxEntry): Promise<void> {
    const lost: DeliveryEvent = { type: 'lost', error: 'the bridge failed while the post was out' };
    this.doubt();
    return this.#keep(entry, deliveryStep(entry.delivery, lost), lost);
  }

  #learn({ context }: StoredDelivery): void {
    const { storage, now, log } = this.#parts;
    try {
      storage.learnLimit(this.#nas, context.limit, now());
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the limit of a NAS could not be stored');
    }
  }

  /** By a clock that nobody sets, from the start on: a wall clock that jumps would end all that waits. */
  #isTooOld({ createdAt }: OutboxEntry): boolean {
    const { wall, steady } = this.#startedAt;
    const at = Math.min(this.#parts.now(), wall + (performance.now() - steady));
    return at - createdAt > this.#parts.replyMsMax;
  }

  /** Where the NAS gives no readable answer, the next look is after a pause (O4). */
  async #probe(target: Target, tries: number): Promise<void> {
    const error = await this.#parts.nas.probe(target, this.#signal);
    if (error === null) {
      this.#probes = null;
      if (tries > 0) this.#backAt = this.#parts.now();
      return;
    }
    const againMs = Math.round(backoffMs(tries, probeMs.first, probeMs.max));
    this.#probes = tries + 1;
    this.#readyAt = performance.now() + againMs;
    this.#parts.log.warn({ nas: this.#nas, error, againMs }, 'the NAS gives no readable answer');
  }

  async #post(target: Target, entry: OutboxEntry, part: { post: string; end: number }) {
    const { jobId, n, buttons, chatUser, text } = entry;
    const isLast = part.end >= text.length;
    const event = await this.#parts.nas.post(target, {
      text: part.post,
      chatUser,
      buttons: isLast && jobId !== null && buttons !== null ? { jobId, n, list: buttons } : null,
    });
    // There is nothing in our own plain words that a chat would not take, or be busy with.
    if (!isOwn(entry.replyId)) return this.#suspects.judged(entry.id, event);
    return event.type === 'busy' ? { type: 'stopped' as const, error: event.error } : event;
  }

  /**
   * What the NAS says of itself holds for everybody; what it says of a post only for that one. Which of both an
   * outage is, the next question to it tells: one reply that it never takes must not hold up the others.
   */
  #pace(event: DeliveryEvent, { context }: StoredDelivery): void {
    const { minIntervalMs, log } = this.#parts;
    const pauseMs = event.type === 'tooFast' ? context.pauseMs : 0;
    this.#readyAt = performance.now() + Math.max(minIntervalMs, pauseMs);
    if (!['lost', 'unreachable', 'stopped'].includes(event.type)) return;
    this.doubt();
    log.warn({ nas: this.#nas, error: context.error }, 'the NAS does not take a post');
  }

  /** What became of a post is kept, whatever the disk does: it must not be sent again. */
  async #keep(entry: OutboxEntry, delivery: StoredDelivery, event?: DeliveryEvent): Promise<void> {
    const { storage, say, now, log, onEnded } = this.#parts;
    const isOver = hasEnded(delivery);
    const apology = delivery.state === 'dead' ? this.#apologyFor(entry, event) : null;
    for (;;) {
      try {
        storage.inOneStep(() => {
          storage.save(entry.id, delivery, {
            ...(delivery.state === 'pausing' ? { dueAt: now() + delivery.context.pauseMs } : {}),
            ...(isOver ? { endedAt: now() } : {}),
          });
          if (apology !== null) say(apology);
        });
        break;
      } catch (error) {
        if (this.#signal.aborted) throw error;
        this.#fault.failed(error, { nas: this.#nas, reply: entry.replyId });
        await this.#bell.wait(diskRetryMs, this.#signal);
      }
    }
    if (isOver) {
      this.#behindSince.delete(entry.id);
      onEnded();
    }
    const { posts, lost, error } = delivery.context;
    const facts = { reply: entry.replyId, job: entry.jobId, state: delivery.state, posts };
    if (!isOver) {
      log.debug({ ...facts, event: event?.type }, 'a part of a reply');
      return;
    }
    const level = delivery.state === 'sent' ? 'info' : 'warn';
    log[level]({ ...facts, ...(error === null ? {} : { lost, error }) }, 'a reply has ended');
  }

  /** It may be this text that the chat does not take: then a few plain words tell that there was one. */
  #apologyFor(entry: OutboxEntry, event: DeliveryEvent | undefined): NewOutboxRow | null {
    const { now } = this.#parts;
    if (event === undefined || isOwn(entry.replyId) || entry.kind === 'notice') return null;
    const text = textsOf(localeOf(entry.text)).chatNotShown;
    const { target, lane, chatUser, userId } = entry;
    const to = { target, lane, chatUser, userId };
    // After an outage of a week all of a person's answers are too old at once: one word is enough.
    const what =
      event.type === 'expired' ? `old-${lane}-${Math.floor(now() / dayMs)}` : `${entry.id}`;
    return ownWords(to, `undelivered-${what}`, 'error', text, now());
  }
}
