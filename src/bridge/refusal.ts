/** Whether the core's "no" will be the same next time: then it is told, in place of asked again for ever. */
import { errorTable, type ErrorCode } from '../lib/errors.ts';

/** Areas whose terminal errors an operator mends while messages wait: a password, a disk, a second process. */
const outages = ['GH_BUS_', 'GH_STORE_', 'GH_SERVER_', 'GH_CONFIG_'];

/** A code of a core that is newer than this bridge is tried again: nobody here knows what it means. */
export const isForGood = ({ code }: { code: ErrorCode }): boolean =>
  (Object.hasOwn(errorTable, code) ? errorTable[code].kind : 'retryable') === 'terminal' &&
  !outages.some((area) => code.startsWith(area));
