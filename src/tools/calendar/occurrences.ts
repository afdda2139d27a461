/**
 * Expands entries into their occurrences within a window, in wall time of the viewer's zone.
 *
 * 1. A moved instance is found at its new time only, a cancelled instance is not found.
 * 2. The window is half open; an entry belongs to it if any part of it is inside.
 * 3. An all-day entry keeps its dates in every zone; a floating time is in the viewer's zone.
 */
import { dayMs } from '#shared/calendar/time-units';
import { startOfDay, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import {
  type CalendarEntry,
  type EventPart,
  type Moment,
  type Occurrence,
  wallOnStart,
} from './event.ts';
import { hasStart, timesOf, type RecurrenceRule } from './recurrence.ts';

/** Half open, wall time of the viewer's zone. */
export interface WallRange {
  from: WallMs;
  to: WallMs;
}

export interface OccurrenceResult {
  /** Ordered by start. */
  occurrences: Occurrence[];
  /** UIDs of entries that were not expanded completely: see `stepsMax` in recurrence.ts. */
  capped: string[];
}

/** Wall times of two zones differ by at most 26 hours (UTC+14 and UTC-12). */
export const zoneSpreadMs = 26 * 3_600_000;

export const byStart = (a: Occurrence, b: Occurrence): number =>
  a.start - b.start || Number(b.allDay) - Number(a.allDay) || a.end - b.end;

export function occurrencesIn(
  entries: Iterable<CalendarEntry>,
  range: WallRange,
  viewerZone: string,
  zones: Zones,
): OccurrenceResult {
  const occurrences: Occurrence[] = [];
  const capped = visitInstances(entries, range, viewerZone, zones, ({ occurrence }) =>
    occurrences.push(occurrence),
  );
  return { occurrences: occurrences.sort(byStart), capped };
}

/** An occurrence with the part of its entry. */
export interface Instance {
  occurrence: Occurrence;
  part: EventPart;
  /** Start in the form and zone of the part. */
  wall: WallMs;
  /** Where the series has it, also if it was moved: tells the instances of an entry apart. */
  original: WallMs;
}

/** Calls `visit` for each occurrence in the window, in the order of the entries. Returns UIDs as `capped` has them. */
export function visitInstances(
  entries: Iterable<CalendarEntry>,
  range: WallRange,
  viewerZone: string,
  zones: Zones,
  visit: (instance: Instance) => unknown,
): string[] {
  const capped: string[] = [];
  for (const entry of entries) collect(entry, { range, viewerZone, zones, visit, capped });
  return capped;
}

/** What is asked for, and what has been found. */
interface Search {
  range: WallRange;
  viewerZone: string;
  zones: Zones;
  visit: (instance: Instance) => unknown;
  capped: string[];
}

function collect(entry: CalendarEntry, search: Search): void {
  const { range, viewerZone, zones, visit } = search;
  const mains = entry.parts.filter((part) => part.instance === null);
  const changed = entry.parts.filter((part) => part.instance !== null);
  const recurring = entry.parts.some(isRecurring) || changed.length > 0;
  const emit: EmitInstance = (part, wall, original, lengthMs) => {
    const shown = lengthMs === undefined ? part : { ...part, lengthMs, nominalDays: 0 };
    const times = toViewerTime(shown, wall, search);
    const { title, description, location, busy } = part;
    const occurrence = { uid: entry.uid, title, description, location, busy, recurring, ...times };
    if (!part.cancelled && touches(occurrence, range)) {
      visit({ occurrence, part: shown, wall, original });
    }
  };
  for (const part of changed) {
    const original = wallOnStart(part.instance!, (mains[0] ?? part).start, viewerZone, zones);
    if (!part.andLater || mains.length === 0) emit(part, part.start.wall, original);
  }
  for (const main of mains) {
    const onMainWall = (moment: Moment): WallMs =>
      wallOnStart(moment, main.start, viewerZone, zones);
    collectSeries({ uid: entry.uid, main, changed, onMainWall }, emit, search);
  }
}

/** Adds an instance; `lengthMs` if it differs from the length of the part. */
type EmitInstance = (part: EventPart, wall: WallMs, original: WallMs, lengthMs?: number) => void;

interface Series {
  uid: string;
  main: EventPart;
  changed: readonly EventPart[];
  /** Converts a moment to wall time of the event's zone. */
  onMainWall: (moment: Moment) => WallMs;
}

function collectSeries(series: Series, emit: EmitInstance, search: Search): void {
  const { main, changed, onMainWall } = series;
  const instanceOf = (part: EventPart): WallMs => onMainWall(part.instance ?? part.start);
  const replaced = new Set(changed.filter((part) => !part.andLater).map(instanceOf));
  const left = new Set(main.left.map(onMainWall));
  // An EXDATE that is a day excludes all times of that day.
  const leftDays = new Set(
    main.left.filter(({ kind }) => kind === 'date').map(({ wall }) => startOfDay(wall)),
  );
  const laterParts = changed
    .filter((part) => part.andLater)
    .map((part) => ({ part, since: instanceOf(part) }))
    .sort((a, b) => b.since - a.since);

  for (const [wall, lengthMs] of candidateStarts(series, laterParts, search)) {
    if (left.has(wall) || leftDays.has(startOfDay(wall)) || replaced.has(wall)) continue;
    const later = laterParts.find(({ since }) => since <= wall);
    if (later === undefined) emit(main, wall, wall, lengthMs);
    // All later instances are shifted by the same amount as the changed instance.
    else emit(later.part, later.part.start.wall + (wall - later.since), wall);
  }
}

/** Candidate starts in the entry's own wall time, ascending, in a widened window; with the length if it differs. */
function candidateStarts(
  { uid, main, onMainWall }: Series,
  later: readonly { part: EventPart; since: WallMs }[],
  { range, capped: capsReached }: Search,
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
    if (capped) capsReached.push(uid);
    return times;
  };
  for (const time of main.rules.flatMap(timesIn)) starts.set(time, starts.get(time));
  for (const rule of main.leftRules) {
    // `timesOf` always includes the start of the event; EXRULE excludes it only if the rule itself matches it.
    const keepsStart = !hasStart(rule, main.start.wall);
    for (const time of timesIn(rule)) {
      if (time !== main.start.wall || !keepsStart) starts.delete(time);
    }
  }
  return [...starts].sort(([a], [b]) => a - b);
}

const isRecurring = (part: EventPart): boolean => part.rules.length > 0 || part.added.length > 0;

function toViewerTime(
  { start: { zone, kind }, lengthMs, nominalDays }: EventPart,
  wall: WallMs,
  { viewerZone, zones }: Search,
): Pick<Occurrence, 'allDay' | 'start' | 'end'> {
  if (zone === null) return { allDay: kind === 'date', start: wall, end: wall + lengthMs };
  const nominalMs = nominalDays * dayMs;
  const endInstant = zones.toInstant(wall + nominalMs, zone) + lengthMs - nominalMs;
  const [start, end] = [zones.toInstant(wall, zone), endInstant].map((instant) =>
    zones.toWallTime(instant, viewerZone),
  ) as [WallMs, WallMs];
  return { allDay: false, start, end };
}

export const touches = (one: { start: WallMs; end: WallMs }, range: WallRange): boolean =>
  one.start < range.to &&
  (one.end > range.from || (one.start === one.end && one.start >= range.from));
