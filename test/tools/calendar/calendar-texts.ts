/** Calendar texts for tests, from the lines of their events. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A calendar with these events (lines without BEGIN and END) and zone definitions. */
export function calendarOf(events: readonly string[], zones: readonly string[] = []): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//EN',
    ...zones.flatMap((zone) => ['BEGIN:VTIMEZONE', zone, 'END:VTIMEZONE']),
    ...events.flatMap((event) => ['BEGIN:VEVENT', 'DTSTAMP:20260101T000000Z', event, 'END:VEVENT']),
    'END:VCALENDAR',
    '',
  ];
  return lines.join('\n').replaceAll('\n', '\r\n');
}

export const seoulZone = `TZID:Asia/Seoul
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD`;

/** The text of a case file. */
export const calendarCase = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'cases', name), 'utf8');

/** A calendar with only the given lines of its events; `head` precedes them. */
export const bareCalendar = (
  events: readonly string[],
  head: readonly string[] = ['VERSION:2.0'],
): string =>
  ['BEGIN:VCALENDAR', ...head]
    .concat(events.flatMap((event) => ['BEGIN:VEVENT', ...event.split('\n'), 'END:VEVENT']))
    .concat('END:VCALENDAR', '')
    .join('\r\n');
