/**
 * The arbiter of a gate that several workers share: runs on the worker that holds the lease `gate/BACKEND`, with today's gate
 * inside. It knows the workers only by their beats. The guarantee is P6 in docs/gate.md.
 *
 * A1 A slot is free when its worker no longer reports it, or `freeMs` after the last beat of that worker. An abort does not
 *    free it: the abort may not have arrived.
 * A2 In the quiet time after its start it grants nothing and collects: the running requests of the previous arbiter take
 *    their slots first, then the waiting requests come back with their age.
 * A3 It says nothing while its lease is not confirmed: no grant, and no confirmation that would extend a permit.
 */
import type { MessageTransport } from '#shared/message-transport';
import { timerMaxMs } from '#models/gate/permit-holder';
import { GateActor } from '#models/gate/gate';
import type { GateOptions, MonotonicTimers } from '#models/gate/gate-options';
import type { AcquireResult, Permit } from '#models/gate/gate-types';
import type { GateSubjects } from '#shared/wire/subjects';
import type { ClusterGateTiming } from '../cluster-timing.ts';
import { beatSchema } from './gate-messages.ts';
import type {
  Announcement,
  Closing,
  GateBeat,
  GateState,
  TicketReport,
  Verdict,
} from './gate-messages.ts';

export interface GateArbiterOptions {
  gate: GateOptions & { timers: MonotonicTimers };
  /** Of the lease. */
  epoch: number;
  /** Whether the lease is confirmed; false at the latest one beat after another worker may have taken it. */
  isConfirmed: () => boolean;
  transport: MessageTransport;
  subjects: GateSubjects;
  /** Since the last beat of the previous arbiter; Infinity: no worker has ever had a permit. */
  silentMs: number;
  timing: ClusterGateTiming;
}

interface Entry {
  report: TicketReport;
  verdict: Verdict;
  /** Withdraws it at the gate; null: it is not there. */
  controller: AbortController | null;
  permit: Permit | null;
  endDrain: (() => void) | null;
}

interface RemoteWorker {
  id: string;
  seq: number;
  entries: Map<string, Entry>;
  expiry: unknown;
}

const keyOf = ({ id, turn }: TicketReport): string => `${id}.${turn}`;
const waits: Verdict = { type: 'waits', position: null };

export class GateArbiter {
  readonly gate: GateActor;
  readonly #options: GateArbiterOptions;
  readonly #timing: ClusterGateTiming;
  readonly #workers = new Map<string, RemoteWorker>();
  readonly #locals = new Map<string, (state: GateState) => void>();
  readonly #unsubscribe: () => void;
  readonly #quietTimer: unknown;
  /** The workers that a clean handover still waits for; null: there was none. */
  #expected: Set<string> | null = null;
  readonly #arrived = new Set<string>();
  #isQuiet = true;
  #isClosed = false;
  /** The worker whose beat is being read: its answer carries the changes. */
  #reading: RemoteWorker | null = null;
  #seq = 0;
  #fence = 0;

