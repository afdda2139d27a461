/** Optimistic concurrency: a change that was decided on data that changed meanwhile is decided again. */
import { GatehouseError } from './errors.ts';

/** A conflict means that another change was committed, so one of two always goes on. More than this is a fault. */
const attemptsMax = 100;

/**
 * Runs `attempt` until it has no conflict. It must read again what it decides on, each time.
 * @throws GH_STORE_CONFLICT after too many conflicts
 */
export async function repeatOnConflict<Value>(
  attempt: () => Promise<Value | 'conflict'>,
): Promise<Value> {
  for (let count = 0; count < attemptsMax; count += 1) {
    const value = await attempt();
    if (value !== 'conflict') return value;
  }
  throw new GatehouseError('GH_STORE_CONFLICT');
}
