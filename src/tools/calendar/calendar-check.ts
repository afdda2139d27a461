/** The doctor's check of the calendar: a login and a search. */
import { dayMs } from '#shared/calendar/time-units';
import { createZones } from '#shared/calendar/zoned-time';
import type { CheckResult } from '#shared/check-result';
import { silentLog } from '#shared/log';
import { readTlsTrust, type TlsTrust } from '#shared/tls-options';
import {
  adviceFor,
  checkContext,
  checkTimeoutMs,
  faultOf,
  orUnreadableResult,
} from '../tool-check.ts';
import { createCaldavCalendar } from './caldav-calendar.ts';
import { createCaldavClient } from './caldav-client.ts';
import type { CaldavSettings, CalendarSettings } from './calendar-port.ts';

const part = 'calendar';
const section = 'tools.calendar';

export async function checkCalendar(settings: CalendarSettings): Promise<CheckResult[]> {
  if (settings.provider === 'local') return [{ part, ok: true, what: 'in the own database' }];
  return orUnreadableResult(part, async () => [await checkServer(settings)]);
}

async function checkServer(settings: CaldavSettings): Promise<CheckResult> {
  const server = { ...settings, ...readTlsTrust(settings) };
  const bounds = { timeoutMs: checkTimeoutMs, signal: AbortSignal.timeout(checkTimeoutMs) };
  const found = await createCaldavClient(server).calendars(bounds);
  const where = new URL(settings.url).origin;
  if (!found.ok) {
    return faultOf(part, `${where}: ${found.message}`, adviceFor(found.code, section));
  }
  const login = `${where}: logged in as ${settings.username}`;
  if (found.value.length === 0) {
    const named = settings.calendar === undefined ? '' : ` called ${settings.calendar}`;
    const advice = 'check tools.calendar.calendar, or make a calendar there';
    return faultOf(part, `${login}, but there is no calendar${named}`, advice);
  }
  return searchResult(server, `${login}, ${found.value.length} calendars`);
}

/** One search, as for a question about the next week. */
async function searchResult(server: CaldavSettings & TlsTrust, what: string): Promise<CheckResult> {
  const zones = createZones();
  const source = createCaldavCalendar({ ...server, zones, log: silentLog() });
  const now = Date.now();
  const range = {
    from: zones.toWallTime(now, 'UTC'),
    to: zones.toWallTime(now + 7 * dayMs, 'UTC'),
  };
  const found = await source.entriesIn(range, checkContext(server.users?.[0], now));
  if (found.ok) {
    const unread = found.unreadable.length === 0 ? '' : `, ${found.unreadable.length} unreadable`;
    return { part, ok: true, what: `${what}; a search for the next week works${unread}` };
  }
  const failed = `${what}, but a search failed: ${found.message}`;
  return faultOf(part, failed, adviceFor(found.code, section));
}
