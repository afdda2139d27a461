/** The tools as the doctor sees them: calendar and mail, each logged in to once. */
import type { Config } from '../config/config.ts';
import { mailAccounts, trustOf } from '../core/toolbox.ts';
import { GatehouseError, messageOf, type ErrorCode } from '../lib/errors.ts';
import { createCaldavCalendar } from '../tools/calendar/caldav-calendar.ts';
import { createCaldavClient } from '../tools/calendar/caldav-client.ts';
import { createImapMailbox } from '../tools/email/imap-mailbox.ts';
import { checkMailbox } from '../tools/email/imap-check.ts';
import type { MailAccount } from '../tools/email/mail-port.ts';
import type { CallContext } from '../tools/tool.ts';
import { createZones } from '../tools/zoned-time.ts';
import type { Finding } from './finding.ts';
import { silentLog } from '../lib/log.ts';

/** A NAS that sleeps needs seconds to wake its disks. */
const limitMs = 15_000;

export async function checkTools(config: Config): Promise<Finding[]> {
  const checks = [checkCalendar(config), checkMail(config)];
  return (await Promise.all(checks)).flat();
}

async function checkCalendar({ tools }: Config): Promise<Finding[]> {
  const part = 'calendar';
  const { calendar } = tools;
  if (calendar.provider === 'local') return [{ part, ok: true, what: 'in the own database' }];
  return orUnreadable(part, async () => {
    const client = createCaldavClient({ ...calendar, ...trustOf(calendar) });
    const bounds = { timeoutMs: limitMs, signal: AbortSignal.timeout(limitMs) };
    const found = await client.calendars(bounds);
    const where = new URL(calendar.url).origin;
    if (!found.ok) {
      const { code, message } = found.fault;
      return [
        {
          part,
          ok: false,
          what: `${where}: ${message}`,
          advice: adviceFor(code, 'tools.calendar'),
        },
      ];
    }
    if (found.value.length === 0) {
      const named = calendar.calendar === undefined ? '' : ` called ${calendar.calendar}`;
      return [
        {
          part,
          ok: false,
          what: `${where}: logged in as ${calendar.username}, but there is no calendar${named}`,
          advice: 'check tools.calendar.calendar, or make a calendar there',
        },
      ];
    }
    const what = `${where}: logged in as ${calendar.username}, ${found.value.length} calendars`;
    return [await searchedCalendar(calendar, what)];
  });
}

async function checkMail(config: Config): Promise<Finding[]> {
  const part = 'mail';
  return orUnreadable(part, async () => {
    const accounts = mailAccounts(config);
    if (accounts.length === 0) return [{ part, ok: true, what: 'none configured' }];
    return Promise.all(accounts.map(checkAccount));
  });
}

async function checkAccount(account: MailAccount): Promise<Finding> {
  const part = 'mail';
  const who = `${account.name} at ${account.host}:${account.port}`;
  const found = await checkMailbox(account, limitMs);
  if (!found.ok) {
    const { code, message } = found;
    return { part, ok: false, what: `${who}: ${message}`, advice: adviceFor(code, 'tools.email') };
  }
  if (found.missing.length > 0) {
    return {
      part,
      ok: false,
      what: `${who}: logged in, but there is no folder ${found.missing.join(', ')}`,
      advice: 'check the paths in tools.email.folders: they are written as the server writes them',
    };
  }
  return searchedFinding(account, `${who}: logged in, ${found.folders} folders`);
}

const dayMs = 86_400_000;

const contextOf = (userId: string | undefined, now: number): CallContext => ({
  userId: userId ?? 'local',
  locale: 'en',
  now: new Date(now).toISOString(),
  timeZone: 'UTC',
  signal: AbortSignal.timeout(limitMs),
  key: 'doctor',
  limitMs,
});

type CaldavSettings = Extract<Config['tools']['calendar'], { provider: 'caldav' }>;

/** One search as a question about the next week makes it. */
async function searchedCalendar(calendar: CaldavSettings, what: string): Promise<Finding> {
  const part = 'calendar';
  const zones = createZones();
  const source = createCaldavCalendar({
    ...calendar,
    ...trustOf(calendar),
    zones,
    log: silentLog(),
  });
  const now = Date.now();
  const range = { from: zones.wallOf(now, 'UTC'), to: zones.wallOf(now + 7 * dayMs, 'UTC') };
  const found = await source.entriesIn(range, contextOf(calendar.users?.[0], now));
  if (found.ok) {
    const unread = found.unreadable.length === 0 ? '' : `, ${found.unreadable.length} unreadable`;
    return { part, ok: true, what: `${what}; a search for the next week works${unread}` };
  }
  return {
    part,
    ok: false,
    what: `${what}, but a search failed: ${found.message}`,
    advice: adviceFor(found.code, 'tools.calendar'),
  };
}

/** One search as a question about today makes it: a server can let in and still refuse that. */
async function searchedFinding(account: MailAccount, what: string): Promise<Finding> {
  const part = 'mail';
  const now = Date.now();
  const query = { from: now - dayMs, to: now, words: [], sender: [], folder: null };
  const context = contextOf(account.users?.[0], now);
  const found = await createImapMailbox(account).search(query, context);
  if (found.ok) return { part, ok: true, what: `${what}, ${found.count} messages since yesterday` };
  return {
    part,
    ok: false,
    what: `${what}, but a search failed: ${found.message}`,
    advice: adviceFor(found.code, 'tools.email'),
  };
}

/** A certificate file that is not there is a fault of the configuration. */
async function orUnreadable(part: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error;
    return [{ part, ok: false, what: messageOf(error), advice: 'check the path of that file' }];
  }
}

function adviceFor(code: ErrorCode, section: string): string {
  switch (code) {
    case 'GH_TOOL_LOGIN':
      return `check username and password in ${section}; some providers want a password for apps`;
    case 'GH_TOOL_TIMEOUT':
      return 'it does not answer in time: is the machine on, and does its firewall let you in?';
    case 'GH_TOOL_NOT_FOUND':
      return `check the address in ${section}`;
    case 'GH_TOOL_UNREACHABLE':
      return `check the address in ${section}, and with a certificate of its own caFile or fingerprint256`;
    default:
      return 'something else answers there than was expected: check the address';
  }
}
