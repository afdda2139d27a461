/** Opens the database that the configuration names. */
import type { Config } from '../config/config.ts';
import type { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { openSqliteStores } from './sqlite-stores.ts';
import type { Stores } from './stores.ts';

/**
 * @param parts `onFenced`: another process has taken the database over, this one can no longer write
 * @throws GatehouseError whose code names why the database cannot be used
 */
export async function openStores(
  { database, cluster }: Config,
  parts: { faults: FaultInjector; log: Log; onFenced: (error: GatehouseError) => void },
): Promise<Stores> {
  if (typeof database === 'string') return openSqliteStores(database, parts);
  // Its driver is loaded only where it is used.
  const { openPostgresStores } = await import('./postgres-stores.ts');
  return openPostgresStores(database, { ...parts, isShared: cluster !== null });
}
