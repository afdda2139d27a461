/** The occurrences of a calendar text, as lines that tests compare. */
import { expect } from 'vitest';
import { createEventParser, type ParsedEvents } from '#tools/calendar/event-parser';
import { occurrencesIn } from '#tools/calendar/occurrences';
import { dayMs } from '#shared/calendar/time-units';
import { wallClockTime, createZones, wallIsoDate, parseIsoDate } from '#shared/calendar/zoned-time';

const zones = createZones();
const reader = createEventParser(zones);

export interface Looked {
  /** Each as `18 09:00-10:00 title`, or `20 all day title` and `20-21 all day title`. */
  seen: string[];
  read: ParsedEvents;
}

/** The occurrences from the first day to the last. */
export function look(ics: string, first: string, last: string, zone = 'Asia/Seoul'): Looked {
  const read = reader.parse(ics);
  const range = { from: parseIsoDate(first) ?? 0, to: (parseIsoDate(last) ?? 0) + dayMs };
  const { occurrences } = occurrencesIn(read.entries, range, zone, zones);
  const dayOf = (at: number): string => wallIsoDate(at).slice(8);
  const seen = occurrences.map(({ allDay, start, end, title }) => {
    if (!allDay) return `${dayOf(start)} ${wallClockTime(start)}-${wallClockTime(end)} ${title}`;
    const until = end - start > dayMs ? `-${dayOf(end - dayMs)}` : '';
    return `${dayOf(start)}${until} all day ${title}`;
  });
  return { seen, read };
}

/** The lines alone; fails if a part of the calendar cannot be parsed. */
export function seenIn(ics: string, first: string, last: string, zone?: string): string[] {
  const { seen, read } = look(ics, first, last, zone);
  expect(read.unreadable).toEqual([]);
  return seen;
}
