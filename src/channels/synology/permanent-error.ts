/** Whether a refusal of the core is permanent: if so, the user is notified and the request is not retried. */
import { errorTable, type ErrorCode } from '#shared/errors';

/** Prefixes of terminal errors that an operator can fix while messages wait: a password, a disk, a second process. */
const operatorFixablePrefixes = ['GH_BUS_', 'GH_STORE_', 'GH_SERVER_', 'GH_CONFIG_'];

/** A code of a newer core is retried: its meaning is unknown here. */
export const isPermanentError = ({ code }: { code: ErrorCode }): boolean =>
  (Object.hasOwn(errorTable, code) ? errorTable[code].kind : 'retryable') === 'terminal' &&
  !operatorFixablePrefixes.some((prefix) => code.startsWith(prefix));
