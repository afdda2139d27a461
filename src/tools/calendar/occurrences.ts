/**
 * When entries take place within a window, on the wall of whoever asks.
 *
 * 1. An instance that was moved is found where it was moved to, also from outside the window, and not where
 *    it was; a cancelled one is not found.
 * 2. The window is half open; an entry belongs to it if any of it lies inside, a reminder without a length
 *    if its time does.
 * 3. An all-day entry stays on its dates in every zone; a floating time is the asker's own.
 */
import { dayMs, type WallMs, type Zones } from '../zoned-time.ts';
import type { CalendarEntry, EventPart, Moment, Occurrence } from './event.ts';
import { timesOf } from './recurrence.ts';

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
  const main = entry.parts.find((part) => part.instance === null);
  const changed = entry.parts.filter((part) => part.instance !== null);
  const recurring = entry.parts.some(isRecurring) || changed.length > 0;
  const show = (part: EventPart, wall: WallMs): void => {
    const occurrence = onViewersWall(entry.uid, part, wall, viewerZone, zones, recurring);
    if (!part.cancelled && touches(occurrence, range)) found.occurrences.push(occurrence);
  };
  for (const part of changed) if (!part.andLater) show(part, part.start.wall);
  if (main === undefined) {
    for (const part of changed) if (part.andLater) show(part, part.start.wall);
    return;
  }

  const { start } = main;
  const onMainWall = (moment: Moment): WallMs => wallIn(moment, start, viewerZone, zones);
  const replaced = new Set(changed.map((part) => onMainWall(part.instance ?? part.start)));
  const left = new Set(main.left.filter((moment) => moment.kind !== 'date').map(onMainWall));
  const leftDays = new Set(
    main.left.filter((moment) => moment.kind === 'date').map((moment) => moment.wall),
  );
  const laterParts = changed
    .filter((part) => part.andLater)
    .map((part) => ({ part, since: onMainWall(part.instance ?? part.start) }))
    .sort((a, b) => b.since - a.since);

  for (const wall of startsOf(main, range, onMainWall, laterParts, found, entry.uid)) {
    if (left.has(wall) || leftDays.has(Math.floor(wall / dayMs) * dayMs)) continue;
    const later = laterParts.find(({ since }) => since <= wall);
    if (later !== undefined) {
      const isReplaced = replaced.has(wall) && wall !== later.since;
      // It moves all that follow by as much as it moved its own instance.
      if (!isReplaced) show(later.part, later.part.start.wall + (wall - later.since));
    } else if (!replaced.has(wall)) {
      show(main, wall);
    }
  }
}

/** Candidate starts of the entry on its own wall, ascending, in a window that is wide enough. */
function startsOf(
  main: EventPart,
  range: WallRange,
  onMainWall: (moment: Moment) => WallMs,
  later: readonly { part: EventPart; since: WallMs }[],
  found: Found,
  uid: string,
): WallMs[] {
  if (!isRecurring(main)) return [main.start.wall];
  const moved = later.map(({ part, since }) => part.start.wall - since);
  const length = Math.max(main.lengthMs, ...later.map(({ part }) => part.lengthMs));
  const from = range.from - length - zoneSpreadMs - Math.max(0, ...moved);
  const to = range.to + zoneSpreadMs - Math.min(0, ...moved);
  const starts = new Set(main.added.map(onMainWall));
  if (main.rules.length === 0) starts.add(main.start.wall);
  for (const rule of main.rules) {
    const { times, capped } = timesOf(rule, main.start.wall, from, to);
    for (const time of times) starts.add(time);
    if (capped) found.capped.push(uid);
  }
  return [...starts].sort((a, b) => a - b);
}

const isRecurring = (part: EventPart): boolean => part.rules.length > 0 || part.added.length > 0;

/** The moment on the wall of the entry's zone. */
function wallIn(moment: Moment, start: Moment, viewerZone: string, zones: Zones): WallMs {
  if (moment.kind !== 'zoned' || moment.zone === null || start.kind === 'date') return moment.wall;
  const target = start.zone ?? viewerZone;
  if (moment.zone === target) return moment.wall;
  return zones.wallOf(zones.instantOf(moment.wall, moment.zone), target);
}

function onViewersWall(
  uid: string,
  part: EventPart,
  wall: WallMs,
  viewerZone: string,
  zones: Zones,
  recurring: boolean,
): Occurrence {
  const { title, description, location, busy, lengthMs } = part;
  const words = { uid, title, description, location, busy, recurring };
  const { zone, kind } = part.start;
  if (zone === null) {
    return { ...words, allDay: kind === 'date', start: wall, end: wall + lengthMs };
  }
  const instant = zones.instantOf(wall, zone);
  return {
    ...words,
    allDay: false,
    start: zones.wallOf(instant, viewerZone),
    end: zones.wallOf(instant + lengthMs, viewerZone),
  };
}

/** Whether any of it lies in the range. */
export const touches = (one: { start: WallMs; end: WallMs }, range: WallRange): boolean =>
  one.start < range.to &&
  (one.end > range.from || (one.start === one.end && one.start >= range.from));
