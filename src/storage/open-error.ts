/** Maps an error on opening a database to one line with a code. */
import { GatehouseError, messageOf } from '#shared/errors';

export function classifyOpenError(error: unknown, path: string): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const text = messageOf(error);
  const code = (error as { code?: string }).code ?? '';
  const fail = (kind: 'GH_STORE_READ_ONLY' | 'GH_STORE_CORRUPT' | 'GH_STORE_OPEN', why: string) =>
    new GatehouseError(kind, `${path}: ${why}`, { cause: error });
  if (code.startsWith('SQLITE_READONLY') || ['EACCES', 'EROFS', 'EPERM'].includes(code)) {
    return fail('GH_STORE_READ_ONLY', `cannot be written (${text}); check its permissions`);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return fail('GH_STORE_CORRUPT', `is not a healthy SQLite database (${text})`);
  }
  return fail('GH_STORE_OPEN', `cannot be opened (${text})`);
}
