/**
 * Streams the journal of the job that a page watches, row by row: first the rows that the page does not have, then new
 * rows.
 *
 * W1 Rows are replayed and sent in slices, and the next piece waits until the client has received the previous one: a
 *    long history neither blocks the event loop nor fills memory.
 * W2 A user is charged per slice. When the rate limit is reached, a later refresh continues.
 * W3 The check compares the stored state with the state replayed to the same row: if rows were added since the last read,
 *    they are read and sent first.
 * W4 Token chunks are held back while rows are sent, and then sent as the text so far: a row that arrives late would
 *    make the page drop them.
 */
import { GatehouseError, messageOf } from '#shared/errors';
import type { ReplayFrame } from '../page-messages.ts';
import { openJournalReader, type JournalReader } from './journal-reader.ts';
import type { InspectorContext, Viewer, Connection } from './inspector-context.ts';
import { rowsPerSlice, tryCharge } from './cooperative-scheduler.ts';

/**
 * Maximum bytes per message, unless a single frame is larger: seconds on a slow connection, milliseconds on a fast one.
 */
const pieceBytesMax = 256 * 1024;

export class JobSubscription {
  readonly #parts: InspectorContext;
  readonly #viewer: Viewer;
  readonly #connection: Connection;
  /** The page's latest request, until it starts. */
  #requested: { jobId: string; afterN: number } | null = null;
  #reader: JournalReader | null = null;
  /** The last row that was sent or skipped. */
  #position = 0;
  /** The page already had the rows up to this one when it subscribed. */
  #seen = 0;
  /** The next slice must be charged; the first slice is part of the request. */
  #owesCharge = false;
  /** From the request to its first check. */
  #isCatchingUp = false;
  /** Rows were sent since the last check. */
  #hasNewRows = false;
  #isRunning = false;
  #isDue = false;
  #hasHeldToken = false;
  #lastQueue = '';
  #unsubscribe = (): void => undefined;

  constructor(parts: InspectorContext, viewer: Viewer, connection: Connection) {
    this.#parts = parts;
    this.#viewer = viewer;
    this.#connection = connection;
  }

  /** `afterN`: the last row that the page has. `jobId` null: stop watching. */
  change(jobId: string | null, afterN: number): void {
    if (jobId !== this.#reader?.storedJob.id) {
      this.#unsubscribe();
      this.#unsubscribe = () => undefined;
      this.#reader = null;
    }
    this.#isCatchingUp = false;
    this.#requested = jobId === null ? null : { jobId, afterN };
    if (jobId !== null) this.#wake();
  }

