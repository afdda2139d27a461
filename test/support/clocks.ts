/**
 * The time and the zone of a question: tests that depend on the day run once for each of these, not only at a fixed
 * moment. A table of tests takes them with `test.each(clocks())`.
 */
export interface TestClock {
  name: string;
  /** ISO instant. */
  now: string;
  timeZone: string;
  /** The day in that zone, `YYYY-MM-DD`. */
  today: string;
}

/** A frozen day, and the machine's clock: in Seoul, around midnight, and at the ends of its month. */
export function clocks(): TestClock[] {
  const now = new Date();
  const hour = now.getUTCHours();
  // The zone is chosen, not the clock: there is always a zone just after midnight, and a zone just before it.
  const afterMidnight = hour <= 12 ? -hour : 24 - hour;
  const beforeMidnight = hour >= 9 ? 23 - hour : -1 - hour;
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const at = (name: string, time: Date, timeZone: string): TestClock => ({
    name,
    now: time.toISOString(),
    timeZone,
    today: dayIn(time, timeZone),
  });
  return [
    at('on a frozen Wednesday', new Date('2026-11-18T00:00:00Z'), 'Asia/Seoul'),
    at('on the machine’s clock', now, 'Asia/Seoul'),
    at('on the machine’s clock, just after midnight', now, fixedZone(afterMidnight)),
    at('on the machine’s clock, just before midnight', now, fixedZone(beforeMidnight)),
    at(
      'on the last day of this month',
      new Date(Date.UTC(year, month + 1, 0, 14, 59, 59)),
      'Asia/Seoul',
    ),
    at('on the first day of next month', new Date(Date.UTC(year, month + 1, 0, 15)), 'Asia/Seoul'),
    at('on the next 29 February', leapDay(year), 'Asia/Seoul'),
    at('on the last day of this year', new Date(Date.UTC(year, 11, 31, 14)), 'Asia/Seoul'),
  ];
}

function leapDay(year: number): Date {
  const leap = year % 4 === 0 ? year + 4 : year + (4 - (year % 4));
  return new Date(Date.UTC(leap, 1, 29, 3));
}

/** The sign of `Etc/GMT` zones is reversed in IANA names. */
const fixedZone = (hours: number): string =>
  hours === 0 ? 'Etc/GMT' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;

const dayIn = (time: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(time);

/** The day `days` days later, `YYYY-MM-DD`. */
export const daysLater = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
