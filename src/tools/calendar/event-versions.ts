/**
 * Selects the current parts of one UID. Files and servers may contain an event, or an instance of it, repeatedly.
 *
 * 1. The newest version is kept: by SEQUENCE, then LAST-MODIFIED, then DTSTAMP, then the later position in the file.
 * 2. Identical components are one part.
 * 3. Events with equal stamps and another start or title are no versions: several events got one UID, all are kept.
 * 4. A cancelled event cancels its changed instances too, unless they are newer.
 * 5. Dropped parts are reported.
 */
import type { Zones } from '#shared/calendar/zoned-time';
import { type CalendarEntry, type EventPart, type Moment, wallOnStart } from './event.ts';

/** @param all all parts of one UID, in the order of their file. `dropped`: a line per dropped part, with the reason. */
export function selectCurrentParts(
  all: readonly EventPart[],
  zones: Zones,
): { parts: EventPart[]; dropped: string[] } {
  if (all.length < 2) return { parts: [...all], dropped: [] };
  const dropped: string[] = [];
  const mains = keepNewest(
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
  const changed = [...byInstance.values()].flatMap((parts) => selectInstanceParts(parts, dropped));
  const cancelled = mains.every((part) => part.cancelled) ? mains[0] : undefined;
  const counting = changed.filter((part) => {
    if (cancelled === undefined || part.cancelled || compareStamps(part, cancelled) > 0)
      return true;
    dropped.push(`${describePart(part)}: its event is cancelled`);
    return false;
  });
  const kept = new Set([...mains, ...counting]);
  return { parts: all.filter((part) => kept.has(part)), dropped };
}

/** Merges entries with the same UID, which a server may hold in several objects. Lines of `dropped` have the UID. */
export function mergeEntries(
  entries: readonly CalendarEntry[],
  zones: Zones,
): { entries: CalendarEntry[]; dropped: string[] } {
  const byUid = new Map<string, CalendarEntry[]>();
  for (const entry of entries) byUid.set(entry.uid, [...(byUid.get(entry.uid) ?? []), entry]);
  const dropped: string[] = [];
  const merged = [...byUid].flatMap(([uid, same]) => {
    if (same.length === 1) return same;
    const current = selectCurrentParts(
      same.flatMap(({ parts }) => parts),
      zones,
    );
    dropped.push(...current.dropped.map((reason) => `${uid}: ${reason}`));
    return [{ uid, parts: current.parts }];
  });
  return { entries: merged, dropped };
}

/** A change of one instance and a change of all later instances may both apply, starting at the same instance. */
function selectInstanceParts(parts: readonly EventPart[], dropped: string[]): EventPart[] {
  const newest = (andLater: boolean): EventPart[] =>
    keepNewest(
      parts.filter((part) => part.andLater === andLater),
      () => true,
      dropped,
    );
  const [single, later] = [newest(false), newest(true)];
  const [one, all] = [single[0], later[0]];
  if (one === undefined || all === undefined) return [...single, ...later];
  if (compareStamps(all, one) <= 0) return [one, all];
  dropped.push(`${describePart(one)}: a newer version changes it and all later ones`);
  return later;
}

/** Of parts that are versions of each other, keeps the newest. */
function keepNewest(
  parts: readonly EventPart[],
  areVersions: (one: EventPart, other: EventPart) => boolean,
  dropped: string[],
): EventPart[] {
  let kept: EventPart[] = [];
  for (const part of parts) {
    const text = JSON.stringify(part);
    const versions = kept.filter((other) => areVersions(part, other));
    if (kept.some((other) => JSON.stringify(other) === text)) {
      dropped.push(`${describePart(part)}: the same once more`);
    } else if (versions.some((other) => compareStamps(part, other) < 0)) {
      dropped.push(`${describePart(part)}: an older version`);
    } else {
      for (const other of versions) dropped.push(`${describePart(other)}: an older version`);
      kept = [...kept.filter((other) => !versions.includes(other)), part];
    }
  }
  return kept;
}

/** Positive if `one` is newer, 0 if the stamps do not decide. */
function compareStamps(one: EventPart, other: EventPart): number {
  const [a, b] = [one.version, other.version];
  const later = (x: number | null, y: number | null): number =>
    x === null || y === null ? 0 : x - y;
  return a.sequence - b.sequence || later(a.modified, b.modified) || later(a.stamped, b.stamped);
}

const isSameEvent = (one: EventPart, other: EventPart): boolean =>
  one.title === other.title && JSON.stringify(one.start) === JSON.stringify(other.start);

/** Equal for all notations of the same instance. */
function instanceKey(instance: Moment, start: Moment, zones: Zones): string {
  const at = wallOnStart(instance, start, start.zone ?? 'UTC', zones);
  return start.zone === null ? String(at) : String(zones.toInstant(at, start.zone));
}

const describePart = (part: EventPart): string =>
  `"${part.title}"${part.version.sequence > 0 ? ` (SEQUENCE ${part.version.sequence})` : ''}`;
