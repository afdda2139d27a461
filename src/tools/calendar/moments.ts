/**
 * Where a moment of an event (EXDATE, RDATE, RECURRENCE-ID) lies on the wall of the event's start. RFC 5545
 * wants both written in the same way; programs write a day against a time, a time against a day, UTC against a
 * zone.
 */
import { startOfDay, type WallMs, type Zones } from '../zoned-time.ts';
import type { Moment } from './event.ts';

/**
 * The wall time of the moment as the start has its own.
 * - A day against a time is that day at the start's time.
 * - A time against a day is its day: of its own zone, and for UTC of the calendar's; where the file names none
 *   that is the asker's, but midnight in UTC is the day it names.
 * - A time without a zone is on the start's wall; any other is the same instant on it.
 * @param calendarZone zone of a start without one
 */
export function wallOnStart(
  moment: Moment,
  start: Moment,
  calendarZone: string,
  zones: Zones,
): WallMs {
  const { wall, zone } = moment;
  if (start.kind === 'date') {
    const isInstant = zone === 'UTC' && wall !== startOfDay(wall);
    return startOfDay(isInstant ? zones.wallOf(wall, calendarZone) : wall);
  }
  if (moment.kind === 'date') return wall + (start.wall - startOfDay(start.wall));
  const target = start.zone ?? calendarZone;
  if (zone === null || zone === target) return wall;
  return zones.wallOf(zones.instantOf(wall, zone), target);
}
