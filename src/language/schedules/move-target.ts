/** The new time of a reminder: an hour, a day, or a whole rule. */
import { civilNow, clockTime } from '#shared/calendar/civil-date';
import { narrow } from './clock-half.ts';
import type { MoveTarget } from './schedule-request.ts';
import { findParts, readWhen } from './when.ts';
import { cueOf, type WhenContext } from './when-types.ts';

/** Null: not understood. */
export function moveTarget(text: string, context: WhenContext): MoveTarget | null {
  const { today } = civilNow(context.now, context.timeZone);
  const { recurrences, durations, dates, times } = findParts(text, today);
  if (recurrences.length > 0 || durations.length > 0) {
    const when = readWhen(text, context);
    return when.ok ? { rule: when } : null;
  }
  if (times?.ok === false || dates?.ok === false) return null;
  if (dates !== null && dates.from !== dates.to) return null;
  const date = dates === null ? {} : { date: dates.from };
  if (times === null) return dates === null ? null : date;
  const [clock, second] = times.clocks;
  if (clock === undefined || second !== undefined) return null;
  const known = narrow(clock.minutes, clock.certainty, cueOf(text, context));
  const time = clockTime(known ?? clock.minutes);
  return { ...date, time, ...(known === null ? { isHalfOpen: true } : {}) };
}
