/**
 * Relay of the transactional outbox: publishes the journal to one stream, in order, and keeps a cursor.
 *
 * R1: a message is published only after the commit that made it (it is read from the journal), and the watermark moves
 *     past its row only after the broker has acknowledged it.
 * R2: at most one batch is in flight. Each message expects the previous one to be the last of the stream, so that the
 *     broker refuses messages out of order.
 * R3: after any failure, and at the start of every session, the cursor is looked up again (`reconcile`): the content
 *     of the stream decides, not our memory. So a crash between acknowledgement and watermark repeats nothing, and a
 *     broker that has lost its last messages, or all, is filled again.
 *
 * Must never: resend one message of a batch on its own; keep the journal's rows in memory.
 */
import type { JetStreamClient, JetStreamManager, PubAck } from '@nats-io/jetstream';
import { headers } from 'nats';
import type { EventLogStorage } from '../event-log-port.ts';
import type { FaultInjector } from '#shared/fault-points';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { OutgoingMessage } from './outgoing-messages.ts';
import { exponentialBackoffMs } from '#shared/backoff';
import { abortableSleep } from '#shared/abortable-sleep';
import { settle, type MaybePromise } from '#shared/maybe-promise';

/** All messages of the rows up to `pos` are published, and the first `skip` messages of the row after it. */
export interface OutboxCursor {
  pos: number;
  skip: number;
}

/** The content of one stream, and how to find the cursor in it. */
export interface StreamSource {
  /** Name of the watermark. */
  name: string;
  /** Messages of the rows after `pos`, row by row; `upTo` is the last row scanned. */
  read(
    pos: number,
  ): Promise<{ rows: { pos: number; messages: OutgoingMessage[] }[]; upTo: number }>;
  /** The cursor, from what is in the stream, and the stream's last sequence. @throws when the broker is unavailable. */
  reconcile(
    jsm: JetStreamManager,
    place: OutboxCursor,
  ): Promise<{ place: OutboxCursor; lastSequence: number }>;
  streamName: string;
  /**
   * Whether acknowledged messages can be found in the stream later: then the watermark may lag behind, and a partly
   * published row is continued. Else the whole row is published again, and the broker drops duplicates.
   */
  isRecoverable: boolean;
}

export interface JetStreamContext {
  js: JetStreamClient;
  jsm: JetStreamManager;
}

export interface OutboxRelayParts {
  source: StreamSource;
  outbox: EventLogStorage;
  faults: FaultInjector;
  onPublished(count: number): void;
  /** The stream exists and the cursor is known. */
  onReady(): void;
  /** A batch failed; it is retried. */
  onProblem(error: unknown): void;
  timings: { auditMs: number; retryMs: number; retryMsMax: number };
}

/** A larger batch is hardly faster and makes each failure more expensive. A row is never split for it. */
const batchMessagesMax = 64;
const batchCharsMax = 1024 ** 2;
/** Loopback acknowledges in milliseconds; a busy broker that syncs each write to a slow disk needs seconds. */
const ackTimeoutMs = 5_000;
/** Saving costs a disk sync on the thread that also serves users; the stream itself has the exact cursor. */
const saveEveryMs = 500;

export const createOutboxRelay = (parts: OutboxRelayParts): OutboxRelay => new OutboxRelay(parts);

export class OutboxRelay {
  readonly #parts: OutboxRelayParts;
  /** Null until it was read from the store. */
  #cursor: OutboxCursor | null = null;
  #savedPos = 0;
  #savedAt = 0;
  #isAwake = false;
  #isEnding = false;
  #wakeUp: (() => void) | null = null;
  #flushes: { pos: number; resolve: (isOut: boolean) => void }[] = [];

  constructor(parts: OutboxRelayParts) {
    this.#parts = parts;
  }

