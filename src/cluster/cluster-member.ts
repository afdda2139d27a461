/**
 * This process as a worker of a cluster: beats, finds workers that are gone, and takes and hands over leases, until every
 * lease has an owner that lives. The database decides; this process is at most late.
 *
 * M1 A lease is used only between `gained` and `lost`, `handOver` or `fenced`. Another owner may exist before `lost` is
 *    called: its commits count, those of this process are refused (GH001).
 * M2 A worker that was marked gone never comes back: it forgets its leases and joins with a new id.
 * M3 Without a confirmed beat for `goneAfterMs`, `isConfirmed` is false: start nothing that others could start too.
 */
import { messageOf } from '#shared/errors';
import { abortableSleep } from '#shared/abortable-sleep';
import { systemClock } from '#shared/clock';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import {
  ensureLeases,
  exchangeBeats,
  leaveWorkers,
  markGone,
  readLeases,
  registerWorker,
  releaseLeases,
  takeLeases,
  type HeldLease,
  type LeaseState,
  type LiveWorker,
  type Worker,
} from '#storage/postgres/leases';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import type { ClusterTiming } from './cluster-timing.ts';
import {
  createFailureDetector,
  type FailureDetector,
  type SilentWorker,
  type WorkerBeat,
} from './failure-detector.ts';
import { createLeaseHistory, type LeaseChange } from './lease-history.ts';
import { planLeases } from './lease-plan.ts';

export interface GainedLease extends HeldLease {
  /** ms since the last beat of the previous owner, at least; null: it gave the lease up, or there was none. */
  ownerSilentMs: number | null;
}

export interface LeaseUser {
  /** These leases are owned from now on. An error leaves them owned; it is logged. */
  gained(leases: ReadonlyMap<string, GainedLease>, worker: Worker): Promise<void> | void;
  /** They belong to others now: forget what depends on them, write nothing. */
  lost(names: readonly string[]): void;
  /** Ends all writes with these leases. They are given up when it resolves. */
  handOver(names: readonly string[]): Promise<void>;
}

type MemberTiming = Pick<ClusterTiming, 'beatMs' | 'goneAfterMs' | 'goneFastAfterMs'>;

export interface ClusterOptions {
  database: PostgresDatabase;
  machineVersion: number;
  /** Of this worker, for people. */
  name?: string;
  /** JSON of a `WorkerInfo`. */
  info?: string;
  /** Leases besides the partitions: roles and gates. */
  leases: readonly string[];
  user: LeaseUser;
  log: Log;
  timing: MemberTiming;
  /** At most so many leases are handed over per beat. */
  handOverMax: number;
  /** Whether nothing listens for this worker on NATS. False when that is not known. */
  isUnreachable?: (workerId: string) => Promise<boolean>;
  /** Whether this process has had no connection to the message server for so long that others should do its work. */
  isIsolated?: () => boolean;
  /** This process is this worker from now on, before it takes leases as such. */
  onJoined?: (worker: Worker) => void;
  /** Leases are free: other workers should look at once. */
  onReleased?: () => void;
  /** Monotonic, in ms. */
  now?: () => number;
}

export interface ClusterView {
  worker: Worker;
  /** All workers that are not gone; `silentMs`: since a beat of it was seen. */
  live: readonly (LiveWorker & { silentMs: number })[];
  leases: readonly LeaseState[];
}

/** Numbers of leases since the start of the process. */
export interface MemberCounters {
  /** Taken from workers that were gone. */
  takeovers: number;
  handovers: number;
  /** Taken by others. */
  losses: number;
}

export interface ClusterMember {
  /** As of the last beat; null before the first one. */
  view(): ClusterView | null;
  /** Whether the last stored beat is at most so old, in ms. Default: `goneAfterMs`. */
  isConfirmed(withinMs?: number): boolean;
  /** Age of the last stored beat in ms; Infinity: none is stored. */
  beatAgeMs(): number;
  /** Names of the leases that are in use here. */
  owned(): string[];
  readonly counters: Readonly<MemberCounters>;
  /** What the table of leases has shown, the newest first. */
  changes(): LeaseChange[];
  /** Looks at the leases now instead of at the next beat. */
  wake(): void;
  /** Writes of these leases were refused as fenced. */
  fenced(names: readonly string[]): void;
  /** Hands all leases over and leaves. Idempotent. */
  leave(): Promise<void>;
}

/** Joins. Resolves after the first look at the leases. @throws GH_STORE_UNAVAILABLE */
export async function joinCluster(options: ClusterOptions): Promise<ClusterMember> {
  const member = new Member(options);
  await guardPostgres('The worker cannot join the cluster', () => member.join());
  return member;
}

