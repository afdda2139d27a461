/**
 * A change to a draft whose words leave something to the draft itself: 8시로 on a draft at 19:00 is 20:00, and
 * 밤 12시로 is the midnight after its day. The parts that are open are named in the change (`open`); 한 시간 미뤄줘
 * says only by how much (`shift`).
 */
import { z } from 'zod';
import {
  clockTime,
  dayMs,
  hourMs,
  isoDate,
  minuteMs,
  timeOfDay,
  wallOfDate,
} from '../zoned-time.ts';

type Fields = Record<string, unknown>;

/** An hour before it is meant only where the draft itself is as early. */
const earliestMs = 7 * hourMs;
/** A time before it belongs to the night of the day before. */
const nightEndMs = 6 * hourMs;
const halfDayMs = 12 * hourMs;

const timeIn = (fields: Fields, key: string): number | null => {
  const value = fields[key];
  return typeof value === 'string' ? timeOfDay(value) : null;
};

const after = (at: number, start: number): number => (at - start + dayMs) % dayMs || dayMs;

/** The half of the day that lies nearer to the time before; as it was read where both do. */
function nearerHalf(at: number, before: number): number {
  const other = (at + halfDayMs) % dayMs;
  const isEarly = (time: number): boolean => time < earliestMs && before >= earliestMs;
  if (isEarly(other)) return at;
  if (isEarly(at)) return other;
  return Math.abs(other - before) < Math.abs(at - before) ? other : at;
}

/** The half in which an end comes first after its start. */
function endAfter(at: number, start: number): number {
  const other = (at + halfDayMs) % dayMs;
  return after(other, start) < after(at, start) ? other : at;
}

const shiftField = z.object({ days: z.int().optional(), minutes: z.int().optional() });

/** Null where the draft has no such start: an entry of a whole day has no hour that could move. */
function shifted(draft: Fields, shift: z.infer<typeof shiftField>): Fields | null {
  const date = typeof draft['date'] === 'string' ? wallOfDate(draft['date']) : null;
  if (date === null) return null;
  const { days = 0, minutes } = shift;
  if (minutes === undefined) return { date: isoDate(date + days * dayMs) };
  const time = timeIn(draft, 'time');
  if (time === null) return null;
  const start = date + time + minutes * minuteMs;
  return { date: isoDate(start), time: clockTime(start) };
}

/** The change with what was open settled by the draft; one that leaves nothing open as it is. */
export function settledChanges(draft: Fields, changes: Fields): Fields {
  const { open, shift, ...settled } = changes;
  const by = shiftField.safeParse(shift);
  if (by.success) return { ...settled, ...shifted(draft, by.data) };
  if (!Array.isArray(open)) return settled;
  const before = timeIn(draft, 'time');
  const time = timeIn(settled, 'time');
  if (open.includes('time') && time !== null && before !== null) {
    settled['time'] = clockTime(nearerHalf(time, before));
  }
  const start = timeIn(settled, 'time') ?? before;
  const end = timeIn(settled, 'end_time');
  if (open.includes('end_time') && end !== null && start !== null) {
    settled['end_time'] = clockTime(endAfter(end, start));
  }
  const date = typeof draft['date'] === 'string' ? wallOfDate(draft['date']) : null;
  const isNight = before !== null && before < nightEndMs;
  if (open.includes('day') && date !== null && !isNight && settled['date'] === undefined) {
    settled['date'] = isoDate(date + dayMs);
  }
  return settled;
}
