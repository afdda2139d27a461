/**
 * Runs the statechart of machines/draft.ts with the database, the model and the clock. The statechart decides order and
 * pauses.
 *
 * 1. One attempt at a time. A new one starts only after the result of the last one is on disk.
 * 2. `stop` and `pause` abort the call and release the memo: neither counts as an attempt.
 */
import { createActor, fromPromise, type Actor } from 'xstate';
import {
  draftMachine,
  type DraftLook,
  type DraftMachine,
  type DraftResult,
  type DraftTicket,
} from '#machines/draft';
import { createSerialQueue } from '#shared/serial-queue';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Claim, ReleaseReason } from './draft-queue.ts';
import { runDraftAttempt, type DraftAttemptParts, type RunningDraft } from './draft-attempt.ts';
import type { DraftSchedule } from './draft-schedule.ts';

export interface DraftWorkerParts extends DraftAttemptParts {
  /** When drafting was paused before the start, epoch ms; null: it is not paused. */
  pausedAt: number | null;
  savePausedAt(pausedAt: number | null): Promise<void>;
  window: DraftSchedule;
  intervalMs: number;
  batch: number;
}

/**
 * A server that is switched on in the morning is found within this time. Shorter only fills the log of a night; longer
 * makes users wait. The interval is used when it is longer.
 */
const backendRetryMsMax = 15 * 60_000;

/** Timers over hours miss changed clocks and a system that slept: the window is checked at least this often. */
const closedLookMsMax = 15 * 60_000;

export const createDraftWorker = (parts: DraftWorkerParts): DraftWorker => new DraftWorker(parts);

export class DraftWorker {
  readonly #parts: DraftWorkerParts;
  readonly #actor: Actor<DraftMachine>;
  readonly #claimErrorLog: ThrottledErrorLog;
  readonly #endErrorLog: ThrottledErrorLog;
  #claim: Claim | null = null;
  #running: RunningDraft | null = null;
  #interrupt = new AbortController();
  /** Resolves when the last look, attempt or release has ended; they never overlap. Never rejects. */
  #settled: Promise<unknown> = Promise.resolve();
  /** Documents that changed since the last look began: a claim of their text is outdated. */
  readonly #changed = new Set<string>();
  readonly #inOrder = createSerialQueue();
  #pausedAt: number | null;
  /** The database may have claims without a running attempt. */
  #mustRecover = true;
  #isStopping = false;

  constructor(parts: DraftWorkerParts) {
    this.#parts = parts;
    this.#pausedAt = parts.pausedAt;
    this.#claimErrorLog = createThrottledErrorLog(parts.log, 'drafts cannot be looked for');
    this.#endErrorLog = createThrottledErrorLog(
      parts.log,
      'the end of a draft could not be stored',
    );
    const machine = draftMachine.provide({
      actors: {
        look: fromPromise<DraftLook>(({ signal }) => this.#look(signal)),
        draft: fromPromise<DraftResult, DraftTicket>(({ signal }) => this.#draft(signal)),
      },
    });
    const { intervalMs, batch } = parts;
    const input = {
      intervalMs,
      batch,
      awayMsMax: backendRetryMsMax,
      paused: this.pausedAt !== null,
    };
    this.#actor = createActor(machine, { id: 'drafts', input });
  }

  /** State of the statechart. */
  get state(): string {
    return this.#actor.getSnapshot().value;
  }

  get running(): RunningDraft | null {
    return this.#running;
  }

  /** Epoch ms; null when not paused. */
  get pausedAt(): number | null {
    return this.#pausedAt;
  }

  start(): void {
    this.#settled = this.#recover().catch((error: unknown) => this.#claimErrorLog.error(error));
    this.#actor.start();
  }

  /** Resolves when nothing runs any more and a running attempt was released. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#actor.send({ type: 'stop' });
    this.#releaseUnstarted('stopping');
    await this.#settled;
  }

  /** A memo needs a draft: starts at once if the worker is idle. */
  wake(): void {
    this.#actor.send({ type: 'wake' });
  }

  /** As `wake`, also while the server counts as unavailable: for a request of a person. */
  retry(): void {
    this.#actor.send({ type: 'retry' });
  }

  /** Durable when it resolves. */
  pause(): Promise<void> {
    return this.#inOrder('pause', async () => {
      if (this.#pausedAt !== null) return;
      const pausedAt = this.#parts.clock.now();
      await this.#parts.savePausedAt(pausedAt);
      this.#pausedAt = pausedAt;
      this.#actor.send({ type: 'pause' });
      this.#releaseUnstarted('paused');
    });
  }

