/**
 * Publishes the journal to one stream, in order, and knows how far it has come.
 *
 * R1: a message is sent only after the commit that made it (it is read from the journal), and its row is
 *     marked only after the broker has acknowledged it.
 * R2: at most one batch is under way. Each message expects the one before it to be the last of the stream,
 *     so that the broker refuses whatever would come out of order.
 * R3: after any failure, and at the start of every session, the place is looked up again (`reconcile`): what
 *     is in the stream decides, not what we remember. So a crash between acknowledgement and mark repeats
 *     nothing, and a broker that has lost its end, or all, is filled again.
 *
 * Must never: send one message of a batch again on its own; keep the journal's rows in memory.
 */
import type { JetStreamClient, JetStreamManager, PubAck } from '@nats-io/jetstream';
import { headers } from 'nats';
import type { OutboxStorage } from '../contract/outbox-storage.ts';
import type { Faults } from '../lib/faults.ts';
import { othersTurn } from '../lib/others-turn.ts';
import type { OutgoingMessage } from './envelope.ts';
import { backoffMs, pause } from './pause.ts';

/** All messages of the rows up to `pos` are out, and the first `skip` of the row after it. */
export interface Place {
  pos: number;
  skip: number;
}

/** The stream that a lane fills: what it is made of and where it stands. */
export interface LaneContent {
  /** Name of the watermark. */
  name: string;
  /** Messages of the rows after `pos`, row by row; `upTo` is the last row looked at. */
  read(pos: number): { rows: { pos: number; messages: OutgoingMessage[] }[]; upTo: number };
  /** Where to go on, from what is in the stream, and the stream's last sequence. @throws when the broker cannot say. */
  reconcile(jsm: JetStreamManager, place: Place): Promise<{ place: Place; lastSequence: number }>;
  streamName: string;
  /**
   * What was acknowledged can be found in the stream later: the mark may lag behind, and a row that is partly
   * out is continued. Else the whole row is sent again, and the broker drops what it knows.
   */
  isRecoverable: boolean;
}

export interface BusLink {
  js: JetStreamClient;
  jsm: JetStreamManager;
}

export interface RelayLane {
  /** Publishes until the signal aborts. @throws when the broker is gone or does not take it: run it again later. */
  run(link: BusLink, signal: AbortSignal): Promise<void>;
  /** There is something new in the journal. */
  wake(): void;
  /** Resolves when what is committed now is out; false when the run ends before. */
  flush(): Promise<boolean>;
  readonly place: Place;
}

export interface RelayLaneParts {
  content: LaneContent;
  outbox: OutboxStorage;
  faults: Faults;
  onPublished(count: number): void;
  /** The stream is there and the lane knows its place. */
  onReady(): void;
  /** A batch went wrong; it is taken again. */
  onTrouble(error: unknown): void;
  timings: { auditMs: number; retryMs: number; retryMsMax: number };
}

/** More in flight is hardly faster and makes each failure dearer. A row is never split for it. */
const batchMessagesMax = 64;
const batchCharsMax = 1024 ** 2;
/** Loopback acknowledges in milliseconds; a busy broker that syncs each write to a slow disk needs seconds. */
const ackTimeoutMs = 5_000;
/** A mark costs a disk sync of the thread that also answers people; the stream itself knows the place better. */
const markEveryMs = 500;

export const createRelayLane = (parts: RelayLaneParts): RelayLane => new JournalLane(parts);

class JournalLane implements RelayLane {
  readonly #parts: RelayLaneParts;
  #place: Place;
  #marked: number;
  #markedAt = 0;
  #isAwake = false;
  #wakeUp: (() => void) | null = null;
  #flushes: { pos: number; resolve: (isOut: boolean) => void }[] = [];

  constructor(parts: RelayLaneParts) {
    this.#parts = parts;
    this.#marked = parts.outbox.watermark(parts.content.name);
    this.#place = { pos: this.#marked, skip: 0 };
  }

  get place(): Place {
    return this.#place;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wakeUp?.();
  }

