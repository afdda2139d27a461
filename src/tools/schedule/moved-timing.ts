/** A timing at another hour, or on another day. Pure. */
import { clockTime } from '#shared/calendar/civil-date';
import type { SetParams } from './schedule-operations.ts';

export interface Move {
  /** `HH:MM`. */
  time?: string | undefined;
  /** `YYYY-MM-DD`. */
  date?: string | undefined;
  /** The half of the day was not said: the one that is nearer to the present time. */
  isHalfOpen?: boolean | undefined;
}

type Timing = Pick<Partial<SetParams>, 'once' | 'repeated' | 'cron' | 'every' | 'start' | 'end'>;

const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** The half of the day that is nearer to `before`. */
function closest(time: string, before: string): string {
  const other = (minutesOf(time) + 720) % 1440;
  const distance = (minutes: number): number => Math.abs(minutes - minutesOf(before));
  if (distance(other) >= distance(minutesOf(time))) return time;
  return clockTime(other);
}

/** Unchanged where it cannot be moved like this. */
export function movedTiming(timing: Timing, { time, date, isHalfOpen }: Move): Timing {
  if (timing.once !== undefined) {
    const [day = '', clock = ''] = timing.once.split('T');
    const moved =
      time === undefined ? clock.slice(0, 5) : isHalfOpen === true ? closest(time, clock) : time;
    return { ...timing, once: `${date ?? day}T${moved}`, repeated: undefined };
  }
  const fields = (timing.cron ?? '').split(' ');
  const [minute = '', hour = ''] = fields;
  // Several times a day, or every few minutes: which of them is meant is not known.
  if (time === undefined || !/^\d+$/.test(minute) || !/^\d+$/.test(hour)) return timing;
  const before = clockTime(Number(hour) * 60 + Number(minute));
  const moved = isHalfOpen === true ? closest(time, before) : time;
  const cron = [Number(moved.slice(3, 5)), Number(moved.slice(0, 2)), ...fields.slice(2)].join(' ');
  const start =
    timing.start === undefined ? {} : { start: `${timing.start.slice(0, 10)}T${moved}` };
  return { ...timing, cron, ...start };
}
