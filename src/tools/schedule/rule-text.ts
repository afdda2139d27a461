/** A repetition in words: 매주 월·수 오전 7:00, every weekday at 8:00 AM. A rule of an unknown form stays as it is written. */
import type { Locale } from '#machines/texts';
import { hourMs, minuteMs } from '#shared/calendar/time-units';
import type { WallMs } from '#shared/calendar/zoned-time';
import type { ReminderTiming } from './reminder-book.ts';

type CronRule = Extract<ReminderTiming['rule'], { cron: string }>;

const days: Record<Locale, string[]> = {
  ko: ['일', '월', '화', '수', '목', '금', '토'],
  en: ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
};
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const nths: Record<Locale, Record<string, string>> = {
  ko: { 1: '첫째', 2: '둘째', 3: '셋째', 4: '넷째', 5: '다섯째', L: '마지막' },
  en: { 1: 'first', 2: 'second', 3: 'third', 4: 'fourth', 5: 'fifth', L: 'last' },
};

export function ruleText({ cron, every }: CronRule, locale: Locale): string {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(' ');
  const when = dayText({ day, month, weekday }, every, locale);
  const time = timeText(minute, hour, locale);
  if (when === null || time === null) return cron;
  if (locale === 'ko') return `${when} ${time}`;
  return minute.startsWith('*') || !/^[\d,]+$/.test(hour)
    ? `${time}, ${when}`
    : `${when} at ${time}`;
}

function timeText(minute: string, hour: string, locale: Locale): string | null {
  const isKorean = locale === 'ko';
  const range = /^(\d+)-(\d+)(?:\/(\d+))?$/.exec(hour);
  const step = /^\*\/(\d+)$/.exec(hour)?.[1] ?? range?.[3];
  const between =
    range === null
      ? ''
      : isKorean
        ? `${clock(Number(range[1]), 0, locale)}–${clock(Number(range[2]), 0, locale)} `
        : `from ${clock(Number(range[1]), 0, locale)} to ${clock(Number(range[2]), 0, locale)}, `;
  const minutes = minute === '*' ? '1' : /^\*\/(\d+)$/.exec(minute)?.[1];
  if (minutes !== undefined) {
    return isKorean ? `${between}${minutes}분마다` : `${between}every ${minutes} min`;
  }
  if (!/^\d+$/.test(minute)) return null;
  if (hour === '*' || range !== null || step !== undefined) {
    const n = step ?? '1';
    if (isKorean) return `${between}${n}시간마다 ${minute}분에`;
    return `${between}every ${n === '1' ? 'hour' : `${n} hours`} at minute ${minute}`;
  }
  if (!/^[\d,]+$/.test(hour)) return null;
  const clocks = hour.split(',').map((one) => clock(Number(one), Number(minute), locale));
  return clocks.join(isKorean ? '·' : ' and ');
}

/** `오전 9:00`, `9:00 AM`; with seconds if there are any. Midnight and noon are named. */
export function clockText(wall: WallMs, locale: Locale): string {
  const date = new Date(wall);
  const [hour, minute, second] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  const rest = `${two(minute)}${second === 0 ? '' : `:${two(second)}`}`;
  const clockOfTwelve = `${hour % 12 === 0 ? 12 : hour % 12}:${rest}`;
  if (locale === 'en') return `${clockOfTwelve} ${hour < 12 ? 'AM' : 'PM'}`;
  if (hour === 0) return `밤 ${clockOfTwelve}`;
  if (hour === 12) return `낮 ${clockOfTwelve}`;
  return `${hour < 12 ? '오전' : '오후'} ${clockOfTwelve}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

const clock = (hour: number, minute: number, locale: Locale): string =>
  clockText(hour * hourMs + minute * minuteMs, locale);

/** Null: of an unknown form. */
function dayText(
  { day, month, weekday }: { day: string; month: string; weekday: string },
  every: CronRule['every'],
  locale: Locale,
): string | null {
  const isKorean = locale === 'ko';
  const n = every?.n ?? 1;
  if (day === '*' && month === '*' && weekday === '*') {
    if (n === 1) return isKorean ? '매일' : 'every day';
    return isKorean ? `${n}일마다` : `every ${n} days`;
  }
  if (day === '*' && month === '*') return weekdayText(weekday, n, locale);
  if (weekday !== '*') return null;
  const named = dayList(day, locale);
  if (named === null) return null;
  if (month === '*') {
    if (isKorean) return `${n === 1 ? '매달' : `${n}개월마다`} ${named}`;
    return `${named} of every ${n === 1 ? 'month' : `${n}th month`}`;
  }
  if (!/^\d+$/.test(month)) return null;
  return isKorean
    ? `매년 ${month}월 ${named}`
    : `every year on ${months[Number(month) - 1]} ${day}`;
}

function dayList(day: string, locale: Locale): string | null {
  if (day === 'L') return locale === 'ko' ? '말일' : 'the last day';
  if (!/^[\d,]+$/.test(day)) return null;
  const all = day.split(',');
  return locale === 'ko' ? all.map((one) => `${one}일`).join('·') : `day ${all.join(' and ')}`;
}

function weekdayText(field: string, n: number, locale: Locale): string | null {
  const isKorean = locale === 'ko';
  const nth = /^(\d)#([1-5L])$/.exec(field);
  if (nth !== null) {
    const [, weekday = '0', count = '1'] = nth;
    const name = days[locale][Number(weekday) % 7] ?? '';
    const which = nths[locale][count] ?? '';
    if (isKorean) return `매달 ${which} ${name}요일`;
    return `the ${which} ${name} of every month`;
  }
  const range = /^(\d)-(\d)$/.exec(field);
  const numbers =
    range === null
      ? field.split(',').map(Number)
      : Array.from(
          { length: Number(range[2]) - Number(range[1]) + 1 },
          (_, at) => Number(range[1]) + at,
        );
  if (numbers.some((one) => !(one >= 0 && one <= 7))) return null;
  const ordered = numbers.map((one) => one % 7).toSorted((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
  const isWorkdays = ordered.join('') === '12345';
  if (isKorean) {
    const each = n === 1 ? '매주' : n === 2 ? '격주' : `${n}주마다`;
    if (isWorkdays) return n === 1 ? '평일' : `${each} 평일`;
    return `${each} ${ordered.map((one) => days.ko[one]).join('·')}요일`;
  }
  const each = n === 1 ? 'every' : n === 2 ? 'every other' : `every ${n} weeks on`;
  return `${each} ${isWorkdays ? 'weekday' : ordered.map((one) => days.en[one]).join(' and ')}`;
}
