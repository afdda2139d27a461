/**
 * Moments around the machine's own clock, and days that are computed from them without the code under test. A test with
 * a fixed `now` has a second version that runs once for each of these moments: a rule that only holds on the fixed day
 * fails.
 */

/** A moment in the zone of a user. */
export interface Moment {
  /** Part of the title of a test. */
  name: string;
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  /** The user's day at `now`, `YYYY-MM-DD`. */
  today: string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** `YYYY-MM-DD` of an instant in a zone. */
export const dayIn = (timeZone: string, now: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(now);

/** `HH:MM` of an instant in a zone. */
export const timeIn = (timeZone: string, now: number): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(now);

const momentOf = (name: string, now: number, timeZone: string): Moment => {
  return { name, now, timeZone, today: dayIn(timeZone, now) };
};

/** A zone in which the moment has this hour: whole hours from UTC, so the minutes are those of UTC. */
function zoneAtHour(hour: number, now: number): string {
  const offset = (hour - new Date(now).getUTCHours() + 24) % 24;
  // The names of these zones have the sign of POSIX: Etc/GMT-9 is nine hours ahead of UTC.
  return offset <= 14 ? `Etc/GMT-${offset}` : `Etc/GMT+${24 - offset}`;
}

/**
 * The present moment: in Seoul, in a zone in the first hour of its day, and in a zone in the last hour of its day. For
 * tests of real servers, whose clock cannot be set.
 */
export function momentsOfClock(now = Date.now()): Moment[] {
  return [
    momentOf('now', now, 'Asia/Seoul'),
    momentOf('now, in the first hour of the day', now, zoneAtHour(0, now)),
    momentOf('now, in the last hour of the day', now, zoneAtHour(23, now)),
  ];
}

/**
 * The moments of the clock; the last minute before and the first minute after the end of this month, of the year and of
 * the next February; and every day of the coming week. For code with a `now` parameter.
 */
export function momentsAhead(now = Date.now()): Moment[] {
  const zone = 'Asia/Seoul';
  const today = dayIn(zone, now);
  const [year = 0, month = 0] = today.split('-').map(Number);
  /** Midnight in Seoul, which has no daylight saving, at the beginning of a month; 13 is January of next year. */
  const monthBegins = (inYear: number, of: number): number =>
    Date.UTC(inYear, of - 1, 1) - 9 * hourMs;
  const march = monthBegins(month > 2 ? year + 1 : year, 3);
  const turns: [name: string, at: number][] = [
    ['month', monthBegins(year, month + 1)],
    ['year', monthBegins(year + 1, 1)],
    ['next February', march],
  ];
  return [
    ...momentsOfClock(now),
    ...turns.flatMap(([name, at]) => [
      momentOf(`in the last minute of the ${name}`, at - 30_000, zone),
      momentOf(`in the first minute after the ${name}`, at + 30_000, zone),
    ]),
    ...Array.from({ length: 7 }, (_, days) =>
      momentOf(`in ${days + 1} days`, now + (days + 1) * dayMs, zone),
    ),
  ];
}

const utcOf = (day: string): number => Date.parse(`${day}T00:00:00Z`);

/** The day `days` days after `day`; negative: before it. */
export const dayAfter = (day: string, days: number): string =>
  new Date(utcOf(day) + days * dayMs).toISOString().slice(0, 10);

/** Monday to Sunday of the week that is `weeks` weeks after that of `day`. */
export function weekAfter(day: string, weeks: number): [from: string, to: string] {
  const sinceMonday = (new Date(utcOf(day)).getUTCDay() + 6) % 7;
  const monday = dayAfter(day, 7 * weeks - sinceMonday);
  return [monday, dayAfter(monday, 6)];
}

/** First and last day of the month that is `months` months after that of `day`. */
export function monthAfter(day: string, months: number): [from: string, to: string] {
  const [year = 0, month = 0] = day.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
  const next = new Date(Date.UTC(year, month + months, 1)).toISOString().slice(0, 10);
  return [first, dayAfter(next, -1)];
}

const daysBetween = (from: string, to: string): number => (utcOf(to) - utcOf(from)) / dayMs;

/** Date words that depend on the month or the year: such a case holds on its own day only. */
const ofMonth =
  /월(?!요일|욜|[화수목금토일~-]|\s[~-])|달|년|올해|분기|반기|월말|월초|연말|연초|초순|중순|하순|그믐|음력|절|린이날|버이날|글날|승의 ?날|현충|신정|설날|추석|크리스마스|이브|\d+\s*일(?!\s*(?:뒤|후|전|동안|간|이내|안|내))|[가-힣]+\s?일까지|\d\s*[/.~-]\s*\d|\d{4}|\d+(?:st|nd|rd|th)\b|\bthe (?:twenty |thirty )?(?:first|second|third|[a-z]+th)\b|\b(?:month|year|quarter|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|christmas)/iu;
/** Date words that depend on the weekday. */
const ofWeek =
  /[주쥬]|요일|욜|[월화수목금토일]\s*[~-]|평일|\b(?:week|mon|tue|wed|thu|fri|sat|sun)/iu;

/**
 * Whether the days that `text` names have the same distance from `today` as from the fixed day of a case: 내일 on every
 * day, 다음 주 금요일 on the same weekday, 다음 달 only on the fixed day.
 */
export function movesAlong(text: string, fixedDay: string, today: string): boolean {
  const composed = text.normalize('NFC');
  if (ofMonth.test(composed)) return false;
  return !ofWeek.test(composed) || daysBetween(fixedDay, today) % 7 === 0;
}

/** The value with every `YYYY-MM-DD` in it moved by the days from `fixedDay` to `today`. */
export function movedDates<Value>(value: Value, fixedDay: string, today: string): Value {
  const days = daysBetween(fixedDay, today);
  const text = JSON.stringify(value).replace(/\d{4}-\d\d-\d\d/g, (day) => dayAfter(day, days));
  return JSON.parse(text) as Value;
}

/** A fixed `now` in Seoul moved by whole weeks into the last seven days: the same weekday and time of day. */
export function movedToThisWeek(fixedNow: number): Moment {
  const weeks = Math.floor((Date.now() - fixedNow) / (7 * dayMs));
  return momentOf('this week', fixedNow + 7 * weeks * dayMs, 'Asia/Seoul');
}
