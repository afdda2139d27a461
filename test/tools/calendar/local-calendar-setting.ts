/** A local calendar in a database of its own, behind a registry. */
import { silentLog } from '#shared/log';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import { openDatabase } from '#storage/database';
import { createCalendarTool } from '#tools/calendar/calendar-tool';
import { importIcs } from '#tools/calendar/ics-transfer';
import { createLocalCalendar } from '#tools/calendar/local-calendar';
import { createToolRegistry } from '#tools/registry';
import { createZones } from '#shared/calendar/zoned-time';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';

export async function localCalendar(
  options: { path?: string; shared?: boolean; faults?: FaultInjector } = {},
) {
  const { path = ':memory:', shared = false, faults = noFaultInjection } = options;
  const database = await openDatabase({ path });
  const storage = createCalendarStore(database);
  const zones = createZones();
  const source = createLocalCalendar({ storage, zones, shared });
  const log = silentLog();
  const tool = createCalendarTool({ source, zones, log });
  const registry = createToolRegistry({ tools: [tool], log, faults });
  const bringIn = (ics: string, owner = 'minji') =>
    importIcs(ics, { storage, zones, owner, now: Date.parse('2026-11-18T00:00:00Z') });
  /** The texts of the owner's entries, oldest first. */
  const texts = async (owner: string): Promise<string[]> =>
    (await storage.textPage(owner, 0, 1_000)).map(({ ics }) => ics);
  return {
    database,
    storage,
    zones,
    source,
    registry,
    bringIn,
    texts,
    close: () => database.close(),
  };
}

export const calendarCall = (operation: string, params: Record<string, unknown> = {}) => ({
  tool: 'calendar',
  operation,
  params,
});
