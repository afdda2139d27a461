/** Opens the tool `calendar` with its provider: the own database or a CalDAV server. */
import type { Tool } from '../tool.ts';
import type { ToolParts } from '../tool-declaration.ts';
import { readTlsTrust } from '../tls-settings.ts';
import { createCaldavCalendar } from './caldav-calendar.ts';
import type { CalendarSource } from './calendar-port.ts';
import { createCalendarTool } from './calendar-tool.ts';
import { createLocalCalendar } from './local-calendar.ts';
import { createCalendarStore } from './store/calendar-store.ts';

export const openCalendar = (parts: ToolParts): Tool =>
  createCalendarTool({ ...parts, source: calendarSource(parts) });

function calendarSource({ settings, database, zones, log }: ToolParts): CalendarSource {
  const { calendar } = settings;
  if (calendar.provider === 'caldav') {
    return createCaldavCalendar({ ...calendar, ...readTlsTrust(calendar), zones, log });
  }
  const storage = createCalendarStore(database);
  return createLocalCalendar({ storage, zones, shared: calendar.shared });
}
