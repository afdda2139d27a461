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

  async open(parts) {
    const { openCalendar } = await import('./calendar-wiring.ts');
    return openCalendar(parts);
  },

  async check({ calendar: settings }) {
    const { checkCalendar } = await import('./calendar-check.ts');
    return checkCalendar(settings);
  },
};