  resume(): Promise<void> {
    return this.#inOrder('pause', async () => {
      await this.#parts.savePausedAt(null);
      this.#pausedAt = null;
      this.#actor.send({ type: 'resume' });
    });
  }

  /** The memo has changed: aborts the call if this memo is being drafted. */
  interrupt(documentId: string): void {
    this.#changed.add(documentId);
    if (this.#running?.claim.documentId === documentId) this.#interrupt.abort('interrupted');
  }

  #look(signal: AbortSignal): Promise<DraftLook> {
    const look = this.#settled.then(() => this.#claimNext(signal));
    this.#settled = look.catch(() => undefined);
    return look;
  }

  async #claimNext(signal: AbortSignal): Promise<DraftLook> {
    const { queue, clock, window } = this.#parts;
    // Paused or stopped while it waited for the last attempt. After a resume the statechart looks again, so a memo that
    // is claimed now would not be drafted.
    if (signal.aborted) return { kind: 'none' };
    this.#changed.clear();
    try {
      await this.#recover();
      const now = clock.now();
      if (!window.isOpen(now)) {
        return { kind: 'closed', lookMs: Math.min(window.opensInMs(now), closedLookMsMax) };
      }
      const claim = await queue.claimNext();
      this.#claimErrorLog.recovered();
      if (claim === null) return { kind: 'none' };
      // Paused or stopped meanwhile.
      if (signal.aborted) await this.#release(claim, this.#releaseReason(signal));
      else this.#claim = claim;
      return { kind: 'claimed', ticket: { documentId: claim.documentId, attempt: claim.attempt } };
    } catch (error) {
      this.#claimErrorLog.error(error);
      throw error;
    }
  }

  #draft(signal: AbortSignal): Promise<DraftResult> {
    const claim = this.#claim!;
    this.#interrupt = new AbortController();
    if (this.#changed.has(claim.documentId)) this.#interrupt.abort('interrupted');
    const running: RunningDraft = {
      claim,
      since: this.#parts.clock.now(),
      chars: 0,
      section: 0,
      sections: 1,
      preemptions: 0,
      isWaitingAtGate: false,
    };
    this.#running = running;
    const result = runDraftAttempt(this.#parts, {
      running,
      signal: AbortSignal.any([signal, this.#interrupt.signal]),
      releaseReason: () => this.#releaseReason(signal),
    });
    this.#settled = result.then(
      () => {
        this.#endErrorLog.recovered();
        this.#end();
      },
      (error: unknown) => {
        this.#mustRecover = true;
        this.#end();
        this.#endErrorLog.error(error, { document: claim.documentId });
      },
    );
    return result;
  }

  async #recover(): Promise<void> {
    if (this.#mustRecover) await this.#parts.queue.recoverAbandoned();
    this.#mustRecover = false;
  }

  /** Releases a memo that was claimed just when the statechart left `looking`: no attempt starts for it. */
  #releaseUnstarted(reason: ReleaseReason): void {
    const claim = this.#claim;
    if (claim === null || this.#running !== null) return;
    this.#claim = null;
    this.#settled = this.#settled.then(() => this.#release(claim, reason));
  }

  /** A claim that cannot be released is found by the next look. */
  async #release(claim: Claim, reason: ReleaseReason): Promise<void> {
    try {
      await this.#parts.queue.release(claim, reason);
    } catch (error) {
      this.#mustRecover = true;
      this.#endErrorLog.error(error, { document: claim.documentId });
    }
  }

  #end(): void {
    this.#running = null;
    this.#claim = null;
  }

  #releaseReason(signal: AbortSignal): ReleaseReason {
    if (this.#isStopping) return 'stopping';
    return signal.aborted ? 'paused' : 'interrupted';
  }
}
