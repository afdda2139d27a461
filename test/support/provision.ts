/**
 * Runs once before all tests: makes the real servers that the tests start available, as far as they can be
 * had here. What cannot be had is printed with its reason, and its tests skip.
 */
import { prepareChromium } from './chromium.ts';
import { prepareDovecot } from './dovecot.ts';
import { prepareLlamaServer } from './llama-server.ts';
import { prepareNatsGo } from './nats-go.ts';
import { prepareNatsServer } from './nats-server.ts';
import { prepareCaddy, prepareNginx } from './proxies.ts';
import { prepareRadicale } from './radicale.ts';
import { prepareRecurringIcalEvents } from './recurring-ical-events.ts';
import { prepareTmux } from './tmux.ts';

/** Each resolves with the reason why it is not to be had, or null. One after another: they share apt's lock. */
const preparations: Record<string, () => string | null | Promise<string | null>> = {
  'nats-server': () => (prepareNatsServer() === null ? 'apt-get download failed' : null),
  'nats.go': prepareNatsGo,
  nginx: prepareNginx,
  Caddy: prepareCaddy,
  Radicale: prepareRadicale,
  recurring_ical_events: prepareRecurringIcalEvents,
  Dovecot: prepareDovecot,
  tmux: prepareTmux,
  Chromium: () => (prepareChromium() === null ? 'it could not be installed' : null),
  'llama.cpp server': async () => {
    const result = await prepareLlamaServer();
    return result.ok ? null : result.reason;
  },
};

export async function setup(): Promise<void> {
  for (const [name, prepare] of Object.entries(preparations)) {
    const reason = await prepare();
    if (reason !== null) console.warn(`${name}: not available, its tests are skipped (${reason})`);
  }
}
