/** A calendar file with one entry near the present time. */

/** `20261203T001500Z`. */
const basicUtc = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

/** An entry of an hour that begins `startsInMs` from now. */
export function entry(
  startsInMs: number,
  alarm: string[],
  change: { uid?: string; title?: string } = {},
): string {
  const start = Date.now() + startsInMs;
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//test//EN',
    'BEGIN:VEVENT',
    `UID:${change.uid ?? change.title ?? 'dentist'}@test`,
    `DTSTAMP:${basicUtc(Date.now())}`,
    `DTSTART:${basicUtc(start)}`,
    `DTEND:${basicUtc(start + 3_600_000)}`,
    `SUMMARY:${change.title ?? 'dentist'}`,
    'LOCATION:Main Street 1',
    ...(alarm.length === 0
      ? []
      : ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:dentist', ...alarm, 'END:VALARM']),
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}
