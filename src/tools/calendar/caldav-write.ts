/**
 * Writes a new entry to a CalDAV server at most once, even if answers are lost.
 *
 * 1. The object is named after the UID of the entry and written with `If-None-Match: *`: a second write finds the
 *    first. So a write without an answer is repeated safely.
 * 2. The error "not written" is returned only if the server refused the write or was never reached; "uncertain"
 *    (GH_TOOL_UNCERTAIN) only if neither an answer nor a look at the calendar succeeded.
 */
import type { Log } from '#shared/log';
import type { CaldavResult, CaldavClient, RequestBounds } from './caldav-client.ts';
import type { CalendarError, NewEntry } from './calendar-port.ts';

/** Limits of each step. */
export interface WriteBounds {
  write: RequestBounds;
  /** A look at the calendar after a write without an answer. */
  look: RequestBounds;
  again: RequestBounds;
}

/** Adds the entry to the calendar unless it exists. @param calendar URL with a slash at the end */
export async function writeOnce(
  client: CaldavClient,
  calendar: string,
  entry: NewEntry,
  bounds: WriteBounds,
  log: Log,
): Promise<{ ok: true } | CalendarError> {
  const { uid, ics } = entry;
  const url = new URL(`${uid.replace(/@.*$/, '')}.ics`, calendar).href;
  const first = await client.create(url, ics, bounds.write);
  if (first.ok && first.value === 'created') return { ok: true };
  if (!first.ok && !first.wasReached) return first.error;

  const look = await isThere(client, calendar, url, uid, bounds.look);
  if (look.ok && look.value) return { ok: true };
  if (first.ok) {
    // The name exists and is derived from our key: the outcome is uncertain only if the look failed.
    const message = 'the name of the entry is taken';
    return { ok: false, code: look.ok ? 'GH_TOOL_REFUSED' : 'GH_TOOL_UNCERTAIN', message };
  }
  if (first.wasRefused) return look.ok ? first.error : asUncertain(first.error);

  log.warn({ code: first.error.code }, 'a write got no answer; writing again');
  const again = await client.create(url, ics, bounds.again);
  if (again.ok) return { ok: true };
  return look.ok && again.wasRefused ? again.error : asUncertain(again.error);
}

const asUncertain = (error: CalendarError): CalendarError => ({
  ...error,
  code: 'GH_TOOL_UNCERTAIN',
});

/** Whether the calendar has the entry: looked up by URL, then by UID. */
async function isThere(
  client: CaldavClient,
  calendar: string,
  url: string,
  uid: string,
  bounds: RequestBounds,
): Promise<CaldavResult<boolean>> {
  const found = await client.read(url, bounds);
  if (!found.ok) return found;
  if (found.value?.includes(`UID:${uid}`) === true) return { ok: true, value: true };
  // Some servers store objects under names of their own.
  return client.hasUid(calendar, uid, bounds);
}
