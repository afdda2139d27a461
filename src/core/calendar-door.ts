/** Calendar files in and out, as the HTTP routes see it: only where the calendar is ours. */
import type { Config } from '../config/config.ts';
import type { CalendarDoor } from '../http/calendar-routes.ts';
import type { Clock } from '../lib/clock.ts';
import { inFairSlices } from '../lib/fair-turns.ts';
import { createCalendarStore } from '../store/calendar-store.ts';
import type { Database } from '../store/database.ts';
import { exportPieces, importIcs } from '../tools/calendar/ics-transfer.ts';
import { ownerOf } from '../tools/calendar/local-calendar.ts';
import { createZones } from '../tools/zoned-time.ts';

/** Null where a CalDAV server keeps the calendar: its entries are not ours to take in or give out. */
export function createCalendarDoor(parts: {
  config: Config;
  database: Database;
  clock: Clock;
}): CalendarDoor | null {
  const { config, database, clock } = parts;
  const { calendar } = config.tools;
  if (calendar.provider !== 'local') return null;
  const { shared } = calendar;
  const storage = createCalendarStore(database);
  const zones = createZones();
  return {
    importIcs: (userId, ics) =>
      importIcs(ics, { storage, zones, owner: ownerOf(userId, shared), now: clock.now() }),
    exportIcs: (userId) =>
      inFairSlices(userId, exportPieces(storage, ownerOf(userId, shared), zones)),
  };
}
