/** Calendar texts for tests, from the lines of their events. */

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
