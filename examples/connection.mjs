// @ts-check
/** The address of Gatehouse's NATS server, and its login. Used by the examples. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The first of: an address in `words`, `NATS_URL`, and the server that the core runs itself. The last is described in
 * `nats/connection.json` in the data folder: `GATEHOUSE_DATA`, else `./data`, the folder of the default database.
 *
 * @param {string[]} words `[URL [USER PASSWORD]]`
 * @param {Record<string, string | undefined>} env `NATS_URL`, `NATS_USER`, `NATS_PASSWORD`, `NATS_INBOX_PREFIX`,
 * `GATEHOUSE_DATA`
 * @returns {{servers: string, user?: string, pass?: string, inboxPrefix?: string}} options of `connect()`
 * @throws {Error} no address was given, and the core runs no server of its own
 */
export function connectionOptions(words, env) {
  const [url = env['NATS_URL'], user = env['NATS_USER'], pass = env['NATS_PASSWORD']] = words;
  const prefix = env['NATS_INBOX_PREFIX'];
  const inbox = prefix === undefined ? {} : { inboxPrefix: prefix };
  if (url !== undefined) {
    return { servers: url, ...inbox, ...(user === undefined ? {} : { user, pass: pass ?? '' }) };
  }
  const file = join(env['GATEHOUSE_DATA'] ?? 'data', 'nats', 'connection.json');
  try {
    const own = JSON.parse(readFileSync(file, 'utf8'));
    return { servers: own.url, user: own.user, pass: own.password, ...inbox };
  } catch (cause) {
    const advice = 'run this in the folder of the core, or set GATEHOUSE_DATA or NATS_URL';
    throw new Error(`${file} cannot be read: ${advice}`, { cause });
  }
}
