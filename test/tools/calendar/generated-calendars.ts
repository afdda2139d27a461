/** Random calendars: rules, exceptions, further times, moved and cancelled instances, zones, all-day events. */
import fc from 'fast-check';
import { createEventParser } from '#tools/calendar/event-parser';
import { timesOf } from '#tools/calendar/recurrence';
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';
import { createZones, wallIsoDate, wallTime, type WallMs } from '#shared/calendar/zoned-time';
import { calendarOf } from './calendar-texts.ts';
import { chance, drawRule, int, type Draw, type Rule } from './generated-rules.ts';

export const zones = createZones();
export const viewerZones = [
  'Asia/Seoul',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'UTC',
];

export interface Moved {
  /** The time of the rule that it replaces. */
  instance: WallMs;
  start: WallMs;
  lengthMs: number;
  cancelled: boolean;
  /** Whether RECURRENCE-ID is written in UTC. */
  inUtc: boolean;
  /** Whether it precedes the event itself in the file. */
  isFirst: boolean;
}

/** One event with its exceptions. Wall times are those of its own zone. */
export interface Series {
  uid: string;
  title: string;
  /** `date`, `floating`, or a zone. */
  kind: string;
  start: WallMs;
  /** The form of the length, and the length; null: not written. HOURS: a DURATION without days. */
  length: { by: 'DTEND' | 'DURATION' | 'HOURS'; ms: number } | null;
  rule: (Rule & { bound: string }) | null;
  left: WallMs[];
  /** With a length: written as a period. */
  added: { wall: WallMs; periodMs: number | null }[];
  moved: Moved[];
  sequence: number | null;
}

export interface GeneratedCalendar {
  series: Series[];
  from: string;
  to: string;
  /** The zone of the user. */
  zone: string;
}

/** Wall times that a change of the clocks skips or repeats, by zone. */
const changes: Readonly<Record<string, readonly WallMs[]>> = {
  'America/New_York': [wallTime(2027, 3, 14, 2, 30), wallTime(2027, 11, 7, 1, 30)],
  'Europe/London': [wallTime(2027, 3, 28, 1, 30), wallTime(2027, 10, 31, 1, 30)],
  'Australia/Lord_Howe': [wallTime(2027, 10, 3, 2, 15), wallTime(2027, 4, 4, 1, 45)],
};

/** Ends of months and years. */
const edges = [
  wallTime(2027, 1, 31, 9),
  wallTime(2028, 2, 29, 23, 30),
  wallTime(2026, 12, 31, 0, 0),
];

const reader = createEventParser(zones);

export const generatedCalendars: fc.Arbitrary<GeneratedCalendar> = fc.gen().map((gen) => {
  const draw: Draw = (arbitrary) => gen(() => arbitrary);
  const count = chance(draw, 25) ? 2 : 1;
  const series = Array.from({ length: count }, (_, at) => drawSeries(draw, `e${at + 1}`));
  const [first] = series;
  const isFine = series.some(({ rule }) => rule !== null && isSubDaily(rule));
  const offset = isFine ? draw(int(-1, 2)) : draw(int(-10, 500));
  const from = (first?.start ?? 0) + offset * dayMs;
  const length = isFine ? draw(int(1, 3)) : draw(int(1, 120));
  return {
    series,
    from: wallIsoDate(from),
    to: wallIsoDate(from + length * dayMs),
    zone: draw(fc.constantFrom(...viewerZones)),
  };
});

export const isSubDaily = ({ freq }: Rule): boolean =>
  freq === 'HOURLY' || freq === 'MINUTELY' || freq === 'SECONDLY';

