/** Lists the occurrences of a calendar file: to inspect how it is parsed, and to compare with other programs. */
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import { wallClockTime, wallIsoDate, startOfDay, type Zones } from '#shared/calendar/zoned-time';
import type { CalendarEntry, Occurrence } from './event.ts';
import { createEventParser } from './event-parser.ts';
import { byStart, occurrencesIn, type WallRange } from './occurrences.ts';

/** One occurrence in machine-readable form. */
export interface FileOccurrence {
  /** `YYYY-MM-DD` for all-day entries, else `YYYY-MM-DDTHH:MM[:SS]` in the requested zone. */
  start: string;
  /** In the format of `start`. Exclusive: an all-day entry of one day ends on the next day. */
  end: string;
  all_day: boolean;
  title: string;
  uid: string;
}

export interface FileListing {
  /** Ordered by start. */
  occurrences: FileOccurrence[];
  /** One line per event that could not be read. */
  unreadable: string[];
  /** One line per minor part that was left out, such as an older version of an event. */
  dropped: string[];
  /** One line per limit that was reached; occurrences beyond it are not listed. */
  cut: string[];
}

/** Longest window. A rule with few matches is tested day by day, and many files have many rules. */
const windowDaysMax = 200 * 366;

/** Maximum number of listed occurrences. Events are processed in the order of the file. */
const occurrencesMax = 100_000;

/**
 * @param text a calendar file (RFC 5545)
 * @param range half open, wall time of `zone`
 * @param zone IANA name, also the zone of floating times
 * @throws RangeError for an unknown zone
 */
export function fileOccurrences(
  text: string,
  range: WallRange,
  zone: string,
  zones: Zones,
): FileListing {
  const { entries, unreadable, dropped } = createEventParser(zones).parse(text);
  const cut: string[] = [];
  const to = Math.min(range.to, range.from + windowDaysMax * dayMs);
  if (to < range.to)
    cut.push(`the window: looked at ${wallIsoDate(range.from)} to ${wallIsoDate(to)} only`);
  const found: Occurrence[] = [];
  let seen = 0;
  for (const entry of entries) {
    if (found.length >= occurrencesMax) break;
    seen += 1;
    const { occurrences, capped } = occurrencesIn([entry], { from: range.from, to }, zone, zones);
    if (capped.length > 0) cut.push(cutLine(entry, occurrences.at(-1)));
    // No spread arguments: a long list would overflow the stack.
    for (const one of occurrences) found.push(one);
  }
  if (seen < entries.length) {
    cut.push(`${entries.length - seen} of ${entries.length} events were not looked at`);
  }
  found.sort(byStart);
  return { occurrences: found.map(fileOccurrence), unreadable, dropped, cut };
}

function cutLine({ uid }: CalendarEntry, last: Occurrence | undefined): string {
  if (last === undefined) return `${uid}: its rule has too many times to reach the window`;
  return `${uid}: its rule has too many times, later ones than ${isoTime(last.start)} are missing`;
}

function fileOccurrence({ start, end, allDay, title, uid }: Occurrence): FileOccurrence {
  const text = allDay ? wallIsoDate : isoTime;
  return { start: text(start), end: text(end), all_day: allDay, title, uid };
}

function isoTime(at: number): string {
  const seconds = Math.floor(((at - startOfDay(at)) % minuteMs) / 1000);
  const tail = seconds === 0 ? '' : `:${String(seconds).padStart(2, '0')}`;
  return `${wallIsoDate(at)}T${wallClockTime(at)}${tail}`;
}
