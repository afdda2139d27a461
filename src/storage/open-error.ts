/** Maps an error on opening a database to one line with a code. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { GatehouseError, messageOf } from '#shared/errors';

export function classifyOpenError(error: unknown, path: string): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const text = messageOf(error);
  const own = (error as { code?: string }).code ?? '';
  // SQLite does not say why a file cannot be made.
  const code = own.startsWith('SQLITE_CANTOPEN') ? (folderFault(path) ?? own) : own;
  const fail = (kind: 'GH_STORE_READ_ONLY' | 'GH_STORE_CORRUPT' | 'GH_STORE_OPEN', why: string) =>
    new GatehouseError(kind, `${path}: ${why}`, { cause: error });
  if (code.startsWith('SQLITE_READONLY') || ['EACCES', 'EROFS', 'EPERM'].includes(code)) {
    return fail('GH_STORE_READ_ONLY', `cannot be written (${text}); check its permissions`);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return fail('GH_STORE_CORRUPT', `is not a healthy SQLite database (${text})`);
  }
  if (['SQLITE_FULL', 'ENOSPC'].includes(code)) {
    return fail('GH_STORE_OPEN', `its disk is full (${text}); make room and try again`);
  }
  return fail('GH_STORE_OPEN', `cannot be opened (${text})`);
}

function folderFault(path: string): string | undefined {
  try {
    accessSync(dirname(path), constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
