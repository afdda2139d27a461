/**
 * The current time for prompts. It belongs in the last message, never into the system prompt: text at the front that
 * changes every minute would invalidate the model server's prefix cache.
 */
import { civilNow, civilParts, clockTime, weekdayOf } from '#shared/calendar/civil-date';

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026년 11월 18일 09:00 (Wednesday) KST`; zones other than Asia/Seoul are given by their IANA name. */
export function formatCurrentTime(now: number, timeZone: string): string {
  const { today, minuteOfDay } = civilNow(now, timeZone);
  const { year, month, day } = civilParts(today);
  const zone = timeZone === 'Asia/Seoul' ? 'KST' : timeZone;
  const date = `${year}년 ${two(month)}월 ${two(day)}일`;
  return `${date} ${clockTime(minuteOfDay)} (${weekdays[weekdayOf(today)]}) ${zone}`;
}
