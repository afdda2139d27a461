/** How a commit can end besides success and GH_STORE_UNAVAILABLE (nothing was written, a repeat may succeed). */
import { GatehouseError } from '#shared/errors';

/** Nothing was written: another process owns these partitions now. */
export class FencedError extends GatehouseError {
  readonly partitions: readonly number[];

  constructor(partitions: readonly number[]) {
    super('GH_STORE_FENCED');
    this.partitions = partitions;
  }
}

/** It is not known yet whether a write took effect. */
export class UnknownCommitError extends GatehouseError {
  /** Settles as the write would have: resolves when it was committed, else rejects. */
  readonly settled: Promise<unknown>;

  constructor(settled: Promise<unknown>) {
    super('GH_STORE_UNKNOWN');
    this.settled = settled;
  }
}

/** Nothing was written, and a repeat fails too: the data itself, of one change at least, cannot be stored. */
export const rejectedError = (cause: unknown): GatehouseError =>
  new GatehouseError('GH_STORE_REJECTED', undefined, { cause });
