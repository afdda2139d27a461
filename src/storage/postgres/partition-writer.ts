/**
 * Writes to the partitions that this process owns, one write after another. Each write compares and sets the leases of
 * its partitions (`lease`), which gives four results:
 *
 * W1 committed: the write is on disk, and its positions follow those of the write before without a gap.
 * W2 refused (GH_STORE_UNAVAILABLE, or GH_STORE_REJECTED when a repeat fails too): nothing was written. The server said
 *    so, or nothing was sent.
 * W3 in doubt: the connection was lost after it was sent. The same write is sent again: either it takes effect, or the
 *    leases show that it had. Other writes wait. After 10 s its caller gets GH_STORE_UNKNOWN; the outcome follows.
 * W4 fenced (GH_STORE_FENCED): another owner has taken a lease. Nothing was written.
 *
 * Must never: send a write whose caller was answered; count a position that is not committed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { exponentialBackoffMs } from '#shared/backoff';
import { GatehouseError } from '#shared/errors';
import { FencedError, rejectedError, UnknownCommitError } from '../commit-errors.ts';
import { inLockOrder, type HeldLease } from './leases.ts';
import { partitionLease } from './partition.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import {
  fencedState,
  isConnectionLost,
  isReplicaError,
  sqlStateOf,
  storeError,
} from './postgres-errors.ts';
import { findOutcome, type LeaseClaim } from './write-outcome.ts';

export interface PartitionWrite<Row = unknown> {
  /** Positions that it uses, by partition; each partition that it changes, with 1 at least. */
  counts: ReadonlyMap<number, number>;
  /** `before`: the last position of each partition before this write. */
  values(claims: LeaseClaims, before: ReadonlyMap<number, number>): unknown[];
  /** Name and text of the prepared statement; its first arguments are the claims. */
  statement: { name: string; text: string };
  /** Reads what the write answered, after it took effect and its answer was lost. */
  readAnswer?(): Promise<Row>;
}

/** The first arguments of every write: worker, and names, epochs and positions of its leases. */
export type LeaseClaims = [worker: string, names: string[], number[], number[], number[]];
export const leaseClaimCount = 5;

export interface PartitionWriter {
  /** From now on these leases are held by this worker. */
  hold(leases: ReadonlyMap<number, HeldLease>, workerId: string): void;
  holds(partition: number): boolean;
  /** Forgets partitions: writes to them are fenced. */
  evict(partitions: readonly number[]): void;
  /**
   * Resolves with the first row of the answer; when the answer was lost and the leases show that the write took effect,
   * with that of `readAnswer`, or null without it.
   * @throws GH_STORE_UNAVAILABLE, GH_STORE_REJECTED, FencedError, UnknownCommitError
   */
  write<Row>(write: PartitionWrite<Row>): Promise<Row | null>;
  /** Resolves when no write is in flight. A write in doubt is not waited for. */
  close(): Promise<void>;
}

export interface WriterOptions {
  database: PostgresDatabase;
  /** Without an answer for so long a connection counts as lost. */
  answerTimeoutMs?: number;
  /** A write that was not sent is refused after this time. */
  refuseAfterMs?: number;
  /** The caller of a write gets GH_STORE_UNKNOWN after this time. */
  doubtAfterMs?: number;
}

const refused = 'The message could not be stored';

export const createPartitionWriter = (options: WriterOptions): PartitionWriter =>
  new SerialWriter(options);

interface PendingWrite<Row = unknown> extends PartitionWrite<Row> {
  /** Owner of the claimed leases. */
  workerId: string;
  claims: LeaseClaim[];
  isInDoubt: boolean;
  /** Its caller was answered before it was sent. */
  isWithdrawn: boolean;
  since: number;
}

