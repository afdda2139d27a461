/**
 * Selects the backend of a request (P9). A named backend is used, or the caller gets the reason for the failure: this
 * module never falls back to another. It does not consult the last health check: the request itself fails quickly if
 * the backend is down, and its `error_reason` is accurate.
 */
import type { Backend } from '#shared/model/model';
import { GatehouseError } from '#shared/errors';
import type { BackendPool, Role } from './backend-pool.ts';

/**
 * The backend with this id; the backend of the role if the name is null.
 * @throws GH_BACKEND_UNKNOWN
 */
export function selectBackend(
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
