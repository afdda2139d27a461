/**
 * Differences between recurring_ical_events 2.0.1 and RFC 5545. Each difference rewrites the calendar into an
 * equivalent one, which the peer reads correctly, so that both are compared there too.
 */
import { dayMs, hourMs } from '#shared/calendar/time-units';
import type { WallMs } from '#shared/calendar/zoned-time';
import {
  instantIn,
  isSubDaily,
  isZone,
  ruleTimes,
  stamp,
  zones,
  type GeneratedCalendar,
  type Series,
} from './generated-calendars.ts';

export interface Difference {
  /** The behaviour of the peer. */
  name: string;
  /** The paragraph of RFC 5545 that it contradicts. */
  rfc: string;
  /** An equivalent series; the same object if the difference does not apply. */
  rewrite(series: Series): Series | Series[];
}

/** Enough for several times a day in all generated years. */
const timesMax = 5_000;

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

export const differences: readonly Difference[] = [
  {
    name: 'an all-day event without an end has no length',
    rfc: '3.6.1: its duration is one day',
    rewrite: (series) =>
      series.kind === 'date' && series.length === null
        ? { ...series, length: { by: 'DTEND', ms: dayMs } }
        : series,
  },
  {
    name: 'with SEQUENCE one occurrence a day is left',
    rfc: '3.8.7.4: it numbers revisions of a component, not its occurrences',
    rewrite: (series) => (series.sequence === null ? series : { ...series, sequence: null }),
  },
  {
    name: 'RDATE with periods is an error',
    rfc: '3.8.5.2: a period is one of its three types',
    rewrite(series) {
      const periods = series.added.filter(({ periodMs }) => periodMs !== null);
      if (periods.length === 0) return series;
      const rest = series.added.filter(({ periodMs }) => periodMs === null);
      // A period at a time of the rule is one occurrence, with the length of the period.
      const times = new Set([series.start, ...ruleTimes(series, timesMax)]);
      const both = periods.map(({ wall: at }) => at).filter((at) => times.has(at));
      return [
        { ...series, added: rest, left: [...series.left, ...both] },
        // A period with a duration in hours is as long as it says, also over a change of the clocks.
        ...periods.map(({ wall: at, periodMs }, index) => ({
          ...alone(series, `p${index}`, at, 0),
          length: { by: 'HOURS' as const, ms: periodMs ?? 0 },
        })),
      ];
    },
  },
  {
    name: 'weekdays with and without a number exclude each other',
    rfc: '3.3.10: BYDAY is a list of days, each with or without a number',
    rewrite: (series) => changedPart(series, 'BYDAY', numbered),
  },
  {
    name: 'BYWEEKNO without BYDAY has all days of the week',
    rfc: '3.3.10: what the rule does not say is derived from DTSTART',
    rewrite(series) {
      const { rule } = series;
      if (rule === null || !has(series, 'BYWEEKNO') || has(series, 'BYDAY')) return series;
      const day = weekdays[new Date(series.start).getUTCDay()];
      return { ...series, rule: { ...rule, parts: [...rule.parts, `BYDAY=${day}`] } };
    },
  },
  {
    name: 'a rule whose hours and minutes never meet is an error',
    rfc: '3.3.10: BYHOUR and BYMINUTE limit such a rule, and may leave nothing',
    rewrite(series) {
      const { rule } = series;
      if (rule === null || !isSubDaily(rule)) return series;
      const parts = rule.parts.filter((part) => /^(?:INTERVAL|BYHOUR|BYMINUTE)=/.test(part));
      const free = { ...series, rule: { ...rule, parts, bound: '' } };
      return ruleTimes(free).length > 1 ? series : { ...series, rule: null };
    },
  },
  {
    name: 'BYSETPOS counts in the first week from DTSTART on',
    rfc: '3.3.10: the set begins at the start of the interval, for WEEKLY the week',
    rewrite(series) {
      const { rule, start } = series;
      if (rule?.freq !== 'WEEKLY' || !has(series, 'BYSETPOS')) return series;
      const isFirst = (at: WallMs): boolean => at > start && at < start + 7 * dayMs;
      const parts = rule.parts.filter((part) => !part.startsWith('BYSETPOS'));
      const all = ruleTimes({ ...series, rule: { ...rule, parts, bound: '' } }).filter(isFirst);
      const right = ruleTimes(series).filter(isFirst);
      const bound = rule.bound.startsWith(';COUNT') ? exactUntil(series) : rule.bound;
      // An exception would also take a time of RDATE.
      const added = series.added.map((one) => one.wall).filter((at) => all.includes(at));
      const shown = [...new Set([...right, ...added])];
      return apart({ ...series, rule: { ...rule, bound } }, all, shown);
    },
  },
  {
    name: 'UNTIL is compared with the offset of DTSTART, and may end DTSTART itself',
    rfc: '3.3.10: UNTIL is an instant; 3.8.5.3: DTSTART is the first of the set',
    rewrite(series) {
      const { rule } = series;
      if (rule === null || !rule.bound.startsWith(';UNTIL') || !isZone(series.kind)) return series;
      const bound = untilBound(series);
      return bound === rule.bound ? series : { ...series, rule: { ...rule, bound } };
    },
  },
  {
    name: 'a time in RDATE and in the rule is two occurrences',
    rfc: '3.8.5.3: only one is considered',
    rewrite(series) {
      const own = new Set([series.start, ...ruleTimes(series)]);
      const added = series.added.filter((one, index, all) => {
        const isAgain = all.findIndex((other) => other.wall === one.wall) < index;
        return one.periodMs !== null || !(own.has(one.wall) || isAgain);
      });
      return added.length === series.added.length ? series : { ...series, added };
    },
  },
  {
    name: 'RECURRENCE-ID is compared by its day, whatever its zone',
    rfc: '3.8.4.4: it is the time of the instance',
    rewrite(series) {
      const isPlain = series.moved.every(({ inUtc }) => !inUtc) && !hasSeveralADay(series);
      return isPlain ? series : withoutMoved(series);
    },
  },
  {
    name: 'an end that is not after its start, which is in a gap of the clocks, is an error',
    rfc: '3.3.5: a time in a gap is read with the offset before the gap',
    rewrite(series) {
      const isEnd = isZone(series.kind) && series.length?.by === 'DTEND';
      if (!isEnd || exactLength(series) > 0) return series;
      return { ...series, length: { by: 'HOURS', ms: 0 } };
    },
  },
  {
    name: 'a repeated time is its second pass',
    rfc: '3.3.5: it is the first',
    rewrite(series) {
      if (!isZone(series.kind)) return series;
      const isRepeated = (at: WallMs): boolean => passes(series, at).length > 1;
      const length = series.length?.ms ?? 0;
      const ownTimes = series.length?.by === 'DTEND' ? [series.start, series.start + length] : [];
      const exact = ownTimes.some(isRepeated)
        ? { by: 'HOURS' as const, ms: exactLength(series) }
        : series.length;
      const touched = series.moved.some(
        (one) => isRepeated(one.start) || isRepeated(one.start + one.lengthMs),
      );
      const base = touched ? withoutMoved(series) : [series];
      return base.flatMap((one) => {
        const times = [...ruleTimes(one, timesMax), ...one.added.map((added) => added.wall)];
        const repeated = [...new Set(times.filter(isRepeated))].filter(
          (at) => !one.left.includes(at),
        );
        const isSame = repeated.length === 0 && exact === series.length;
        return isSame
          ? [one]
          : apart(one.uid === series.uid ? { ...one, length: exact } : one, repeated, repeated);
      });
    },
  },
  {
    name: 'DURATION in days is a number of hours',
    rfc: '3.8.5.3: it is nominal, and longer or shorter where the clocks change',
    rewrite(series) {
      const { kind, length } = series;
      if (!isZone(kind) || length?.by !== 'DURATION' || length.ms % dayMs !== 0) return series;
      const lengthAt = (at: WallMs): number =>
        instantIn(series, at + length.ms) - instantIn(series, at);
      const times = [...ruleTimes(series, timesMax), ...series.added.map((one) => one.wall)];
      const other = [...new Set(times)].filter((at) => lengthAt(at) !== length.ms);
      return other.length === 0 ? series : apart(series, other, other, lengthAt);
    },
  },
  {
    name: 'EXDATE also takes a time that has its instant with the offset of DTSTART',
    rfc: '3.8.5.1: it excludes the times of its list',
    rewrite(series) {
      if (!isZone(series.kind)) return series;
      const offset = startOffset(series);
      const times = ruleTimes(series, timesMax);
      const lost = series.left
        .map((at) => instantIn(series, at) + offset)
        .filter((at) => !series.left.includes(at) && times.includes(at));
      return lost.length === 0 ? series : apart(series, [], [...new Set(lost)]);
    },
  },
];

