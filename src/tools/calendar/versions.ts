/**
 * Which parts of one UID count. Files and servers hold an event, or an instance of it, more than once.
 *
 * 1. The newest version counts: by SEQUENCE, then LAST-MODIFIED, then DTSTAMP, then the later in the file.
 * 2. The same component twice is one.
 * 3. Events with the same stamps, without a RECURRENCE-ID and with another start or title are no versions: a
 *    program gave several events one UID. All of them count.
 * 4. A cancelled event cancels its changed instances too, unless they are newer.
 * 5. What does not count is named.
 */
import type { Zones } from '../zoned-time.ts';
import type { CalendarEntry, EventPart, Moment } from './event.ts';
import { wallOnStart } from './moments.ts';

export interface SettledParts {
  parts: EventPart[];
  /** What does not count, with its reason. */
  dropped: string[];
}

/** The parts that count, of all parts of one UID in the order of their file. */
export function settledParts(all: readonly EventPart[], zones: Zones): SettledParts {
  if (all.length < 2) return { parts: [...all], dropped: [] };
  const dropped: string[] = [];
  const mains = newestOf(
    all.filter((part) => part.instance === null),
    (one, other) => compareStamps(one, other) !== 0 || isSameEvent(one, other),
    dropped,
  );
  const [start] = mains.map((part) => part.start);
  const byInstance = new Map<string, EventPart[]>();
  for (const part of all) {
    if (part.instance === null) continue;
    const key = instanceKey(part.instance, start ?? part.instance, zones);
    byInstance.set(key, [...(byInstance.get(key) ?? []), part]);
  }
  const changed = [...byInstance.values()].flatMap((parts) => instanceParts(parts, dropped));
  const cancelled = mains.every((part) => part.cancelled) ? mains[0] : undefined;
  const counting = changed.filter((part) => {
    const isCancelled =
      cancelled !== undefined && !part.cancelled && compareStamps(part, cancelled) <= 0;
    if (isCancelled) dropped.push(`${wordsOf(part)}: its event is cancelled`);
    return !isCancelled;
  });
  const kept = new Set([...mains, ...counting]);
  return { parts: all.filter((part) => kept.has(part)), dropped };
}

/** Entries of one UID as one, where a server has them in several objects; what does not count, with its UID. */
export function mergedEntries(
  entries: readonly CalendarEntry[],
  zones: Zones,
): { entries: CalendarEntry[]; dropped: string[] } {
  const byUid = new Map<string, CalendarEntry[]>();
  for (const entry of entries) byUid.set(entry.uid, [...(byUid.get(entry.uid) ?? []), entry]);
  const dropped: string[] = [];
  const merged = [...byUid].flatMap(([uid, same]) => {
    if (same.length === 1) return same;
    const settled = settledParts(
      same.flatMap(({ parts }) => parts),
      zones,
    );
    dropped.push(...settled.dropped.map((reason) => `${uid}: ${reason}`));
    return [{ uid, parts: settled.parts }];
  });
  return { entries: merged, dropped };
}

/** A change of one instance and one of all later ones may both count where they begin at the same. */
function instanceParts(parts: readonly EventPart[], dropped: string[]): EventPart[] {
  const always = (): boolean => true;
  const single = newestOf(
    parts.filter((part) => !part.andLater),
    always,
    dropped,
  );
  const later = newestOf(
    parts.filter((part) => part.andLater),
    always,
    dropped,
  );
  const [one, all] = [single[0], later[0]];
  if (one === undefined || all === undefined) return [...single, ...later];
  if (compareStamps(all, one) <= 0) return [one, all];
  dropped.push(`${wordsOf(one)}: a newer version changes it and all later ones`);
  return later;
}

/** The newest of the parts that are versions of each other. */
function newestOf(
  parts: readonly EventPart[],
  areVersions: (one: EventPart, other: EventPart) => boolean,
  dropped: string[],
): EventPart[] {
  let kept: EventPart[] = [];
  for (const part of parts) {
    const text = JSON.stringify(part);
    const versions = kept.filter((other) => areVersions(part, other));
    if (kept.some((other) => JSON.stringify(other) === text)) {
      dropped.push(`${wordsOf(part)}: the same once more`);
    } else if (versions.some((other) => compareStamps(part, other) < 0)) {
      dropped.push(`${wordsOf(part)}: an older version`);
    } else {
      for (const other of versions) dropped.push(`${wordsOf(other)}: an older version`);
      kept = [...kept.filter((other) => !versions.includes(other)), part];
    }
  }
  return kept;
}

/** Positive where `one` is newer, 0 where their stamps do not tell. */
function compareStamps(one: EventPart, other: EventPart): number {
  const [a, b] = [one.version, other.version];
  const later = (x: number | null, y: number | null): number =>
    x === null || y === null ? 0 : x - y;
  return a.sequence - b.sequence || later(a.modified, b.modified) || later(a.stamped, b.stamped);
}

const isSameEvent = (one: EventPart, other: EventPart): boolean =>
  one.title === other.title && JSON.stringify(one.start) === JSON.stringify(other.start);

/** The same for every way to write the same instance. */
function instanceKey(instance: Moment, start: Moment, zones: Zones): string {
  const at = wallOnStart(instance, start, start.zone ?? 'UTC', zones);
  return start.zone === null ? String(at) : String(zones.instantOf(at, start.zone));
}

const wordsOf = (part: EventPart): string =>
  `"${part.title}"${part.version.sequence > 0 ? ` (SEQUENCE ${part.version.sequence})` : ''}`;
