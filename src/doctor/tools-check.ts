/** Doctor check of the tools: one login each to calendar and mail. */
import type { Config } from '#app/config/config';
import { mailAccounts, readTlsTrust } from '#app/tools-wiring';
import { dayMs } from '#shared/calendar/time-units';
import { GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import { createCaldavCalendar } from '#tools/calendar/caldav-calendar';
import { createCaldavClient } from '#tools/calendar/caldav-client';
import { createImapMailbox } from '#tools/email/imap-mailbox';
import { checkMailbox } from '#tools/email/imap-check';
import type { MailAccount } from '#tools/email/mail-port';
import type { CallContext } from '#tools/tool';
import { createZones } from '#shared/calendar/zoned-time';
import type { CheckResult } from '#shared/check-result';
import { silentLog } from '#shared/log';

/** A sleeping NAS needs seconds to wake its disks. */
const checkTimeoutMs = 15_000;

export async function checkTools(config: Config): Promise<CheckResult[]> {
  const checks = [checkCalendar(config), checkMail(config)];
  return (await Promise.all(checks)).flat();
}

async function checkCalendar({ tools }: Config): Promise<CheckResult[]> {
  const part = 'calendar';
  const { calendar } = tools;
  if (calendar.provider === 'local') return [{ part, ok: true, what: 'in the own database' }];
  return orUnreadableResult(part, async () => {
    const client = createCaldavClient({ ...calendar, ...readTlsTrust(calendar) });
    const bounds = { timeoutMs: checkTimeoutMs, signal: AbortSignal.timeout(checkTimeoutMs) };
    const found = await client.calendars(bounds);
    const where = new URL(calendar.url).origin;
    if (!found.ok) {
      const { code, message } = found.error;
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
    return [await calendarSearchResult(calendar, what)];
  });
}

async function checkMail(config: Config): Promise<CheckResult[]> {
  const part = 'mail';
  return orUnreadableResult(part, async () => {
    const accounts = mailAccounts(config);
    if (accounts.length === 0) return [{ part, ok: true, what: 'none configured' }];
    return Promise.all(accounts.map(checkAccount));
  });
}

async function checkAccount(account: MailAccount): Promise<CheckResult> {
  const part = 'mail';
  const who = `${account.name} at ${account.host}:${account.port}`;
  const found = await checkMailbox(account, checkTimeoutMs);
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
  return mailSearchResult(account, `${who}: logged in, ${found.folders} folders`);
}

const contextOf = (userId: string | undefined, now: number): CallContext => ({
  userId: userId ?? 'local',
  locale: 'en',
  now: new Date(now).toISOString(),
  timeZone: 'UTC',
  signal: AbortSignal.timeout(checkTimeoutMs),
  key: 'doctor',
  limitMs: checkTimeoutMs,
});

type CaldavSettings = Extract<Config['tools']['calendar'], { provider: 'caldav' }>;

/** One search, as for a question about the next week. */
async function calendarSearchResult(calendar: CaldavSettings, what: string): Promise<CheckResult> {
  const part = 'calendar';
  const zones = createZones();
  const source = createCaldavCalendar({
    ...calendar,
    ...readTlsTrust(calendar),
    zones,
    log: silentLog(),
  });
  const now = Date.now();
  const range = {
    from: zones.toWallTime(now, 'UTC'),
    to: zones.toWallTime(now + 7 * dayMs, 'UTC'),
  };
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

/** One search, as for a question about today: a server can accept the login and still refuse the search. */
async function mailSearchResult(account: MailAccount, what: string): Promise<CheckResult> {
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

/** A missing certificate file is a fault of the configuration. */
async function orUnreadableResult(
  part: string,
  check: () => Promise<CheckResult[]>,
): Promise<CheckResult[]> {
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