  /** Must be called regularly: for rows that publish no event, and for work that the rate limit postponed. */
  refresh(): void {
    const goesOn = this.#reader !== null && !this.#reader.isEnded;
    if (goesOn || this.#isCatchingUp || this.#requested !== null) this.#wake();
  }

  /** Several events of a transaction batch cause one read. */
  #wake(): void {
    this.#isDue = true;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDue) {
      this.#isDue = false;
      await this.#poll();
    }
    this.#isRunning = false;
  }

  /** Errors of the inspector must not reach the core: they are sent to the page. */
  async #poll(): Promise<void> {
    await this.#parts.slices.nextSlice();
    const jobId = this.#requested?.jobId ?? this.#reader?.storedJob.id ?? null;
    try {
      if (this.#requested !== null && this.#tryCharge()) await this.#start(this.#requested);
      if (this.#reader !== null && this.#requested === null) await this.#sendFrames(this.#reader);
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'GH_JOB_BUG';
      const message = messageOf(error);
      this.#connection.send({ type: 'gatehouse.problem', jobId, code, message });
    }
  }

  #tryCharge(): boolean {
    return tryCharge(this.#parts, this.#viewer.user);
  }

  /** A job that is already watched is not replayed again. @throws GH_JOB_NOT_FOUND */
  async #start(request: { jobId: string; afterN: number }): Promise<void> {
    const reader = this.#reader ?? (await this.#open(request));
    // The page has requested another job meanwhile, or none.
    if (this.#requested !== request) return;
    this.#requested = null;
    if (this.#reader === null) {
      this.#reader = reader;
      this.#unsubscribe = this.#parts.hub.subscribe(request.jobId, {
        event: () => this.#wake(),
        token: (chunk) => {
          if (this.#isRunning || this.#isCatchingUp) this.#hasHeldToken = true;
          else this.#connection.send({ type: 'gatehouse.token', chunk });
        },
      });
    }
    const { input, createdAt, machineVersion, conversation } = reader.storedJob;
    this.#connection.send({
      type: 'gatehouse.job',
      jobId: request.jobId,
      input,
      createdAt,
      machineVersion,
      conversation,
    });
    this.#seen = request.afterN;
    this.#position = Math.min(request.afterN, reader.rowsRead);
    this.#isCatchingUp = true;
    this.#owesCharge = false;
    this.#hasHeldToken = true;
    this.#lastQueue = '';
  }

  async #open({ jobId }: { jobId: string }): Promise<JournalReader> {
    const requested = this.#requested;
    try {
      const reader = await openJournalReader(this.#parts.storage, jobId);
      const { user } = this.#viewer;
      if (user === null || reader.storedJob.input.userId === user) return reader;
      throw new GatehouseError('GH_JOB_NOT_FOUND');
    } catch (error) {
      // The request has failed: it is not repeated.
      if (this.#requested === requested) this.#requested = null;
      throw error;
    }
  }

  async #sendFrames(reader: JournalReader): Promise<void> {
    const wasStuck = reader.isStuck;
    for (;;) {
      if (this.#owesCharge && !this.#tryCharge()) return;
      const frames = await reader.framesAfter(this.#position, rowsPerSlice);
      if (!this.#isCurrent(reader)) return;
      if (frames.length === 0) {
        if (await this.#sendCheck(reader, wasStuck)) break;
        continue;
      }
      this.#position += frames.length;
      for (const piece of chunkFrames(frames.filter(({ n }) => n > this.#seen))) {
        this.#hasNewRows = true;
        await this.#connection.sendAndWait({
          type: 'gatehouse.frames',
          jobId: reader.storedJob.id,
          frames: piece,
        });
        if (!this.#isCurrent(reader)) return;
      }
      this.#owesCharge = this.#isCatchingUp && frames.length === rowsPerSlice;
      await this.#parts.slices.nextSlice();
      if (!this.#isCurrent(reader)) return;
    }
    if (this.#isCurrent(reader)) this.#sendStatus(reader);
  }

  /** False: the job has more rows, which are read first. */
  async #sendCheck(reader: JournalReader, wasStuck: boolean): Promise<boolean> {
    if (!this.#hasNewRows && !this.#isCatchingUp && reader.isStuck === wasStuck) return true;
    const check = await reader.verify();
    if (check === null) return false;
    const jobId = reader.storedJob.id;
    if (this.#isCurrent(reader))
      this.#connection.send({ type: 'gatehouse.check', jobId, ...check });
    return true;
  }

  /** False: the page has requested another job meanwhile. */
  #isCurrent(reader: JournalReader): boolean {
    return this.#reader === reader && this.#requested === null;
  }

  #sendStatus(reader: JournalReader): void {
    const { id } = reader.storedJob;
    this.#hasNewRows = false;
    this.#isCatchingUp = false;
    this.#seen = 0;
    const queue = reader.isEnded ? null : this.#parts.queueOf(id);
    const text = JSON.stringify(queue);
    if (text !== this.#lastQueue)
      this.#connection.send({ type: 'gatehouse.queue', jobId: id, queue });
    this.#lastQueue = text;
    const chunk = this.#hasHeldToken ? this.#parts.hub.textSoFar(id) : null;
    this.#hasHeldToken = false;
    if (chunk !== null) this.#connection.send({ type: 'gatehouse.token', chunk });
  }
}

/** A generator, so that each piece is built only when the previous one has been sent. */
function* chunkFrames(frames: readonly ReplayFrame[]): Generator<ReplayFrame[]> {
  let piece: ReplayFrame[] = [];
  let bytes = 0;
  for (const frame of frames) {
    const more = Buffer.byteLength(JSON.stringify(frame));
    if (piece.length > 0 && bytes + more > pieceBytesMax) {
      yield piece;
      [piece, bytes] = [[], 0];
    }
    piece.push(frame);
    bytes += more;
  }
  if (piece.length > 0) yield piece;
}