  flush(): Promise<boolean> {
    const { rows, upTo } = this.#parts.outbox.backlog(this.#place.pos);
    if (rows === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#flushes.push({ pos: upTo, resolve });
      this.wake();
    });
  }

  async run(link: BusLink, signal: AbortSignal): Promise<void> {
    const end = (): void => this.#wakeUp?.();
    signal.addEventListener('abort', end);
    try {
      await this.#publishAll(link, signal);
    } finally {
      signal.removeEventListener('abort', end);
      for (const { resolve } of this.#flushes) resolve(false);
      this.#flushes = [];
      this.#save();
    }
  }

  async #publishAll(link: BusLink, signal: AbortSignal): Promise<void> {
    const { content, faults, timings } = this.#parts;
    let lastSequence: number | null = null;
    let failures = 0;
    while (!signal.aborted) {
      lastSequence ??= await this.#reconcile(link);
      this.#isAwake = false;
      const batch = nextBatch(content, this.#place);
      if (batch.messages.length === 0) {
        const isStale = await this.#idle(batch.upTo);
        if (isStale) lastSequence = null;
        continue;
      }
      faults.hit('relay.beforePublish', content.name);
      const sent = await publish(link.js, content.streamName, batch.messages, lastSequence);
      faults.hit('relay.afterPublish', content.name);
      if (sent.count > 0) {
        this.#parts.onPublished(sent.count);
        this.#advance(batch.messages[sent.count - 1]!.after);
      }
      lastSequence = sent.lastSequence;
      if (sent.error === null) failures = 0;
      else if (!signal.aborted) {
        this.#parts.onTrouble(sent.error);
        await pause(backoffMs(failures, timings), signal);
        failures = sent.count > 0 ? 0 : failures + 1;
      }
    }
  }

  async #reconcile({ jsm }: BusLink): Promise<number> {
    const { place, lastSequence } = await this.#parts.content.reconcile(jsm, this.#place);
    this.#place = place;
    this.#settleFlushes();
    this.#parts.onReady();
    return lastSequence;
  }

  /** There is nothing to send up to `upTo`. True: it has been so for so long that the stream should be looked at. */
  async #idle(upTo: number): Promise<boolean> {
    if (upTo > this.#place.pos) {
      this.#advance({ pos: upTo, skip: 0 });
      // There may be more behind these rows, and others want the thread.
      await othersTurn();
      return false;
    }
    if (this.#place.pos === this.#marked) return !(await this.#news(this.#parts.timings.auditMs));
    if (!(await this.#news(markEveryMs))) this.#save();
    return false;
  }

  /** Until there is something new (or the end); false when `ms` passed without. */
  async #news(ms: number): Promise<boolean> {
    if (this.#isAwake) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, ms, false);
    this.#wakeUp = () => resolve(true);
    const isNew = await promise;
    clearTimeout(timer);
    this.#wakeUp = null;
    return isNew;
  }

  #advance(to: Place): void {
    this.#place = to;
    this.#settleFlushes();
    const isDue = performance.now() - this.#markedAt > markEveryMs;
    if (isDue || !this.#parts.content.isRecoverable) this.#save();
  }

  #save(): void {
    const { content, outbox, faults } = this.#parts;
    if (this.#place.pos === this.#marked) return;
    outbox.mark(content.name, this.#place.pos);
    this.#marked = this.#place.pos;
    this.#markedAt = performance.now();
    faults.hit('relay.afterMark', content.name);
  }

  #settleFlushes(): void {
    const isOut = ({ pos }: { pos: number }): boolean => pos <= this.#place.pos;
    for (const flush of this.#flushes.filter(isOut)) flush.resolve(true);
    this.#flushes = this.#flushes.filter((flush) => !isOut(flush));
  }
}

interface Placed extends OutgoingMessage {
  /** Where the lane stands once this is acknowledged. */
  after: Place;
}

function nextBatch(content: LaneContent, place: Place): { messages: Placed[]; upTo: number } {
  const { rows, upTo } = content.read(place.pos);
  const messages: Placed[] = [];
  let chars = 0;
  for (const [r, row] of rows.entries()) {
    if (messages.length >= batchMessagesMax || chars > batchCharsMax) return { messages, upTo };
    const skip = r === 0 ? place.skip : 0;
    for (const [m, message] of row.messages.entries()) {
      if (m < skip) continue;
      const isLast = m === row.messages.length - 1;
      const partly = { pos: row.pos - 1, skip: content.isRecoverable ? m + 1 : 0 };
      messages.push({ ...message, after: isLast ? { pos: row.pos, skip: 0 } : partly });
      chars += message.payload.length;
    }
  }
  const last = messages.at(-1);
  if (last !== undefined) last.after = { pos: upTo, skip: 0 };
  return { messages, upTo };
}

/** Sends a batch, waits for all its acknowledgements, and counts those before the first failure. */
async function publish(
  js: JetStreamClient,
  streamName: string,
  batch: readonly OutgoingMessage[],
  lastSequence: number,
): Promise<{ count: number; lastSequence: number | null; error: unknown }> {
  const settled = await Promise.allSettled(
    batch.map((message, index) =>
      js.publish(message.subject, message.payload, {
        msgID: message.id,
        timeout: ackTimeoutMs,
        headers: headersOf(message),
        expect:
          index === 0
            ? { streamName, lastSequence }
            : { streamName, lastMsgID: batch[index - 1]!.id },
      }),
    ),
  );
  const failed = settled.findIndex(({ status }) => status === 'rejected');
  if (failed !== -1) {
    const { reason } = settled[failed] as PromiseRejectedResult;
    return { count: failed, lastSequence: null, error: reason ?? new Error('no reason given') };
  }
  const acks = settled.map((one) => (one as PromiseFulfilledResult<PubAck>).value);
  // A duplicate says where the first copy lies, not where the stream ends.
  const isPlain = acks.every((ack) => !ack.duplicate);
  return { count: batch.length, lastSequence: isPlain ? acks.at(-1)!.seq : null, error: null };
}

function headersOf(message: OutgoingMessage) {
  const made = headers();
  for (const [name, value] of Object.entries(message.headers)) made.set(name, value);
  return made;
}
