/**
 * Converts a moment of an event (EXDATE, RDATE, RECURRENCE-ID) to the wall time of the event's start. RFC 5545
 * requires both in the same form; programs mix days with times, and UTC with zones.
 */
import { startOfDay, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import type { Moment } from './event.ts';

/**
 * The wall time of the moment in the form and zone of the start.
 * - The moment is a day, the start a time: that day at the start's time of day.
 * - The moment is a time, the start a day: the day of the time in its own zone. A UTC time is first converted to
 *   `calendarZone`, except midnight in UTC, which means the day that is written.
 * - Both are times: a moment without a zone is in the zone of the start already; any other is converted to that zone.
 * @param calendarZone zone of a start without a zone; if the file names none, the viewer's zone
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
    return startOfDay(isInstant ? zones.toWallTime(wall, calendarZone) : wall);
  }
  if (moment.kind === 'date') return wall + (start.wall - startOfDay(start.wall));
  const target = start.zone ?? calendarZone;
  if (zone === null || zone === target) return wall;
  return zones.toWallTime(zones.toInstant(wall, zone), target);
}
