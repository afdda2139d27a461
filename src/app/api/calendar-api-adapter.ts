/** Import and export of calendar files for the HTTP routes: only for the local calendar. */
import type { CalendarFileService } from '#http/routes/calendar-routes';
import { exportPieces, importIcs } from '#tools/calendar/ics-transfer';
import { ownerOf } from '#tools/calendar/local-calendar';
import { createZones } from '#shared/calendar/zoned-time';
import type { CoreParts } from '../core-parts.ts';

/** Null if a CalDAV server holds the calendar: Gatehouse neither imports nor exports its entries. */
export function createCalendarApi(
  parts: Pick<CoreParts, 'config' | 'stores' | 'clock' | 'slices'>,
): CalendarFileService | null {
  const { config, stores, clock, slices } = parts;
  const { calendar } = config.tools;
  if (calendar.provider !== 'local') return null;
  const { shared } = calendar;
  const storage = stores.calendar;
  const zones = createZones();
  return {
    importIcs: (userId, ics) =>
      importIcs(ics, { storage, zones, owner: ownerOf(userId, shared), now: clock.now() }),
    exportIcs: (userId) =>
      slices.iterate(userId, exportPieces(storage, ownerOf(userId, shared), zones)),
  };
}
