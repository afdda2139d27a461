/** A local calendar in a database of its own, behind a registry. */
import { silentLog } from '../../src/lib/log.ts';
import { createCalendarStore } from '../../src/store/calendar-store.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createCalendarTool } from '../../src/tools/calendar/calendar-tool.ts';
import { importIcs } from '../../src/tools/calendar/ics-transfer.ts';
import { createLocalCalendar } from '../../src/tools/calendar/local-calendar.ts';
import { createToolRegistry } from '../../src/tools/registry.ts';
import { createZones } from '../../src/tools/zoned-time.ts';
import { noFaultInjection, type FaultInjector } from '../../src/lib/fault-points.ts';

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
  return { database, storage, zones, source, registry, bringIn, close: () => database.close() };
}

export const calendarCall = (operation: string, params: Record<string, unknown> = {}) => ({
  tool: 'calendar',
  operation,
  params,
});
