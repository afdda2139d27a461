/**
 * The current time as models are told it. It stands in the last message, never in the system prompt: what
 * changes every minute at the front would cost the model server its prefix cache.
 */
import { civilNow, civilParts, clockTime, weekdayOf } from './civil-date.ts';

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026년 11월 18일 09:00 (Wednesday) KST`; other zones than Seoul are named in full. */
export function clockLine(now: number, timeZone: string): string {
  const { today, minuteOfDay } = civilNow(now, timeZone);
  const { year, month, day } = civilParts(today);
  const zone = timeZone === 'Asia/Seoul' ? 'KST' : timeZone;
  const date = `${year}년 ${two(month)}월 ${two(day)}일`;
  return `${date} ${clockTime(minuteOfDay)} (${weekdays[weekdayOf(today)]}) ${zone}`;
}
