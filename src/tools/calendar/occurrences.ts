/**
 * When entries take place within a window, on the wall of whoever asks.
 *
 * 1. An instance that was moved is found where it was moved to, also from outside the window, and not where
 *    it was; a cancelled one is not found.
 * 2. The window is half open; an entry belongs to it if any of it lies inside, a reminder without a length
 *    if its time does.
 * 3. An all-day entry stays on its dates in every zone; a floating time is the asker's own.
 */
import { dayMs, startOfDay, type WallMs, type Zones } from '../zoned-time.ts';
import type { CalendarEntry, EventPart, Moment, Occurrence } from './event.ts';
import { wallOnStart } from './moments.ts';
import { hasStart, timesOf, type RecurrenceRule } from './recurrence.ts';

/** Half open, on the asker's wall. */
export interface WallRange {
  from: WallMs;
  to: WallMs;
}

export interface Found {
  /** In order of their start. */
  occurrences: Occurrence[];
  /** Entries of which not every instance was looked at: see `stepsMax` in recurrence.ts. */
  capped: string[];
}

/** Two walls of the world are at most 26 hours apart (UTC+14 and UTC-12). */
export const zoneSpreadMs = 26 * 3_600_000;

/** All occurrences of the entries in the range. */
export function occurrencesIn(
  entries: Iterable<CalendarEntry>,
  range: WallRange,
  viewerZone: string,
  zones: Zones,
): Found {
  const found: Found = { occurrences: [], capped: [] };
  for (const entry of entries) collect(entry, range, viewerZone, zones, found);
  found.occurrences.sort(
    (a, b) => a.start - b.start || Number(b.allDay) - Number(a.allDay) || a.end - b.end,
  );
  return found;
}

function collect(
  entry: CalendarEntry,
  range: WallRange,
  viewerZone: string,
  zones: Zones,
  found: Found,
): void {
  const mains = entry.parts.filter((part) => part.instance === null);
  const changed = entry.parts.filter((part) => part.instance !== null);
  const recurring = entry.parts.some(isRecurring) || changed.length > 0;
  const show: Show = (part, wall, lengthMs) => {
    const shown = lengthMs === undefined ? part : { ...part, lengthMs, nominalDays: 0 };
    const occurrence = onViewersWall(entry.uid, shown, wall, viewerZone, zones, recurring);
    if (!part.cancelled && touches(occurrence, range)) found.occurrences.push(occurrence);
  };
  for (const part of changed) {
    if (!part.andLater || mains.length === 0) show(part, part.start.wall);
  }
  for (const main of mains) {
    const onMainWall = (moment: Moment): WallMs =>
      wallOnStart(moment, main.start, viewerZone, zones);
    collectSeries({ uid: entry.uid, main, changed, onMainWall }, range, show, found);
  }
}

/** Takes an instance in; `lengthMs` where it is not that of the part. */
type Show = (part: EventPart, wall: WallMs, lengthMs?: number) => void;

/** An event with the changes of its instances. */
interface Series {
  uid: string;
  main: EventPart;
  changed: readonly EventPart[];
  /** Where a moment lies on the wall of the event's zone. */
  onMainWall: (moment: Moment) => WallMs;
}

function collectSeries(series: Series, range: WallRange, show: Show, found: Found): void {
  const { main, changed, onMainWall } = series;
  const instanceOf = (part: EventPart): WallMs => onMainWall(part.instance ?? part.start);
  const replaced = new Set(changed.filter((part) => !part.andLater).map(instanceOf));
  const left = new Set(main.left.map(onMainWall));
  // A day leaves all its times out.
  const leftDays = new Set(
    main.left.filter(({ kind }) => kind === 'date').map(({ wall }) => startOfDay(wall)),
  );
  const laterParts = changed
    .filter((part) => part.andLater)
    .map((part) => ({ part, since: instanceOf(part) }))
    .sort((a, b) => b.since - a.since);

  for (const [wall, lengthMs] of startsOf(series, range, laterParts, found)) {
    if (left.has(wall) || leftDays.has(startOfDay(wall)) || replaced.has(wall)) continue;
    const later = laterParts.find(({ since }) => since <= wall);
    if (later === undefined) show(main, wall, lengthMs);
    // It moves all that follow by as much as it moved its own instance.
    else show(later.part, later.part.start.wall + (wall - later.since));
  }
}

/** Candidate starts of the entry on its own wall, ascending, in a window that is wide enough; their own length. */
function startsOf(
  { uid, main, onMainWall }: Series,
  range: WallRange,
  later: readonly { part: EventPart; since: WallMs }[],
  found: Found,
): [start: WallMs, lengthMs: number | undefined][] {
  if (!isRecurring(main)) return [[main.start.wall, undefined]];
  const moved = later.map(({ part, since }) => part.start.wall - since);
  const length = Math.max(main.lengthMs, ...later.map(({ part }) => part.lengthMs));
  const from = range.from - length - zoneSpreadMs - Math.max(0, ...moved);
  const to = range.to + zoneSpreadMs - Math.min(0, ...moved);
  const starts = new Map<WallMs, number | undefined>();
  for (const moment of main.added) starts.set(onMainWall(moment), moment.lengthMs);
  if (main.rules.length === 0) starts.set(main.start.wall, undefined);
  const timesIn = (rule: RecurrenceRule): WallMs[] => {
    const { times, capped } = timesOf(rule, main.start.wall, from, to);
    if (capped) found.capped.push(uid);
    return times;
  };
  for (const time of main.rules.flatMap(timesIn)) starts.set(time, starts.get(time));
  for (const rule of main.leftRules) {
    // The first time of an event is a time of each of its rules only where the rule has it.
    const keepsStart = !hasStart(rule, main.start.wall);
    for (const time of timesIn(rule)) {
      if (time !== main.start.wall || !keepsStart) starts.delete(time);
    }
  }
  return [...starts].sort(([a], [b]) => a - b);
}

const isRecurring = (part: EventPart): boolean => part.rules.length > 0 || part.added.length > 0;

function onViewersWall(
  uid: string,
  part: EventPart,
  wall: WallMs,
  viewerZone: string,
  zones: Zones,
  recurring: boolean,
): Occurrence {
  const { title, description, location, busy, lengthMs, nominalDays } = part;
  const words = { uid, title, description, location, busy, recurring };
  const { zone, kind } = part.start;
  if (zone === null) {
    return { ...words, allDay: kind === 'date', start: wall, end: wall + lengthMs };
  }
  const instant = zones.instantOf(wall, zone);
  const nominalMs = nominalDays * dayMs;
  const endInstant = zones.instantOf(wall + nominalMs, zone) + lengthMs - nominalMs;
  return {
    ...words,
    allDay: false,
    start: zones.wallOf(instant, viewerZone),
    end: zones.wallOf(endInstant, viewerZone),
  };
}

/** Whether any of it lies in the range. */
export const touches = (one: { start: WallMs; end: WallMs }, range: WallRange): boolean =>
  one.start < range.to &&
  (one.end > range.from || (one.start === one.end && one.start >= range.from));
