/**
 * Runs once before the tests of a project: installs or unpacks the real servers that the tests start. A server that
 * cannot be installed is printed with its reason, and its tests are skipped.
 */
import { prepareChromium } from './chromium.ts';
import { prepareDovecot } from './dovecot.ts';
import { prepareLlamaServer } from './llama-server.ts';
import { prepareNatsGo } from './nats-go.ts';
import { prepareNatsServer } from './nats-server.ts';
import { preparePgbouncer } from './pgbouncer.ts';
import { preparePostgres, prepareVectors } from './postgres-server.ts';
import { prepareCaddy, prepareNginx } from './proxies.ts';
import { prepareRadicale } from './radicale.ts';
import { prepareRecurringIcalEvents } from './recurring-ical-events.ts';
import { prepareSpin } from './spin.ts';
import { prepareTmux } from './tmux.ts';

/** Each resolves with the reason why the server is missing, or null. They run one after another: they share apt's lock. */
const preparations: Record<string, () => string | null | Promise<string | null>> = {
  'nats-server': () => (prepareNatsServer() === null ? 'apt-get download failed' : null),
  'nats.go': prepareNatsGo,
  nginx: prepareNginx,
  Caddy: prepareCaddy,
  PostgreSQL: preparePostgres,
  pgvector: prepareVectors,
  PgBouncer: preparePgbouncer,
  Radicale: prepareRadicale,
  recurring_ical_events: prepareRecurringIcalEvents,
  Dovecot: prepareDovecot,
  Spin: prepareSpin,
  tmux: prepareTmux,
  Chromium: () => (prepareChromium() === null ? 'it could not be installed' : null),
  'llama.cpp server': async () => {
    const result = await prepareLlamaServer();
    return result.ok ? null : result.reason;
  },
};

/** @throws when a server is missing and `REQUIRE_SERVERS=1`: in CI a skipped test is a failure. */
export async function setup(): Promise<void> {
  const missing: string[] = [];
  for (const [name, prepare] of Object.entries(preparations)) {
    const reason = await prepare();
    if (reason === null) continue;
    console.warn(`${name}: not available, its tests are skipped (${reason})`);
    missing.push(name);
  }
  if (process.env['REQUIRE_SERVERS'] === '1' && missing.length > 0) {
    throw new Error(`REQUIRE_SERVERS=1, but not available: ${missing.join(', ')}`);
  }
}
