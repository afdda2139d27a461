/**
 * When the alarms of calendar entries are due. Pure.
 *
 * 1. Days of a trigger are counted on the calendar, hours and minutes as elapsed time. For an all-day entry both are
 *    counted on the wall clock of the viewer, from midnight: an alarm 9 hours after it is at 9 on every day of the year.
 * 2. An absolute trigger is due once, not for each instance.
 * 3. Alarms of one instance at the same time are one alarm.
 */
import { dayMs } from '#shared/calendar/time-units';
import type { WallMs, Zones } from '#shared/calendar/zoned-time';
import type { CalendarEntry, EventAlarm, Occurrence } from './event.ts';
import { visitInstances, type Instance } from './occurrences.ts';

export interface CalendarAlarm {
  occurrence: Occurrence;
  /** Start of the instance as the series has it, wall time: with the UID it identifies the instance. */
  original: WallMs;
  /** Epoch ms. */
  at: number;
}

export interface AlarmWindow {
  /** Epoch ms, `from` exclusive, `to` inclusive. */
  from: number;
  to: number;
  /** IANA name. */
  viewerZone: string;
  /** For entries with a time of day that say nothing about alarms: minutes before the start; null: none. */
  remindMinutes: number | null;
}

/** An alarm further before the start, or later after it, is not found. */
export const alarmLeadMs = 35 * dayMs;
export const alarmLagMs = 8 * dayMs;

/** Alarms that are due within the window, earliest first. */
export function alarmsIn(
  entries: Iterable<CalendarEntry>,
  window: AlarmWindow,
  zones: Zones,
): CalendarAlarm[] {
  const { from, to, viewerZone, remindMinutes } = window;
  const range = {
    from: zones.toWallTime(from, viewerZone) - alarmLagMs,
    to: zones.toWallTime(to, viewerZone) + alarmLeadMs,
  };
  const found = new Map<string, CalendarAlarm>();
  visitInstances(entries, range, viewerZone, zones, (instance) => {
    const { occurrence, part, original } = instance;
    const usual = remindMinutes === null || occurrence.allDay ? [] : [before(remindMinutes)];
    for (const alarm of part.alarms ?? usual) {
      const isAbsolute = !('from' in alarm.trigger);
      for (const at of timesOf(alarm, instance, viewerZone, zones)) {
        if (at <= from || at > to || at <= (alarm.dismissedUntil ?? 0)) continue;
        const which = isAbsolute ? 'absolute' : String(original);
        const key = JSON.stringify([occurrence.uid, which, at]);
        const known = found.get(key);
        if (known === undefined || isBetter(occurrence, known.occurrence, at, viewerZone, zones)) {
          found.set(key, { occurrence, original: isAbsolute ? 0 : original, at });
        }
      }
    }
  });
  return [...found.values()].sort((a, b) => a.at - b.at);
}

const before = (minutes: number): EventAlarm => ({
  trigger: { from: 'start', days: 0, ms: -minutes * 60_000 },
  repeat: 0,
  repeatMs: 0,
  dismissedUntil: null,
});

/** An absolute alarm of a series names the first instance that is not over at its time. */
function isBetter(
  one: Occurrence,
  other: Occurrence,
  at: number,
  zone: string,
  zones: Zones,
): boolean {
  const now = zones.toWallTime(at, zone);
  const [isOver, wasOver] = [one.end < now, other.end < now];
  if (isOver !== wasOver) return wasOver;
  return isOver ? one.start > other.start : one.start < other.start;
}

function timesOf(
  { trigger, repeat, repeatMs }: EventAlarm,
  instance: Instance,
  viewerZone: string,
  zones: Zones,
): number[] {
  const first =
    'from' in trigger
      ? relativeTime(trigger, instance, viewerZone, zones)
      : zones.toInstant(trigger.wall, trigger.zone ?? viewerZone);
  return Array.from({ length: repeat + 1 }, (_, n) => first + n * repeatMs);
}

function relativeTime(
  { from, days, ms }: Extract<EventAlarm['trigger'], { from: string }>,
  { part, wall }: Instance,
  viewerZone: string,
  zones: Zones,
): number {
  const { start, lengthMs, nominalDays } = part;
  const shift = days * dayMs;
  if (start.kind === 'date') {
    return zones.toInstant(wall + (from === 'end' ? lengthMs : 0) + shift + ms, viewerZone);
  }
  const zone = start.zone ?? viewerZone;
  if (from === 'start') return zones.toInstant(wall + shift, zone) + ms;
  const nominalMs = nominalDays * dayMs;
  const end = zones.toInstant(wall + nominalMs, zone) + lengthMs - nominalMs;
  return (days === 0 ? end : zones.toInstant(zones.toWallTime(end, zone) + shift, zone)) + ms;
}
