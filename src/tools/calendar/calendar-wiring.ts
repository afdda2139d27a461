/** Opens the tool `calendar` with its provider: the own database or a CalDAV server. */
import type { Tool } from '../tool.ts';
import type { ToolParts } from '../tool-declaration.ts';
import { readTlsTrust } from '../tls-settings.ts';
import { createCaldavCalendar } from './caldav-calendar.ts';
import type { CalendarSource } from './calendar-port.ts';
import { createCalendarTool } from './calendar-tool.ts';
import { createLocalCalendar } from './local-calendar.ts';

export const openCalendar = (parts: ToolParts): Tool =>
  createCalendarTool({ ...parts, source: calendarSource(parts) });

function calendarSource({
  settings: { calendar },
  calendar: storage,
  zones,
  log,
}: ToolParts): CalendarSource {
  if (calendar.provider === 'caldav') {
    return createCaldavCalendar({ ...calendar, ...readTlsTrust(calendar), zones, log });
  }
  return createLocalCalendar({ storage, zones, shared: calendar.shared });
}
