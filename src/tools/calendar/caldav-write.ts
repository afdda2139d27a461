/**
 * Writes a new entry to a CalDAV server at most once, whatever becomes of the answers.
 *
 * 1. The entry is written under the name of its UID with `If-None-Match: *`: writing it again finds it
 *    there. So a write that was cut short may simply be made again, and is.
 * 2. "Not written" is said only when the server said so or was never reached; "uncertain" only when neither
 *    an answer nor a look at the calendar could be had.
 */
import type { Log } from '../../lib/log.ts';
import type { Answered, CaldavClient, RequestBounds } from './caldav-client.ts';
import type { CalendarFault, NewEntry } from './calendar-port.ts';

/** How long each step may take. */
export interface WriteBounds {
  write: RequestBounds;
  /** A look at the calendar after a write without an answer. */
  look: RequestBounds;
  again: RequestBounds;
}

/** Adds the entry to the calendar (its URL, with a slash at the end) unless it is there. */
export async function writeOnce(
  client: CaldavClient,
  calendar: string,
  entry: NewEntry,
  bounds: WriteBounds,
  log: Log,
): Promise<{ ok: true } | CalendarFault> {
  const { uid, ics } = entry;
  const url = new URL(`${uid.replace(/@.*$/, '')}.ics`, calendar).href;
  const first = await client.create(url, ics, bounds.write);
  if (first.ok && first.value === 'created') return { ok: true };
  if (!first.ok && !first.wasReached) return first.fault;

  const look = await isThere(client, calendar, url, uid, bounds.look);
  if (look.ok && look.value) return { ok: true };
  if (first.ok) {
    // The name is taken, and it is made of our key: only an unreadable answer leaves a doubt.
    const message = 'the name of the entry is taken';
    return { ok: false, code: look.ok ? 'GH_TOOL_REFUSED' : 'GH_TOOL_UNCERTAIN', message };
  }
  if (first.wasRefused) return look.ok ? first.fault : uncertain(first.fault);

  log.warn({ code: first.fault.code }, 'a write got no answer; writing again');
  const again = await client.create(url, ics, bounds.again);
  if (again.ok) return { ok: true };
  return look.ok && again.wasRefused ? again.fault : uncertain(again.fault);
}

const uncertain = (fault: CalendarFault): CalendarFault => ({
  ...fault,
  code: 'GH_TOOL_UNCERTAIN',
});

/** Whether the calendar has the entry. */
async function isThere(
  client: CaldavClient,
  calendar: string,
  url: string,
  uid: string,
  bounds: RequestBounds,
): Promise<Answered<boolean>> {
  const found = await client.read(url, bounds);
  if (!found.ok) return found;
  if (found.value?.includes(`UID:${uid}`) === true) return { ok: true, value: true };
  // Some servers store under names of their own.
  return client.hasUid(calendar, uid, bounds);
}