class SerialWriter implements PartitionWriter {
  readonly #options: Required<WriterOptions>;
  readonly #held = new Map<number, HeldLease>();
  /** Of the leases that are held: a worker that was taken for gone has lost all leases of its earlier id. */
  #workerId = '';
  #client: pg.PoolClient | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: WriterOptions) {
    this.#options = {
      answerTimeoutMs: 8_000,
      refuseAfterMs: 2_000,
      doubtAfterMs: 10_000,
      ...options,
    };
  }

  hold(leases: ReadonlyMap<number, HeldLease>, workerId: string): void {
    if (workerId !== this.#workerId) this.#held.clear();
    this.#workerId = workerId;
    for (const [partition, lease] of leases) this.#held.set(partition, { ...lease });
  }

  holds(partition: number): boolean {
    return this.#held.has(partition);
  }

  evict(partitions: readonly number[]): void {
    for (const partition of partitions) this.#held.delete(partition);
  }

  write<Row>(write: PartitionWrite<Row>): Promise<Row | null> {
    const pending: PendingWrite<Row> = {
      ...write,
      workerId: '',
      claims: [],
      isInDoubt: false,
      isWithdrawn: false,
      since: performance.now(),
    };
    const done = this.#last.then(() => this.#commit(pending));
    this.#last = done.catch(() => undefined);
    return this.#orUnknown(pending, done);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.race([this.#last, sleep(this.#options.doubtAfterMs, undefined, { ref: false })]);
    this.#drop(this.#client);
  }

  #orUnknown<Row>(pending: PendingWrite, done: Promise<Row | null>): Promise<Row | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Row | null>();
    const timer = setTimeout(() => {
      pending.isWithdrawn = pending.claims.length === 0;
      reject(pending.isWithdrawn ? unavailable() : new UnknownCommitError(done));
    }, this.#options.doubtAfterMs);
    done.then(resolve, reject).finally(() => clearTimeout(timer));
    return promise;
  }

  async #commit<Row>(pending: PendingWrite<Row>): Promise<Row | null> {
    for (let attempt = 0; ; attempt += 1) {
      if (pending.isWithdrawn) throw unavailable();
      const client = await this.#connection(pending);
      if (client !== null) {
        const result = await this.#send(client, pending);
        if (result !== 'lost') return result;
      }
      this.#assertWorthRepeating(pending);
      await sleep(exponentialBackoffMs(attempt, 10, 500));
    }
  }

  /** A write that is not in doubt is refused after a while, one in doubt is repeated until its outcome is known. */
  #assertWorthRepeating({ isInDoubt, since }: PendingWrite): void {
    if (isInDoubt) {
      if (this.#isClosed) throw new GatehouseError('GH_STORE_UNKNOWN');
      return;
    }
    const isLate = performance.now() - since > this.#options.refuseAfterMs;
    if (this.#isClosed || isLate) throw unavailable();
  }

  async #connection({ isInDoubt }: PendingWrite): Promise<pg.PoolClient | null> {
    if (this.#client !== null) return this.#client;
    try {
      const client = await this.#options.database.pool.connect();
      this.#client = client;
      // Noticed while idle: the next write is not sent in vain, and not in doubt.
      client.once('end', () => this.#drop(client, new Error('closed')));
      return client;
    } catch (error) {
      const isTemporary = isConnectionLost(error) || isReplicaError(error);
      // A wrong password does not heal, but a write in doubt has no other way to its outcome.
      if (!isInDoubt && !isTemporary) throw storeError(error, refused);
      return null;
    }
  }

  #drop(client: pg.PoolClient | null, error?: unknown): void {
    if (client === null || client !== this.#client) return;
    this.#client = null;
    this.#options.database.pool.release(client, error);
  }

  async #send<Row>(
    client: pg.PoolClient,
    pending: PendingWrite<Row>,
  ): Promise<Row | null | 'lost'> {
    if (pending.claims.length === 0) {
      pending.claims = this.#claims(pending.counts);
      pending.workerId = this.#workerId;
    }
    const { name, text } = pending.statement;
    const values = this.#values(pending);
    try {
      const { rows } = await client.query({
        name,
        text,
        values,
        query_timeout: this.#options.answerTimeoutMs,
      } as pg.QueryConfig);
      this.#advance(pending.claims);
      return (rows[0] as Row | undefined) ?? null;
    } catch (error) {
      if (sqlStateOf(error) === fencedState) return this.#afterMismatch(pending);
      return this.#afterFailure(client, pending, error);
    }
  }

  async #afterFailure(
    client: pg.PoolClient,
    pending: PendingWrite,
    error: unknown,
  ): Promise<'lost'> {
    // A server that answers after the error has rolled the write back.
    const isAnswer = !isConnectionLost(error) && (await answers(client));
    if (!isAnswer) pending.isInDoubt = true;
    if (!isAnswer || isReplicaError(error))
      this.#drop(client, isAnswer ? error : new Error('lost'));
    // While it is in doubt, an earlier attempt may still run on the server and succeed where this one failed.
    const mayRepeat = !isAnswer || isReplicaError(error) || (pending.isInDoubt && mayPass(error));
    if (!mayRepeat) throw isRejection(error) ? rejectedError(error) : storeError(error, refused);
    return 'lost';
  }

  async #afterMismatch<Row>(pending: PendingWrite<Row>): Promise<Row | null | 'lost'> {
    const { database } = this.#options;
    const { workerId, claims, isInDoubt, readAnswer } = pending;
    try {
      const outcome = await findOutcome(database, workerId, claims, isInDoubt);
      this.#forget(claims, outcome.lost);
      if (outcome.isCommitted) {
        this.#advance(claims);
        return (await readAnswer?.()) ?? null;
      }
      if (outcome.lost.length > 0) throw new FencedError(outcome.lost);
    } catch (error) {
      if (error instanceof FencedError) throw error;
      // The database cannot be read: the outcome is asked for again.
      pending.isInDoubt = true;
    }
    return 'lost';
  }

  /** @throws FencedError for partitions that are not held */
  #claims(counts: ReadonlyMap<number, number>): LeaseClaim[] {
    const missing = [...counts.keys()].filter((partition) => !this.#held.has(partition));
    if (missing.length > 0) throw new FencedError(missing);
    const partitions = new Map([...counts.keys()].map((one) => [partitionLease(one), one]));
    return inLockOrder([...partitions.keys()]).map((name) => {
      const partition = partitions.get(name)!;
      const { epoch, pos } = this.#held.get(partition)!;
      return { partition, name, epoch, before: pos, after: pos + counts.get(partition)! };
    });
  }

  #values({ workerId, claims, values }: PendingWrite): unknown[] {
    const before = new Map(claims.map((claim) => [claim.partition, claim.before]));
    return values(
      [
        workerId,
        claims.map(({ name }) => name),
        claims.map(({ epoch }) => epoch),
        claims.map((claim) => claim.before),
        claims.map(({ after }) => after),
      ],
      before,
    );
  }

  /** A lease that was taken again meanwhile has another epoch: it stays. */
  #forget(claims: readonly LeaseClaim[], lost: readonly number[]): void {
    const isOld = ({ partition, epoch }: LeaseClaim): boolean =>
      lost.includes(partition) && this.#held.get(partition)?.epoch === epoch;
    this.evict(claims.filter(isOld).map(({ partition }) => partition));
  }

  #advance(claims: readonly LeaseClaim[]): void {
    for (const { partition, epoch, after } of claims) {
      const held = this.#held.get(partition);
      if (held?.epoch === epoch) held.pos = after;
    }
  }
}

const unavailable = (): GatehouseError => new GatehouseError('GH_STORE_UNAVAILABLE', refused);

/** After FATAL and PANIC the server ends the connection; their severity is named in the server's language. */
const answers = (client: pg.PoolClient): Promise<boolean> =>
  client.query({ text: 'select 1', query_timeout: 2_000 } as pg.QueryConfig).then(
    () => true,
    () => false,
  );

/** The server does not take these data: a value, a constraint, or a limit of its own. */
const isRejection = (error: unknown): boolean => /^(?:22|23|54)/.test(sqlStateOf(error));

/** Errors that the same statement may not have a moment later: no room, locks, a cancelled statement. */
const mayPass = (error: unknown): boolean => /^(?:40|53|55|57|58|XX)/.test(sqlStateOf(error));