/** An equivalent calendar, which the peer reads correctly. */
export function rewritten(calendar: GeneratedCalendar): GeneratedCalendar {
  let { series } = calendar;
  for (const { rewrite } of differences) series = series.flatMap(rewrite);
  return { ...calendar, series };
}

const has = (series: Series, part: string): boolean =>
  series.rule?.parts.some((one) => one.startsWith(`${part}=`)) ?? false;

function changedPart(series: Series, name: string, change: (value: string) => string): Series {
  const { rule } = series;
  const at = rule?.parts.findIndex((one) => one.startsWith(`${name}=`)) ?? -1;
  const old = rule?.parts[at];
  if (rule === null || old === undefined) return series;
  const next = `${name}=${change(old.slice(name.length + 1))}`;
  return next === old ? series : { ...series, rule: { ...rule, parts: rule.parts.with(at, next) } };
}

/** `SU,-1FR` rewritten: each Sunday of the month by its number. */
function numbered(byDay: string): string {
  const days = byDay.split(',');
  const isMixed = days.some((day) => day.length > 2) && days.some((day) => day.length === 2);
  if (!isMixed) return byDay;
  const numbers = [1, 2, 3, 4, 5];
  return days
    .flatMap((day) => (day.length > 2 ? [day] : numbers.map((number) => `${number}${day}`)))
    .join(',');
}

