/**
 * The live draft actor: the statechart of machines/draft.ts with the database, the model and the clock around
 * it. Decides nothing about order and pauses; that is the statechart's.
 *
 * 1. One attempt at a time. A new one begins only after the end of the last one is on disk.
 * 2. `stop` and `pause` break the call off and give the memo back: neither counts as an attempt.
 */
import { createActor, fromPromise, type Actor } from 'xstate';
import {
  draftMachine,
  type DraftLook,
  type DraftMachine,
  type DraftResult,
  type DraftTicket,
} from '../../machines/draft.ts';
import type { DraftStorage } from '../contract/draft-storage.ts';
import { messageOf } from '../lib/errors.ts';
import { createLastingFault, type LastingFault } from '../lib/lasting-fault.ts';
import type { Claim, GiveBackReason } from './draft-claims.ts';
import { runDraft, type DraftRunParts, type RunningDraft } from './draft-run.ts';
import type { DraftWindow } from './draft-window.ts';

export interface Drafter {
  start(): void;
  /** Resolves when nothing runs any more and what ran has been given back. Idempotent. */
  stop(): Promise<void>;
  /** A memo wants a draft: begun at once if nothing is under way. */
  wake(): void;
  /** The same, also while the server is thought to be away: a person asks. */
  retry(): void;
  /** Durable when it returns. */
  pause(): void;
  resume(): void;
  /** The memo is not any more what is being drafted: breaks the call off. */
  interrupt(documentId: string): void;
  /** State of the statechart. */
  readonly state: string;
  readonly running: RunningDraft | null;
  /** Epoch ms; null where it is not paused. */
  readonly pausedAt: number | null;
}

export interface DrafterParts extends DraftRunParts {
  drafts: Pick<DraftStorage, 'setting' | 'set'>;
  window: DraftWindow;
  intervalMs: number;
  batch: number;
}

/**
 * A server that is switched on in the morning is found within this time. Shorter only fills the log of a
 * night; longer lets people wonder. The interval is used where that is longer.
 */
const awayMsMax = 15 * 60_000;

/** Timers of hours miss a change of clocks and a machine that slept: looked at again after this at the latest. */
const closedLookMsMax = 15 * 60_000;

const pausedSetting = 'paused_at';

export const createDrafter = (parts: DrafterParts): Drafter => new LiveDrafter(parts);

class LiveDrafter implements Drafter {
  readonly #parts: DrafterParts;
  readonly #actor: Actor<DraftMachine>;
  readonly #lookFault: LastingFault;
  readonly #endFault: LastingFault;
  #claim: Claim | null = null;
  #running: RunningDraft | null = null;
  #interrupt = new AbortController();
  /** The end of the attempt that began last. */
  #settled: Promise<void> = Promise.resolve();
  /** Claims may be left that nobody works on. */
  #mustRecover = true;
  #isStopping = false;

  constructor(parts: DrafterParts) {
    this.#parts = parts;
    this.#lookFault = createLastingFault(parts.log, 'drafts cannot be looked for');
    this.#endFault = createLastingFault(parts.log, 'the end of a draft could not be stored');
    const machine = draftMachine.provide({
      actors: {
        look: fromPromise<DraftLook>(({ signal }) => this.#look(signal)),
        draft: fromPromise<DraftResult, DraftTicket>(({ signal }) => this.#draft(signal)),
      },
    });
    const { intervalMs, batch } = parts;
    const input = { intervalMs, batch, awayMsMax, paused: this.pausedAt !== null };
    this.#actor = createActor(machine, { id: 'drafts', input });
  }

  get state(): string {
    return this.#actor.getSnapshot().value;
  }

  get running(): RunningDraft | null {
    return this.#running;
  }

  get pausedAt(): number | null {
    const value = this.#parts.drafts.setting(pausedSetting);
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

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#actor.send({ type: 'stop' });
    this.#dropUnbegun('stopping');
    await this.#settled;
  }

  wake(): void {
    this.#actor.send({ type: 'wake' });
  }

  retry(): void {
    this.#actor.send({ type: 'retry' });
  }

  pause(): void {
    if (this.pausedAt !== null) return;
    this.#parts.drafts.set(pausedSetting, String(this.#parts.clock.now()));
    this.#actor.send({ type: 'pause' });
    this.#dropUnbegun('paused');
  }

  resume(): void {
    this.#parts.drafts.set(pausedSetting, '');
    this.#actor.send({ type: 'resume' });
  }

  interrupt(documentId: string): void {
    if (this.#running?.claim.documentId === documentId) this.#interrupt.abort('interrupted');
  }

  async #look(signal: AbortSignal): Promise<DraftLook> {
    await this.#settled;
    const { claims, clock, window } = this.#parts;
    // Paused or stopped while it waited for the last attempt, and perhaps resumed, which looks by itself: nobody
    // would draft what is taken now.
    if (signal.aborted) return { kind: 'none' };
    try {
      this.#recover();
      const now = clock.now();
      if (!window.isOpen(now)) {
        return { kind: 'closed', lookMs: Math.min(window.opensInMs(now), closedLookMsMax) };
      }
      this.#claim = claims.take();
      this.#lookFault.worked();
    } catch (error) {
      this.#lookFault.failed(error);
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
      waits: false,
    };
    this.#running = running;
    const result = runDraft(this.#parts, {
      running,
      signal: AbortSignal.any([signal, this.#interrupt.signal]),
      whyBrokenOff: () => this.#whyBrokenOff(signal),
    });
    this.#settled = result.then(
      () => {
        this.#endFault.worked();
        this.#end();
      },
      (error: unknown) => {
        this.#mustRecover = true;
        this.#end();
        this.#endFault.failed(error, { document: claim.documentId });
      },
    );
    return result;
  }

  #recover(): void {
    if (this.#mustRecover) this.#parts.claims.recover();
    this.#mustRecover = false;
  }

  /** What was taken in the moment in which the statechart left `looking` is drafted by nobody. */
  #dropUnbegun(reason: GiveBackReason): void {
    if (this.#claim === null || this.#running !== null) return;
    this.#parts.claims.giveBack(this.#claim, reason);
    this.#claim = null;
  }

  #end(): void {
    this.#running = null;
    this.#claim = null;
  }

  #whyBrokenOff(signal: AbortSignal): GiveBackReason {
    if (this.#isStopping) return 'stopping';
    return signal.aborted ? 'paused' : 'interrupted';
  }
}
