/**
 * The one job that a page watches, told from the journal row by row: first what the page has not seen, then
 * on as the job moves.
 *
 * W1 Rows are run and told in slices, and the next piece waits until the reader has taken the one before: a
 *    long history neither holds up others nor piles up.
 * W2 What a person asks for is charged by slices. Where nothing is left, it goes on with a later refresh.
 * W3 The check follows a look that found no more rows, within the same turn: what is stored and what was run
 *    are of the same moment.
 * W4 Pieces of an answer are held back while rows are told, and then come as the text so far: a row that
 *    arrives late would make the page forget them.
 */
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Frame } from './frame.ts';
import { followJob, type JobFollower } from './job-follower.ts';
import type { InspectorParts, View, Wire } from './parts.ts';
import { pays, rowsPerSlice } from './slices.ts';

export interface JobWatch {
  /** `afterN`: the last row that the page has. Null: no job. */
  change(jobId: string | null, afterN: number): void;
  /** To be called now and then: for rows that cause no event, and for what had to wait. */
  refresh(): void;
}

/** Bytes of one message, unless a single frame has more: a slow line takes seconds for it, a fast one milliseconds. */
const pieceBytesMax = 256 * 1024;

export const createJobWatch = (parts: InspectorParts, view: View, wire: Wire): JobWatch =>
  new Watch(parts, view, wire);

class Watch implements JobWatch {
  readonly #parts: InspectorParts;
  readonly #view: View;
  readonly #wire: Wire;
  /** What the page asked for last, while it has not begun. */
  #asked: { jobId: string; afterN: number } | null = null;
  #job: JobFollower | null = null;
  /** Rows up to this one are done with. */
  #at = 0;
  /** The page had rows up to this one when it asked. */
  #seen = 0;
  /** The next slice is to be paid for; the first one was with the question. */
  #owes = false;
  /** From the question to its first check. */
  #isCatchingUp = false;
  /** Rows were told since the last check. */
  #hasNews = false;
  #isRunning = false;
  #isDue = false;
  #holdsToken = false;
  #lastQueue = '';
  #leave = (): void => undefined;

  constructor(parts: InspectorParts, view: View, wire: Wire) {
    this.#parts = parts;
    this.#view = view;
    this.#wire = wire;
  }

  change(jobId: string | null, afterN: number): void {
    if (jobId !== this.#job?.job.id) {
      this.#leave();
      this.#leave = () => undefined;
      this.#job = null;
    }
    this.#isCatchingUp = false;
    this.#asked = jobId === null ? null : { jobId, afterN };
    if (jobId !== null) this.#wake();
  }

  refresh(): void {
    const goesOn = this.#job !== null && !this.#job.isEnded;
    if (goesOn || this.#isCatchingUp || this.#asked !== null) this.#wake();
  }

  /** Several events of a turn are one look. */
  #wake(): void {
    this.#isDue = true;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDue) {
      this.#isDue = false;
      await this.#look();
    }
    this.#isRunning = false;
  }

  /** Whatever goes wrong while somebody looks on must not reach the core: it is told to who looks. */
  async #look(): Promise<void> {
    await this.#parts.slices.turn();
    const jobId = this.#asked?.jobId ?? this.#job?.job.id ?? null;
    try {
      if (this.#asked !== null && this.#isPaid()) this.#begin(this.#asked);
      if (this.#job !== null && this.#asked === null) await this.#tell(this.#job);
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'GH_JOB_BUG';
      const message = messageOf(error);
      this.#wire.send({ type: 'gatehouse.problem', jobId, code, message });
    }
  }

  #isPaid(): boolean {
    return pays(this.#parts, this.#view.user);
  }

  /** A job that is watched already is not replayed again. @throws GH_JOB_NOT_FOUND */
  #begin({ jobId, afterN }: { jobId: string; afterN: number }): void {
    const { storage, hub } = this.#parts;
    this.#asked = null;
    if (this.#job === null) {
      const found = followJob(storage, jobId);
      const { user } = this.#view;
      if (user !== null && found.job.input.userId !== user) {
        throw new GatehouseError('GH_JOB_NOT_FOUND');
      }
      this.#job = found;
      this.#leave = hub.subscribe(jobId, {
        event: () => this.#wake(),
        token: (chunk) => {
          if (this.#isRunning || this.#isCatchingUp) this.#holdsToken = true;
          else this.#wire.send({ type: 'gatehouse.token', chunk });
        },
      });
    }
    const { input, createdAt, machineVersion, conversation } = this.#job.job;
    this.#wire.send({
      type: 'gatehouse.job',
      jobId,
      input,
      createdAt,
      machineVersion,
      conversation,
    });
    this.#seen = afterN;
    this.#at = Math.min(afterN, this.#job.known);
    this.#isCatchingUp = true;
    this.#owes = false;
    this.#holdsToken = true;
    this.#lastQueue = '';
  }

  async #tell(job: JobFollower): Promise<void> {
    const wasStuck = job.isStuck;
    for (;;) {
      if (this.#owes && !this.#isPaid()) return;
      const frames = job.read(this.#at, rowsPerSlice);
      if (frames.length === 0) break;
      this.#at += frames.length;
      for (const piece of piecesOf(frames.filter(({ n }) => n > this.#seen))) {
        this.#hasNews = true;
        await this.#wire.deliver({
          type: 'gatehouse.frames',
          jobId: job.job.id,
          frames: piece,
        });
        if (!this.#isStill(job)) return;
      }
      this.#owes = this.#isCatchingUp && frames.length === rowsPerSlice;
      await this.#parts.slices.turn();
      if (!this.#isStill(job)) return;
    }
    if (this.#hasNews || this.#isCatchingUp || job.isStuck !== wasStuck) {
      this.#wire.send({ type: 'gatehouse.check', jobId: job.job.id, ...job.check() });
    }
    this.#settle(job);
  }

  /** False: the page has asked for something else meanwhile. */
  #isStill(job: JobFollower): boolean {
    return this.#job === job && this.#asked === null;
  }

  #settle(job: JobFollower): void {
    const { id } = job.job;
    this.#hasNews = false;
    this.#isCatchingUp = false;
    this.#seen = 0;
    const queue = job.isEnded ? null : this.#parts.queueOf(id);
    const text = JSON.stringify(queue);
    if (text !== this.#lastQueue) this.#wire.send({ type: 'gatehouse.queue', jobId: id, queue });
    this.#lastQueue = text;
    const chunk = this.#holdsToken ? this.#parts.hub.textSoFar(id) : null;
    this.#holdsToken = false;
    if (chunk !== null) this.#wire.send({ type: 'gatehouse.token', chunk });
  }
}

/** Made one at a time, as they are taken. */
function* piecesOf(frames: readonly Frame[]): Generator<Frame[]> {
  let piece: Frame[] = [];
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