function drawSeries(draw: Draw, uid: string): Series {
  const kind = draw(fc.constantFrom('date', 'date', 'floating', ...viewerZones));
  const isDate = kind === 'date';
  const anchors = [...(changes[kind] ?? Object.values(changes).flat()), ...edges];
  const before = chance(draw, 40) ? draw(int(0, 40)) : draw(fc.constantFrom(0, 1, 7, 14, 31));
  const anchor = draw(fc.constantFrom(...anchors)) - before * dayMs;
  const shift = draw(fc.constantFrom(0, 0, 0, 0, hourMs, -hourMs, 7 * hourMs, 30 * minuteMs));
  const start = isDate ? Math.floor(anchor / dayMs) * dayMs : anchor + shift;
  const rule = chance(draw, 85) ? drawRule(draw, isDate) : null;
  const series: Series = {
    uid,
    title: 'main',
    kind,
    start,
    length: drawLength(draw, isDate),
    rule: rule === null ? null : { ...rule, bound: '' },
    left: [],
    added: [],
    moved: [],
    sequence: chance(draw, 15) ? draw(int(0, 3)) : null,
  };
  if (series.rule !== null) series.rule.bound = drawBound(draw, series);
  drawExceptions(draw, series);
  return series;
}

function drawLength(draw: Draw, isDate: boolean): Series['length'] {
  if (chance(draw, 20)) return null;
  const by = draw(fc.constantFrom('DTEND' as const, 'DURATION' as const));
  const inDays = draw(fc.constantFrom(1, 1, 2, 3, 7)) * dayMs;
  if (isDate) return { by, ms: inDays };
  const ms = draw(fc.constantFrom(30 * minuteMs, hourMs, 90 * minuteMs, 3 * hourMs, 20 * hourMs));
  return { by, ms: chance(draw, 80) ? ms : inDays };
}

/** COUNT, UNTIL on a time of the rule or between two, or nothing. */
function drawBound(draw: Draw, series: Series): string {
  const choice = draw(int(1, 10));
  const isFine = series.rule !== null && isSubDaily(series.rule);
  if (choice <= 3) return `;COUNT=${draw(int(1, isFine ? 60 : 12))}`;
  if (choice > 6 && !isFine) return '';
  const times = ruleTimes(series).filter((at) => !isFine || at < series.start + 2 * dayMs);
  const near = times[Math.min(times.length - 1, draw(int(0, 15)))] ?? series.start;
  const off = draw(fc.constantFrom(0, 0, 1000, -1000, 5 * hourMs));
  const until = series.kind === 'date' ? near : near + off;
  return `;UNTIL=${stamp(series.kind, until, true)}`;
}

/** The first times of the rule, with that of the event, of two and a half years or three days. */
export function ruleTimes(series: Series, most = 100): WallMs[] {
  const [part] = reader.parse(calendarOf([mainLines({ ...series, left: [], added: [] })])).entries;
  const main = part?.parts[0];
  const [rule] = main?.rules ?? [];
  if (main === undefined || rule === undefined) return [series.start];
  const days = isSubDaily({ freq: rule.freq, parts: [] }) ? 3 : 900;
  return timesOf(rule, series.start, series.start, series.start + days * dayMs).times.slice(
    0,
    most,
  );
}

function drawExceptions(draw: Draw, series: Series): void {
  const times = ruleTimes(series);
  const isDate = series.kind === 'date';
  const anyTime = (): WallMs => times[draw(int(0, Math.min(times.length - 1, 20)))] ?? series.start;
  const step = isDate ? dayMs : 30 * minuteMs;
  if (series.rule !== null && chance(draw, 35)) {
    series.left = Array.from({ length: draw(int(1, 3)) }, anyTime);
  }
  if (chance(draw, 25)) {
    series.added = Array.from({ length: draw(int(1, 3)) }, () => {
      const onRule = chance(draw, 15);
      const at = onRule
        ? anyTime()
        : series.start + draw(int(1, 90)) * dayMs + draw(int(-9, 9)) * step;
      const isPeriod = !isDate && !onRule && chance(draw, 30);
      return { wall: at, periodMs: isPeriod ? draw(int(1, 6)) * 30 * minuteMs : null };
    });
  }
  if (series.rule !== null && chance(draw, 35)) {
    const instances = [...new Set(Array.from({ length: draw(int(1, 2)) }, anyTime))];
    series.moved = instances.map((instance) => ({
      instance,
      start: instance + draw(int(-3, 6)) * dayMs + (isDate ? 0 : draw(int(-4, 4)) * hourMs),
      lengthMs: isDate ? draw(int(1, 2)) * dayMs : draw(int(1, 5)) * 30 * minuteMs,
      cancelled: chance(draw, 30),
      inUtc: !isDate && series.kind !== 'floating' && chance(draw, 25),
      isFirst: chance(draw, 30),
    }));
  }
}