class Member implements ClusterMember {
  readonly #options: ClusterOptions;
  readonly #timing: MemberTiming;
  readonly #now: () => number;
  readonly #nextId = createIdSource();
  readonly #ending = new AbortController();
  /** Epochs of the leases in use. */
  readonly #owned = new Map<string, number>();
  /** Being handed over. */
  readonly #leaving = new Set<string>();
  readonly #history = createLeaseHistory();
  readonly counters: MemberCounters = { takeovers: 0, handovers: 0, losses: 0 };
  #detector: FailureDetector;
  #worker: Worker;
  #view: ClusterView | null = null;
  #confirmedAt = -Infinity;
  /** Until the next look. */
  #pauseMs: number;
  #pause = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Calls of the user, one after another: no beat waits for them. */
  #calls: Promise<void> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#timing = options.timing;
    this.#now = options.now ?? (() => performance.now());
    this.#worker = this.#newWorker();
    this.#detector = this.#newDetector();
    this.#pauseMs = this.#timing.beatMs;
  }

  async join(): Promise<void> {
    await ensureLeases(this.#options.database, this.#options.leases);
    await registerWorker(this.#options.database, this.#worker);
    this.#options.onJoined?.(this.#worker);
    await this.#look();
    await this.#calls;
    this.#loop = this.#run();
  }

  view(): ClusterView | null {
    return this.#view;
  }

  isConfirmed(withinMs = this.#timing.goneAfterMs): boolean {
    return this.beatAgeMs() < withinMs;
  }

  beatAgeMs(): number {
    return this.#now() - this.#confirmedAt;
  }

  owned(): string[] {
    return [...this.#owned.keys()];
  }

  changes(): LeaseChange[] {
    return this.#history.changes();
  }

  wake(): void {
    this.#pause.abort();
  }

  fenced(names: readonly string[]): void {
    this.#lose(names.filter((name) => this.#owned.has(name)));
    this.wake();
  }

  async leave(): Promise<void> {
    if (this.#ending.signal.aborted) return this.#loop;
    this.#ending.abort();
    this.wake();
    await this.#loop;
    await this.#calls;
    const names = [...this.#owned.keys()];
    this.#owned.clear();
    if (names.length > 0) await this.#options.user.handOver(names);
    this.counters.handovers += names.length;
    await leaveWorkers(this.#options.database, this.#worker.id);
    this.#options.onReleased?.();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await abortableSleep(this.#pauseMs, this.#pause.signal, { ref: false });
      this.#pause = new AbortController();
      if (this.#ending.signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.warn(
          { error: messageOf(error) },
          'the beat of this worker was not stored',
        );
      }
    }
  }

  async #look(): Promise<void> {
    const { database, isIsolated } = this.#options;
    const sentAt = this.#now();
    const live = await exchangeBeats(database, this.#worker.id, isIsolated?.() ?? false);
    if (live === null) return this.#rejoin();
    this.#confirmedAt = sentAt;
    const gone = await this.#markSilent(live.filter(({ id }) => id !== this.#worker.id));
    const alive = live.filter(({ id }) => !gone.has(id));
    const leases = await readLeases(database);
    const now = this.#now();
    const seen = alive.map((worker) => ({
      ...worker,
      silentMs: worker.id === this.#worker.id ? 0 : this.#detector.silentMs(now, worker.id),
    }));
    this.#view = { worker: this.#worker, live: seen, leases };
    this.#history.observe(systemClock.now(), alive, leases);
    this.#forgetForeign(leases);
    const plan = planLeases(this.#worker, alive, leases);
    // Taken before, but the answer was lost: taken again, with a new epoch.
    const isUnknown = ({ name, worker }: LeaseState): boolean =>
      worker === this.#worker.id && !this.#owned.has(name) && !this.#leaving.has(name);
    await this.#take([...plan.take, ...leases.filter(isUnknown)]);
    this.#handOver(plan.handOver.filter(({ name }) => this.#owned.has(name)));
  }

  /** M2. */
  async #rejoin(): Promise<void> {
    this.#options.log.warn({ worker: this.#worker.id }, 'other workers took this one for gone');
    this.#confirmedAt = -Infinity;
    this.#lose([...this.#owned.keys()]);
    this.#worker = this.#newWorker();
    this.#detector = this.#newDetector();
    await registerWorker(this.#options.database, this.#worker);
    this.#options.onJoined?.(this.#worker);
    this.wake();
  }

  async #markSilent(others: readonly WorkerBeat[]): Promise<Set<string>> {
    const { database, isUnreachable, onReleased, log } = this.#options;
    const { goneAfterMs, goneFastAfterMs } = this.#timing;
    const gone = new Set<string>();
    const observed = this.#detector.observe(this.#now(), others);
    this.#pauseMs = this.#pauseAfter(observed);
    const mark = async (other: SilentWorker): Promise<void> => {
      const isSilent =
        other.silentMs >= goneAfterMs ||
        (other.silentMs >= goneFastAfterMs && ((await isUnreachable?.(other.id)) ?? false));
      if (!isSilent || !(await markGone(database, other))) return;
      log.warn({ worker: other.id, silentMs: Math.round(other.silentMs) }, 'a worker is gone');
      gone.add(other.id);
    };
    await Promise.all(observed.map(mark));
    if (gone.size > 0) onReleased?.();
    return gone;
  }

  /** The next look is at the moment when a silent worker can be gone, if that is before the next beat. */
  #pauseAfter(observed: readonly SilentWorker[]): number {
    const { beatMs, goneAfterMs, goneFastAfterMs } = this.#timing;
    const limits = observed.flatMap(({ silentMs }) => [
      goneFastAfterMs - silentMs,
      goneAfterMs - silentMs,
    ]);
    return Math.min(beatMs, ...limits.filter((ms) => ms > 0));
  }

  #forgetForeign(leases: readonly LeaseState[]): void {
    const isOwn = ({ name, worker, epoch }: LeaseState): boolean =>
      worker === this.#worker.id && this.#owned.get(name) === epoch;
    const own = new Set(leases.filter(isOwn).map(({ name }) => name));
    this.#lose([...this.#owned.keys()].filter((name) => !own.has(name)));
  }

  async #take(leases: readonly LeaseState[]): Promise<void> {
    if (leases.length === 0) return;
    const epochs = new Map(leases.map(({ name, epoch }) => [name, epoch]));
    const names = [...epochs.keys()];
    const taken = await takeLeases(this.#options.database, this.#worker, names, epochs);
    for (const [name, { epoch }] of taken) this.#owned.set(name, epoch);
    const isOthers = ({ name, worker }: LeaseState): boolean =>
      taken.has(name) && worker !== null && worker !== this.#worker.id;
    this.counters.takeovers += leases.filter(isOthers).length;
    const now = this.#now();
    const silences = new Map(
      leases.map(({ name, worker: owner }) => [
        name,
        owner === null ? null : this.#silenceOf(owner, now),
      ]),
    );
    const worker = this.#worker;
    this.#call(() => {
      // M1: some may be lost again since an earlier call delayed this one.
      const held = [...taken].flatMap(([name, lease]): [string, GainedLease][] => {
        if (this.#owned.get(name) !== lease.epoch) return [];
        return [[name, { ...lease, ownerSilentMs: silences.get(name) ?? null }]];
      });
      if (held.length > 0) return this.#options.user.gained(new Map(held), worker);
    });
  }

  #silenceOf(owner: string, now: number): number {
    // Taken twice by this worker: nothing was silent.
    if (owner === this.#worker.id) return 0;
    return Math.max(this.#detector.silentMs(now, owner), this.#timing.goneFastAfterMs);
  }

  #handOver(leases: readonly LeaseState[]): void {
    const names = leases.slice(0, this.#options.handOverMax).map(({ name }) => name);
    if (names.length === 0 || this.#leaving.size > 0) return;
    for (const name of names) {
      this.#owned.delete(name);
      this.#leaving.add(name);
    }
    this.#call(async () => {
      try {
        await this.#options.user.handOver(names);
        await releaseLeases(this.#options.database, this.#worker.id, names);
        this.counters.handovers += names.length;
        this.#options.onReleased?.();
      } finally {
        this.#leaving.clear();
      }
    });
  }

  #call(run: () => Promise<void> | void): void {
    this.#calls = this.#calls.then(run).catch((error: unknown) => {
      this.#options.log.error({ error: messageOf(error) }, 'leases could not be taken or given up');
    });
  }

  #lose(names: readonly string[]): void {
    for (const name of names) this.#owned.delete(name);
    this.counters.losses += names.length;
    if (names.length > 0) this.#options.user.lost(names);
  }

  #newWorker(): Worker {
    const { machineVersion, name = '', info = '{}' } = this.#options;
    return { id: this.#nextId(), name, machineVersion, info };
  }

  #newDetector(): FailureDetector {
    return createFailureDetector(this.#timing.goneAfterMs / 2);
  }
}
