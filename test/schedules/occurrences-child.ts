/** Prints the occurrences of some schedules around clock changes. A test runs it in several zones of the process. */
import { createZones } from '#shared/calendar/zoned-time';
import { cursorAfter, nextAfterInstant, nextOccurrence } from '#schedules/next-occurrence';

const zones = createZones();
const names = [
  'Asia/Seoul',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'Africa/Cairo',
];
for (const zone of names) {
  for (const cron of ['30 2 * * *', '30 0 * * *', '0 */2 L * *', '45 1 29 2 *', '0 9 * * 1-5']) {
    for (const from of ['2026-03-01T00:00Z', '2026-10-01T00:00Z', '2028-02-27T00:00Z']) {
      const timing = { rule: { cron }, zone, start: null, end: null, count: 60 };
      let next = nextAfterInstant(timing, Date.parse(from), 0, zones);
      for (let count = 1; next !== null; count += 1) {
        console.log(`${zone} ${cron} ${new Date(next.at).toISOString()}`);
        next = nextOccurrence(timing, cursorAfter(next, zone, zones), count, zones);
      }
    }
  }
}
