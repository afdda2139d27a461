/** Formats days in Korean and English. */
import type { Locale } from '#machines/texts';
import { dayMs } from '#shared/calendar/time-units';
import { startOfDay, type WallMs } from '#shared/calendar/zoned-time';

const weekdays: Record<Locale, string[]> = {
  ko: ['일', '월', '화', '수', '목', '금', '토'],
  en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
};
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const relativeDays: Record<Locale, Record<number, string>> = {
  ko: { [-1]: '어제', 0: '오늘', 1: '내일', 2: '모레' },
  en: { [-1]: 'Yesterday', 0: 'Today', 1: 'Tomorrow' },
};

/** `11월 18일(수)`, `Wed 18 Nov`; with the year if it is not the current year. */
export function formatDay(at: WallMs, locale: Locale, now: WallMs): string {
  const date = new Date(at);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const weekday = weekdays[locale][date.getUTCDay()];
  const isThisYear = year === new Date(now).getUTCFullYear();
  return locale === 'ko'
    ? `${isThisYear ? '' : `${year}년 `}${month + 1}월 ${day}일(${weekday})`
    : `${weekday} ${day} ${months[month]}${isThisYear ? '' : ` ${year}`}`;
}

/** Formats a range: a single day, or from the first to the last day. */
export function formatDayRange(
  range: { from: WallMs; to: WallMs },
  locale: Locale,
  now: WallMs,
): string {
  const last = range.to - dayMs;
  const first = formatDay(range.from, locale, now);
  if (last > range.from) {
    const end = formatDay(last, locale, now);
    return locale === 'ko' ? `${first}부터 ${end}까지` : `${first} to ${end}`;
  }
  const name = relativeDays[locale][Math.round((range.from - startOfDay(now)) / dayMs)];
  if (name === undefined) return first;
  return locale === 'ko' ? `${name}(${first.replace('(', ' ')}` : `${name} (${first})`;
}
