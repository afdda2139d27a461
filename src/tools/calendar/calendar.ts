/** The declaration of the tool `calendar`. */
import type { ToolDeclaration } from '../tool-declaration.ts';
import { calendarDemo } from './calendar-demo.ts';
import { calendarLabel, calendarOperations } from './calendar-operations.ts';

export const calendar: ToolDeclaration = {
  name: 'calendar',
  label: calendarLabel,
  aliases: ['schedule'],
  operations: calendarOperations,
  demo: calendarDemo,
  open: async (parts) => (await import('./calendar-wiring.ts')).openCalendar(parts),
  check: async (settings) => (await import('./calendar-check.ts')).checkCalendar(settings.calendar),
};