  /** Read from the store at first. @throws, or rejects, when it cannot be read */
  cursor(): MaybePromise<OutboxCursor> {
    if (this.#cursor !== null) return this.#cursor;
    return settle(
      () => this.#parts.outbox.watermark(this.#parts.source.name),
      (pos) => {
        if (this.#cursor === null) [this.#savedPos, this.#cursor] = [pos, { pos, skip: 0 }];
        return this.#cursor;
      },
    );
  }

  /** Wake-up signal: the journal has new rows. */
  wake(): void {
    this.#isAwake = true;
    this.#wakeUp?.();
  }

  /** Resolves true when everything committed by now is published; false if the run ends before. */
  async flush(): Promise<boolean> {
    const { pos } = await this.cursor();
    const { rows, upTo } = await this.#parts.outbox.backlog(pos);
    if (rows === 0) return true;
    return new Promise((resolve) => {
      this.#flushes.push({ pos: upTo, resolve });
      this.wake();
    });
  }

  /**
   * Publishes until the signal aborts. Begins with the stored watermark: another process may have published since the
   * last run. @throws when the broker is gone or refuses: run it again later. */
  async run(link: JetStreamContext, signal: AbortSignal): Promise<void> {
    this.#isEnding = signal.aborted;
    const end = (): void => {
      this.#isEnding = true;
      this.#wakeUp?.();
    };
    signal.addEventListener('abort', end);
    try {
      if (this.#cursor?.pos === this.#savedPos) this.#cursor = null;
      await this.#publishAll(link, signal);
    } finally {
      signal.removeEventListener('abort', end);
      for (const { resolve } of this.#flushes) resolve(false);
      this.#flushes = [];
      await this.#save();
    }
  }

  async #publishAll(link: JetStreamContext, signal: AbortSignal): Promise<void> {
    const { source: content, faults, timings } = this.#parts;
    let lastSequence: number | null = null;
    let failures = 0;
    while (!signal.aborted) {
      lastSequence ??= await this.#reconcile(link);
      this.#isAwake = false;
      const batch = await nextBatch(content, await this.cursor());
      if (batch.messages.length === 0) {
        const isStale = await this.#idle(batch.upTo);
        if (isStale) lastSequence = null;
        continue;
      }
      faults.reach('relay.beforePublish', content.name);
      const sent = await publish(link.js, content.streamName, batch.messages, lastSequence);
      faults.reach('relay.afterPublish', content.name);
      if (sent.count > 0) {
        this.#parts.onPublished(sent.count);
        await this.#advance(batch.messages[sent.count - 1]!.after);
      }
      lastSequence = sent.lastSequence;
      if (sent.error === null) failures = 0;
      else if (!signal.aborted) {
        this.#parts.onProblem(sent.error);
        await abortableSleep(
          exponentialBackoffMs(failures, timings.retryMs, timings.retryMsMax),
          signal,
        );
        failures = sent.count > 0 ? 0 : failures + 1;
      }
    }
  }

  async #reconcile({ jsm }: JetStreamContext): Promise<number> {
    const { place, lastSequence } = await this.#parts.source.reconcile(jsm, await this.cursor());
    this.#cursor = place;
    this.#resolveFlushes(place);
    this.#parts.onReady();
    return lastSequence;
  }

  /** Nothing to publish up to `upTo`. True: idle for `auditMs`, so the stream should be checked. */
  async #idle(upTo: number): Promise<boolean> {
    const { pos } = await this.cursor();
    if (upTo > pos) {
      await this.#advance({ pos: upTo, skip: 0 });
      // There may be more rows behind these; yields so that pending I/O and timers run.
      await yieldToEventLoop();
      return false;
    }
    if (pos === this.#savedPos) return !(await this.#waitForNews(this.#parts.timings.auditMs));
    if (!(await this.#waitForNews(saveEveryMs))) await this.#save();
    return false;
  }

  /** Waits for new rows (or the end); false after `ms` without. */
  async #waitForNews(ms: number): Promise<boolean> {
    // Aborted while it read from the database: nothing else would end the wait.
    if (this.#isAwake || this.#isEnding) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, ms, false);
    this.#wakeUp = () => resolve(true);
    const isNew = await promise;
    clearTimeout(timer);
    this.#wakeUp = null;
    return isNew;
  }

  async #advance(to: OutboxCursor): Promise<void> {
    this.#cursor = to;
    this.#resolveFlushes(to);
    const isDue = performance.now() - this.#savedAt > saveEveryMs;
    if (isDue || !this.#parts.source.isRecoverable) await this.#save();
  }

  async #save(): Promise<void> {
    const { source: content, outbox, faults } = this.#parts;
    const pos = this.#cursor?.pos ?? this.#savedPos;
    if (pos === this.#savedPos) return;
    await outbox.saveWatermark(content.name, pos);
    this.#savedPos = pos;
    this.#savedAt = performance.now();
    faults.reach('relay.afterMark', content.name);
  }

  #resolveFlushes(cursor: OutboxCursor): void {
    const isOut = ({ pos }: { pos: number }): boolean => pos <= cursor.pos;
    for (const flush of this.#flushes.filter(isOut)) flush.resolve(true);
    this.#flushes = this.#flushes.filter((flush) => !isOut(flush));
  }
}

interface MessageWithCursor extends OutgoingMessage {
  /** The cursor once this message is acknowledged. */
  after: OutboxCursor;
}

async function nextBatch(
  content: StreamSource,
  place: OutboxCursor,
): Promise<{ messages: MessageWithCursor[]; upTo: number }> {
  const { rows, upTo } = await content.read(place.pos);
  const messages: MessageWithCursor[] = [];
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

/** Publishes a batch, waits for all acknowledgements, and counts the messages before the first failure. */
async function publish(
  js: JetStreamClient,
  streamName: string,
  batch: readonly OutgoingMessage[],
  lastSequence: number,
): Promise<{ count: number; lastSequence: number | null; error: unknown }> {
  const results = await Promise.allSettled(
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
  const failed = results.findIndex(({ status }) => status === 'rejected');
  if (failed !== -1) {
    const { reason } = results[failed] as PromiseRejectedResult;
    return { count: failed, lastSequence: null, error: reason ?? new Error('no reason given') };
  }
  const acks = results.map((one) => (one as PromiseFulfilledResult<PubAck>).value);
  // A duplicate's acknowledgement has the sequence of the first copy, not the end of the stream.
  const isPlain = acks.every((ack) => !ack.duplicate);
  return { count: batch.length, lastSequence: isPlain ? acks.at(-1)!.seq : null, error: null };
}

function headersOf(message: OutgoingMessage) {
  const made = headers();
  for (const [name, value] of Object.entries(message.headers)) made.set(name, value);
  return made;
}
