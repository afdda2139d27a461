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
import type { DraftStorage } from './draft-storage-port.ts';
import { messageOf } from '#shared/errors';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Claim, ReleaseReason } from './draft-queue.ts';
import { runDraftAttempt, type DraftAttemptParts, type RunningDraft } from './draft-attempt.ts';
import type { DraftSchedule } from './draft-schedule.ts';

export interface DraftWorkerParts extends DraftAttemptParts {
  drafts: Pick<DraftStorage, 'getSetting' | 'setSetting'>;
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

const pausedSetting = 'paused_at';

export const createDraftWorker = (parts: DraftWorkerParts): DraftWorker => new DraftWorker(parts);

export class DraftWorker {
  readonly #parts: DraftWorkerParts;
  readonly #actor: Actor<DraftMachine>;
  readonly #claimErrorLog: ThrottledErrorLog;
  readonly #endErrorLog: ThrottledErrorLog;
  #claim: Claim | null = null;
  #running: RunningDraft | null = null;
  #interrupt = new AbortController();
  /** Resolves when the last attempt has ended. */
  #attemptEnded: Promise<void> = Promise.resolve();
  /** The database may have claims without a running attempt. */
  #mustRecover = true;
  #isStopping = false;

  constructor(parts: DraftWorkerParts) {
    this.#parts = parts;
    this.#claimErrorLog = createThrottledErrorLog(parts.log, 'drafts cannot be looked for');
    this.#endErrorLog = createThrottledErrorLog(
      parts.log,
      'the end of a draft could not be stored',
    );
    const machine = draftMachine.provide({
      actors: {
        look: fromPromise<DraftLook>(({ signal }) => this.#claimNext(signal)),
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
    const value = this.#parts.drafts.getSetting(pausedSetting);
    return value === null || value === '' ? null : Number(value);
  }

  start(): void {
    try {
      this.#recover();
    } catch (error) {
      this.#parts.log.error({ error: messageOf(error) }, 'claims of drafts cannot be looked at');
    }
    this.#actor.start();
  }

  /** Resolves when nothing runs any more and a running attempt was released. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#actor.send({ type: 'stop' });
    this.#releaseUnstarted('stopping');
    await this.#attemptEnded;
  }

  /** A memo needs a draft: starts at once if the worker is idle. */
  wake(): void {
    this.#actor.send({ type: 'wake' });
  }

  /** As `wake`, also while the server counts as unavailable: for a request of a person. */
  retry(): void {
    this.#actor.send({ type: 'retry' });
  }

  /** Durable when it returns. */
  pause(): void {
    if (this.pausedAt !== null) return;
    this.#parts.drafts.setSetting(pausedSetting, String(this.#parts.clock.now()));
    this.#actor.send({ type: 'pause' });
    this.#releaseUnstarted('paused');
  }

  resume(): void {
    this.#parts.drafts.setSetting(pausedSetting, '');
    this.#actor.send({ type: 'resume' });
  }

  /** The memo has changed: aborts the call if this memo is being drafted. */
  interrupt(documentId: string): void {
    if (this.#running?.claim.documentId === documentId) this.#interrupt.abort('interrupted');
  }

  async #claimNext(signal: AbortSignal): Promise<DraftLook> {
    await this.#attemptEnded;
    const { queue, clock, window } = this.#parts;
    // Paused or stopped while it waited for the last attempt. After a resume the statechart looks again, so a memo that
    // is claimed now would not be drafted.
    if (signal.aborted) return { kind: 'none' };
    try {
      this.#recover();
      const now = clock.now();
      if (!window.isOpen(now)) {
        return { kind: 'closed', lookMs: Math.min(window.opensInMs(now), closedLookMsMax) };
      }
      this.#claim = queue.claimNext();
      this.#claimErrorLog.recovered();
    } catch (error) {
      this.#claimErrorLog.error(error);
      throw error;
    }
    if (this.#claim === null) return { kind: 'none' };
    const { documentId, attempt } = this.#claim;
    return { kind: 'claimed', ticket: { documentId, attempt } };
  }

  #draft(signal: AbortSignal): Promise<DraftResult> {
    const claim = this.#claim!;
    this.#interrupt = new AbortController();
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
    this.#attemptEnded = result.then(
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

  #recover(): void {
    if (this.#mustRecover) this.#parts.queue.recoverAbandoned();
    this.#mustRecover = false;
  }

  /** Releases a memo that was claimed just when the statechart left `looking`: no attempt starts for it. */
  #releaseUnstarted(reason: ReleaseReason): void {
    if (this.#claim === null || this.#running !== null) return;
    this.#parts.queue.release(this.#claim, reason);
    this.#claim = null;
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
