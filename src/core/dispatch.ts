/**
 * Which backend a caller gets (P9). A backend that was named is the one that is used, or the caller is told
 * why not: this file never looks for another. That a backend is down is found out by asking it, not from the
 * last health check: the attempt is quick to fail, and its `error_reason` is the true one.
 */
import type { Backend } from '../contract/model.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { BackendPool, Role } from './backend-pool.ts';

/**
 * The backend of this id, or that of the role when nobody was named (null).
 * @throws GH_BACKEND_UNKNOWN
 */
export function dispatch(
  pool: Pick<BackendPool, 'members' | 'find' | 'role'>,
  name: string | null,
  role: Role,
): Backend {
  if (name === null) return pool.role(role).backend;
  const named = pool.find(name);
  if (named !== undefined) return named.backend;
  const known = pool.members.map(({ config }) => config.id).join(', ');
  throw new GatehouseError(
    'GH_BACKEND_UNKNOWN',
    `There is no backend ${JSON.stringify(name.slice(0, 64))}; there are: ${known}`,
  );
}