/** Neither a date nor floating. */
export const isZone = (kind: string): boolean => kind !== 'date' && kind !== 'floating';

/** The instant of a wall time of the series, for zones only. */
export const instantIn = (series: Series, at: WallMs): number =>
  series.kind === 'UTC' ? at : zones.toInstant(at, series.kind);

/** `20270115`, `20270115T090000`, with a Z for UTC; `inUtc`: a zoned time in UTC. */
export function stamp(kind: string, at: WallMs, inUtc = false): string {
  const digits = (value: number): string =>
    new Date(value).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  if (kind === 'date') return digits(at).slice(0, 8);
  if (kind === 'floating') return digits(at);
  if (kind === 'UTC') return `${digits(at)}Z`;
  return inUtc ? `${digits(zones.toInstant(at, kind))}Z` : digits(at);
}

/** `DTSTART;TZID=Asia/Seoul:20270115T090000`. */
function line(name: string, kind: string, walls: readonly WallMs[], inUtc = false): string {
  const value = walls.map((at) => stamp(kind, at, inUtc)).join(',');
  if (kind === 'date') return `${name};VALUE=DATE:${value}`;
  const bare = kind === 'floating' || kind === 'UTC' || inUtc;
  return bare ? `${name}:${value}` : `${name};TZID=${kind}:${value}`;
}

function lengthLine({ kind, start, length }: Pick<Series, 'kind' | 'start' | 'length'>): string[] {
  if (length === null) return [];
  if (length.by === 'DTEND') return [line('DTEND', kind, [start + length.ms])];
  if (length.by === 'HOURS') return [`DURATION:PT${length.ms / minuteMs}M`];
  return [`DURATION:${duration(length.ms)}`];
}

function duration(ms: number): string {
  if (ms % dayMs === 0) return `P${ms / dayMs}D`;
  return `PT${ms / minuteMs}M`;
}

function mainLines(series: Series): string {
  const { uid, title, kind, start, rule, left, added, sequence } = series;
  const points = added.filter(({ periodMs }) => periodMs === null).map((one) => one.wall);
  const periods = added.flatMap(({ wall: at, periodMs }) => {
    if (periodMs === null) return [];
    const zone = kind === 'floating' || kind === 'UTC' ? '' : `;TZID=${kind}`;
    return [`RDATE;VALUE=PERIOD${zone}:${stamp(kind, at)}/${duration(periodMs)}`];
  });
  return [
    `UID:${uid}`,
    `SUMMARY:${title}`,
    line('DTSTART', kind, [start]),
    ...lengthLine(series),
    ...(rule === null
      ? []
      : [`RRULE:${[`FREQ=${rule.freq}`, ...rule.parts].join(';')}${rule.bound}`]),
    ...(left.length === 0 ? [] : [line('EXDATE', kind, left)]),
    ...(points.length === 0 ? [] : [line('RDATE', kind, points)]),
    ...periods,
    ...(sequence === null ? [] : [`SEQUENCE:${sequence}`]),
  ].join('\n');
}

function movedLines({ uid, kind, sequence }: Series, moved: Moved): string {
  const length = { by: 'DTEND' as const, ms: moved.lengthMs };
  return [
    `UID:${uid}`,
    'SUMMARY:moved',
    line('RECURRENCE-ID', kind, [moved.instance], moved.inUtc),
    line('DTSTART', kind, [moved.start]),
    ...lengthLine({ kind, start: moved.start, length }),
    ...(moved.cancelled ? ['STATUS:CANCELLED'] : []),
    ...(sequence === null ? [] : [`SEQUENCE:${sequence}`]),
  ].join('\n');
}

/** The calendar as the text of a file. */
export const textOf = ({ series }: GeneratedCalendar): string =>
  calendarOf(
    series.flatMap((one) => {
      const moved = (isFirst: boolean): string[] =>
        one.moved.filter((part) => part.isFirst === isFirst).map((part) => movedLines(one, part));
      return [...moved(true), mainLines(one), ...moved(false)];
    }),
  );
