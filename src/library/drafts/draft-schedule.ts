/**
 * The hours in which drafting may start, in local time of the configured time zone. `22:00-06:00` spans midnight; a
 * window that starts when it ends is the whole day. A draft that has started is finished. Pure.
 */
import { minuteMs } from '#shared/calendar/time-units';
export interface DraftSchedule {
  isOpen(at: number): boolean;
  /** Milliseconds until it opens; 0 while it is open. Precise to the minute, or to an hour when the clocks change. */
  opensInMs(at: number): number;
}

const dayMinutes = 24 * 60;

/** `window` null: always open. @throws RangeError for invalid hours */
export function createDraftSchedule(window: string | null, timeZone: string): DraftSchedule {
  if (window === null) return { isOpen: () => true, opensInMs: () => 0 };
  const [from = 0, to = 0] = window.split('-').map(minutesOf);
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const wallMinutes = (at: number): number => minutesOf(format.format(at));
  const span = (to - from + dayMinutes) % dayMinutes || dayMinutes;
  const sinceFrom = (at: number): number => (wallMinutes(at) - from + dayMinutes) % dayMinutes;
  const isOpen = (at: number): boolean => sinceFrom(at) < span;
  return {
    isOpen,
    opensInMs: (at) => (isOpen(at) ? 0 : (dayMinutes - sinceFrom(at)) * minuteMs - (at % minuteMs)),
  };
}

function minutesOf(time: string): number {
  const [hours = Number.NaN, minutes = Number.NaN] = time.split(':').map(Number);
  // People write the end of a day as 24:00.
  if (!(hours >= 0 && hours <= 24 && minutes >= 0 && minutes < 60)) {
    throw new RangeError(`${time} is not a time of day`);
  }
  return (hours * 60 + minutes) % dayMinutes;
}