  constructor(options: GateArbiterOptions) {
    this.#options = options;
    this.#timing = options.timing;
    // The workers end drains (A1): a limit here could free a slot whose abort has not arrived.
    this.gate = new GateActor({ ...options.gate, drainBoundMs: timerMaxMs });
    const { transport, subjects, epoch, gate } = options;
    this.#unsubscribe = transport.subscribe(subjects.door, (message) => {
      const beat = beatSchema.safeParse(message);
      return beat.success ? (this.receive(beat.data) ?? undefined) : undefined;
    });
    const quietMs = Math.max(0, this.#timing.quietMs - options.silentMs);
    this.#quietTimer = gate.timers.setTimeout(() => this.#open(), quietMs);
    transport.publish(subjects.all, { type: 'who', epoch } satisfies Announcement);
  }

  /** The worker of this process: its states do not travel over the transport. */
  connectLocal(worker: string, onState: (state: GateState) => void): void {
    this.#locals.set(worker, onState);
  }

  /** The state after this beat; null while this arbiter may not speak (A3). */
  receive(beat: GateBeat): GateState | null {
    if (this.#isClosed || !this.#options.isConfirmed()) return null;
    const worker = this.#workers.get(beat.worker) ?? {
      id: beat.worker,
      seq: 0,
      entries: new Map<string, Entry>(),
      expiry: undefined,
    };
    this.#workers.set(worker.id, worker);
    if (beat.seq > worker.seq) {
      worker.seq = beat.seq;
      this.#renew(worker);
      this.#reading = worker;
      this.#reconcile(worker, beat);
      this.#reading = null;
      this.#collect(beat);
    }
    return this.#stateOf(worker);
  }

  /** Ends it. `clean`: the lease is still confirmed, and the next arbiter need not wait. Permits go on. */
  close(kind: 'clean' | 'lost'): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsubscribe();
    const { transport, subjects, epoch, gate } = this.#options;
    const { timers } = gate;
    timers.clearTimeout(this.#quietTimer);
    for (const worker of this.#workers.values()) timers.clearTimeout(worker.expiry);
    if (kind === 'clean' && !this.#isQuiet && this.#options.isConfirmed()) {
      const closing = { epoch, workers: this.#workersWithRequests() };
      transport.publish(subjects.all, {
        type: 'closing',
        closing,
      } satisfies Announcement);
    }
    this.gate.stop();
  }

  /** The requests that have a permit. */
  permits(): { worker: string; fence: string }[] {
    return [...this.#workers.values()].flatMap(({ id, entries }) =>
      [...entries.values()].flatMap((entry) => {
        const fence = entry.permit === null ? null : fenceOf(entry);
        return fence === null ? [] : [{ worker: id, fence }];
      }),
    );
  }

  /** The others were granted nothing, and may be gone. */
  #workersWithRequests(): string[] {
    return [...this.#workers.values()]
      .filter(({ entries }) => entries.size > 0)
      .map(({ id }) => id);
  }

  #renew(worker: RemoteWorker): void {
    const { timers } = this.#options.gate;
    timers.clearTimeout(worker.expiry);
    worker.expiry = timers.setTimeout(() => {
      this.#workers.delete(worker.id);
      for (const entry of worker.entries.values()) leave(entry, undefined);
      worker.entries.clear();
    }, this.#timing.freeMs);
  }

  #reconcile(worker: RemoteWorker, beat: GateBeat): void {
    const ended = new Map(beat.ended.map(({ fence, result }) => [fence, result]));
    const reports = new Map(beat.tickets.map((report) => [keyOf(report), report]));
    // Ends first: what they free is granted in the order of the queue, not to who comes with this beat.
    for (const [key, entry] of worker.entries) {
      if (reports.has(key)) continue;
      worker.entries.delete(key);
      const fence = fenceOf(entry);
      leave(entry, fence === null ? undefined : ended.get(fence));
    }
    for (const [key, report] of reports) {
      const entry = worker.entries.get(key);
      if (entry === undefined) this.#add(worker, report);
      else this.#update(worker, entry, report);
    }
  }

  #add(worker: RemoteWorker, report: TicketReport): void {
    const isHeld = report.fence !== null;
    const entry: Entry = { report, verdict: waits, controller: null, permit: null, endDrain: null };
    worker.entries.set(keyOf(report), entry);
    if (this.#isQuiet) return;
    // No slot belongs to it: its permit ended before this arbiter granted anything.
    if (isHeld) entry.verdict = { type: 'aborted', fence: report.fence, reason: 'expired' };
    else this.#admit(worker, entry);
  }

  #update(worker: RemoteWorker, entry: Entry, report: TicketReport): void {
    entry.report = report;
    if (this.#isQuiet) return;
    const isForeign =
      report.fence !== null && entry.controller !== null && fenceOf(entry) !== report.fence;
    if (isForeign) {
      leave(entry, undefined);
      this.#add(worker, report);
    } else if (report.phase === 'draining') startDrain(entry);
    else if (report.speculative !== true) entry.permit?.adopt();
  }

  /** A handover is complete when each worker of the previous table refuses the messages of the previous arbiter. */
  #collect({ worker, epoch, closing }: GateBeat): void {
    if (!this.#isQuiet) return;
    if (closing?.epoch === this.#options.epoch - 1) this.#expected ??= expectedOf(closing);
    if (epoch === this.#options.epoch) this.#arrived.add(worker);
    const expected = this.#expected;
    if (expected !== null && [...expected].every((id) => this.#arrived.has(id))) this.#open();
  }

  #open(): void {
    if (!this.#isQuiet) return;
    this.#isQuiet = false;
    this.#options.gate.timers.clearTimeout(this.#quietTimer);
    const all = [...this.#workers.values()].flatMap((worker) =>
      [...worker.entries.values()].map((entry) => ({ worker, entry })),
    );
    const rank = ({ entry: { report } }: { entry: Entry }): number =>
      report.fence === null ? 1 : 0;
    const inOrder = all.toSorted(
      (a, b) => rank(a) - rank(b) || b.entry.report.waitedMs - a.entry.report.waitedMs,
    );
    for (const { worker, entry } of inOrder) this.#admit(worker, entry);
  }

  #admit(worker: RemoteWorker, entry: Entry): void {
    const { waitedMs, preemptions, isAdmitted, fence, ...report } = entry.report;
    const { kind, priority, user, jobId, preemptible, speculative } = report;
    entry.controller = new AbortController();
    if (fence !== null) entry.verdict = { type: 'granted', fence };
    const request = {
      kind,
      priority,
      user,
      jobId,
      preemptible,
      speculative,
      signal: entry.controller.signal,
      // The worker refuses it at its deadline.
      deadlineAt: null,
      onQueued: (position: Extract<Verdict, { type: 'waits' }>['position']) => {
        if (entry.verdict.type !== 'waits') return;
        entry.verdict = { type: 'waits', position };
        this.#tell(worker);
      },
    };
    void this.gate
      .acquire(request, { waitedMs: Math.floor(waitedMs), preemptions, isAdmitted })
      .then((result) => this.#decided(worker, entry, result));
  }

  #decided(worker: RemoteWorker, entry: Entry, result: AcquireResult): void {
    const isCurrent = worker.entries.get(keyOf(entry.report)) === entry;
    if (!result.ok) {
      const { errorReason: reason, retryAfterMs } = result;
      if (!isCurrent || this.#isClosed) return;
      entry.verdict = { type: 'refused', reason, retryAfterMs };
      return this.#tell(worker);
    }
    const { permit } = result;
    if (!isCurrent) return permit.drain(Promise.resolve());
    entry.permit = permit;
    if (entry.verdict.type !== 'granted') {
      this.#fence += 1;
      entry.verdict = { type: 'granted', fence: `${this.#options.epoch}.${this.#fence}` };
    }
    const onAbort = (): void => {
      if (worker.entries.get(keyOf(entry.report)) !== entry) return;
      const reason = permit.signal.reason as 'preempted';
      entry.verdict = { type: 'aborted', fence: fenceOf(entry), reason };
      this.#tell(worker);
    };
    if (entry.report.phase === 'draining') startDrain(entry);
    if (permit.signal.aborted) return onAbort();
    permit.signal.addEventListener('abort', onAbort, { once: true });
    this.#tell(worker);
  }

  #tell(worker: RemoteWorker): void {
    if (this.#isClosed || this.#reading === worker || !this.#options.isConfirmed()) return;
    const local = this.#locals.get(worker.id);
    const state = this.#stateOf(worker);
    if (local) local(state);
    else this.#options.transport.publish(this.#options.subjects.worker(worker.id), state);
  }

  #stateOf(worker: RemoteWorker): GateState {
    this.#seq += 1;
    return {
      epoch: this.#options.epoch,
      seq: this.#seq,
      confirmed: worker.seq,
      tickets: [...worker.entries.values()].map(({ report: { id, turn }, verdict }) => ({
        id,
        turn,
        verdict,
      })),
    };
  }
}

const expectedOf = ({ workers }: Closing): Set<string> => new Set(workers);

const fenceOf = ({ verdict, report }: Entry): string | null =>
  'fence' in verdict ? verdict.fence : report.fence;

function startDrain(entry: Entry): void {
  if (entry.permit === null || entry.endDrain !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  entry.endDrain = resolve;
  entry.permit.drain(promise);
}

/** Its worker does not report it any more. */
function leave(entry: Entry, result: 'ok' | 'failed' | 'unreachable' | undefined): void {
  if (entry.permit === null) entry.controller?.abort();
  else if (entry.endDrain !== null) entry.endDrain();
  else if (result === undefined) entry.permit.drain(Promise.resolve());
  else entry.permit.release({ result });
}
