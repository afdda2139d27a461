/** Import and export of calendar files for the HTTP routes: only for the local calendar. */
import type { Config } from '../config/config.ts';
import type { CalendarFileService } from '#http/routes/calendar-routes';
import type { Clock } from '#shared/clock';
import type { FairSlices } from '#shared/fair-slices';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import type { Database } from '#storage/database';
import { exportPieces, importIcs } from '#tools/calendar/ics-transfer';
import { ownerOf } from '#tools/calendar/local-calendar';
import { createZones } from '#shared/calendar/zoned-time';

/** Null if a CalDAV server holds the calendar: Gatehouse neither imports nor exports its entries. */
export function createCalendarApi(parts: {
  config: Config;
  database: Database;
  clock: Clock;
  slices: FairSlices;
}): CalendarFileService | null {
  const { config, database, clock, slices } = parts;
  const { calendar } = config.tools;
  if (calendar.provider !== 'local') return null;
  const { shared } = calendar;
  const storage = createCalendarStore(database);
  const zones = createZones();
  return {
    importIcs: (userId, ics) =>
      importIcs(ics, { storage, zones, owner: ownerOf(userId, shared), now: clock.now() }),
    exportIcs: (userId) =>
      slices.iterate(userId, exportPieces(storage, ownerOf(userId, shared), zones)),
  };
}
