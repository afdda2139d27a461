/**
 * Gives every committed position its place in the global order of events. One process holds the lease of this task; a
 * sequencer that lost it appends nothing. Identity values would not do: they become visible out of order.
 */
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { takeLeases, type HeldLease, type Worker } from '#storage/postgres/leases';
import { sequencerLease } from '#storage/postgres/partition';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { fencedState, guardPostgres, sqlStateOf } from '#storage/postgres/postgres-errors';

export interface EventSequencer {
  /**
   * Gives all positions that are committed now a place. Resolves with the last place.
   * @throws GH_STORE_FENCED when another process has the task, GH_STORE_UNAVAILABLE
   */
  append(): Promise<number>;
  /** Wake-up signal: positions were committed. */
  wake(): void;
  /** Appends at each signal, and regularly, until the signal aborts. @throws GH_STORE_FENCED */
  run(signal: AbortSignal): Promise<void>;
}

export interface SequencerOptions {
  database: PostgresDatabase;
  worker: Worker;
  log: Log;
  /** There are new places, up to this one. */
  onAppended?: (last: number) => void;
}

/** Other processes commit without a wake-up signal to this one. */
const pollMs = 250;

const appendRanges: PreparedStatement<{ last: number }> = {
  name: 'append_ranges',
  text: 'select append_ranges($1, $2) as last',
};

/** Takes the task from its holder. @throws GH_STORE_FENCED for a lease of a newer machine, GH_STORE_UNAVAILABLE */
export async function takeSequencer(options: SequencerOptions): Promise<EventSequencer> {
  const { database, worker } = options;
  const taken = await guardPostgres('The order of events cannot be taken over', () =>
    takeLeases(database, worker, [sequencerLease]),
  );
  const lease = taken.get(sequencerLease);
  if (lease === undefined) throw new GatehouseError('GH_STORE_FENCED');
  return createSequencer(options, lease);
}

/** For the holder of the lease. */
export const createSequencer = (options: SequencerOptions, lease: HeldLease): EventSequencer =>
  new LeasedSequencer(options, lease.epoch, lease.pos);

class LeasedSequencer implements EventSequencer {
  readonly #options: SequencerOptions;
  readonly #epoch: number;
  #last: number;
  #isAwake = false;
  #wakeUp: (() => void) | null = null;

  constructor(options: SequencerOptions, epoch: number, last: number) {
    this.#options = options;
    this.#epoch = epoch;
    this.#last = last;
  }

  async append(): Promise<number> {
    const { database, worker, onAppended } = this.#options;
    const last = await guardPostgres('The order of events cannot be stored', async () => {
      try {
        const [row] = await database.run(appendRanges, [worker.id, this.#epoch]);
        return row!.last;
      } catch (error) {
        if (sqlStateOf(error) !== fencedState) throw error;
        throw new GatehouseError('GH_STORE_FENCED', undefined, { cause: error });
      }
    });
    const isNew = last > this.#last;
    this.#last = last;
    if (isNew) onAppended?.(last);
    return last;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wakeUp?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isAwake = false;
      try {
        await this.append();
      } catch (error) {
        if (error instanceof GatehouseError && error.code === 'GH_STORE_FENCED') throw error;
        this.#options.log.warn({ error: messageOf(error) }, 'the order of events was not stored');
      }
      if (!this.#isAwake) await this.#pause(signal);
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wakeUp = null;
        resolve();
      };
      const timer = setTimeout(end, pollMs);
      signal.addEventListener('abort', end);
      this.#wakeUp = end;
      if (signal.aborted) end();
    });
  }
}