/** The last time of the rule as an UNTIL. */
function exactUntil(series: Series): string {
  const last = ruleTimes(series).at(-1) ?? series.start;
  return isZone(series.kind)
    ? `;UNTIL=${stamp('UTC', instantIn(series, last))}`
    : `;UNTIL=${stamp(series.kind, last)}`;
}

/** The last time of the rule as an UNTIL that is valid with the offset of DTSTART and with its own. */
function untilBound(series: Series): string {
  const last = ruleTimes(series).at(-1) ?? series.start;
  if (!isZone(series.kind)) return `;UNTIL=${stamp(series.kind, last)}`;
  const instant = instantIn(series, last);
  const offsetChange = last - instant - startOffset(series);
  return `;UNTIL=${stamp('UTC', instant + Math.max(0, offsetChange))}`;
}

/** The real time between DTSTART and DTEND. */
const exactLength = (series: Series): number =>
  instantIn(series, series.start + (series.length?.ms ?? 0)) - instantIn(series, series.start);

/** The offset of DTSTART as the peer reads it: a repeated time is its second pass. */
const startOffset = (series: Series): number =>
  series.start - (passes(series, series.start).at(-1) ?? instantIn(series, series.start));

/** The instants at which the clocks of the series' zone show this wall time. */
function passes(series: Series, at: WallMs): number[] {
  const instant = instantIn(series, at);
  const later = [hourMs / 2, hourMs].map((shift) => instant + shift);
  const zone = series.kind;
  return [instant, ...later].filter((one) => zones.toWallTime(one, zone) === at);
}

/** One occurrence as a separate event. The UID up to the plus sign is that of its series. */
function alone(series: Series, name: string, start: WallMs, lengthMs: number): Series {
  return {
    ...series,
    uid: `${series.uid}+${name}`,
    start,
    length: { by: 'DTEND', ms: lengthMs },
    rule: null,
    left: [],
    added: [],
    moved: [],
    sequence: null,
  };
}

/** The series without some of its times, and `right` as separate events: in UTC if it has a zone. */
function apart(
  series: Series,
  without: readonly WallMs[],
  right: readonly WallMs[],
  lengthAt: (at: WallMs) => number = (at) => realLength(series, at),
): Series[] {
  const shown = right.filter((at) => !series.left.includes(at) && !isMovedAway(series, at));
  return [
    { ...series, left: [...series.left, ...without] },
    ...shown.map((at, index) =>
      isZone(series.kind)
        ? { ...alone(series, `a${index}`, instantIn(series, at), lengthAt(at)), kind: 'UTC' }
        : alone(series, `a${index}`, at, lengthAt(at)),
    ),
  ];
}

function realLength(series: Series, at: WallMs): number {
  const { kind, length } = series;
  if (length === null || !isZone(kind)) return length?.ms ?? 0;
  if (length.by === 'DTEND') return exactLength(series);
  // Days are nominal.
  const isDays = length.by === 'DURATION' && length.ms % dayMs === 0;
  return isDays ? instantIn(series, at + length.ms) - instantIn(series, at) : length.ms;
}

const isMovedAway = (series: Series, at: WallMs): boolean =>
  series.moved.some(({ instance }) => instance === at);

/** Moved instances as exceptions and separate events. */
function withoutMoved(series: Series): Series[] {
  const { moved } = series;
  const left = [...series.left, ...moved.map(({ instance }) => instance)];
  const shown = moved.filter(({ cancelled }) => !cancelled);
  return [
    { ...series, moved: [], left },
    ...shown.map((one, index) => {
      const event = alone(series, `m${index}`, one.start, one.lengthMs);
      return { ...event, title: 'moved' };
    }),
  ];
}

function hasSeveralADay(series: Series): boolean {
  const days = [...ruleTimes(series), ...series.added.map((one) => one.wall)].map((at) =>
    Math.floor(at / dayMs),
  );
  return new Set(days).size < days.length;
}
