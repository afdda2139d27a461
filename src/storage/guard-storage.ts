import { GatehouseError } from '#shared/errors';

/**
 * Runs statements of a store. SQLite's own errors are disk errors: they may be temporary, and must not be taken for a
 * fault of the job.
 * @throws GH_STORE_UNAVAILABLE with `what` as its message
 */
export function guardStorage<Value>(what: string | undefined, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    throw new GatehouseError('GH_STORE_UNAVAILABLE', what, { cause: error });
  }
}
