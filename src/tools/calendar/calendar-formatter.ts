/** Formats calendar answers as complete sentences in Korean and English, which need no model. */
import type { Locale } from '#machines/texts';
import { formatDay, formatDayRange } from '../day-formatter.ts';
import { dayMs } from '#shared/calendar/time-units';
import { wallClockTime, startOfDay, type WallMs } from '#shared/calendar/zoned-time';
import type { Occurrence } from './event.ts';
import type { TimeSpan } from './time-span.ts';
import type { WallRange } from './occurrences.ts';

/** Lines in one answer: about as many as a chat shows without scrolling. */
const linesMax = 30;

/** `14:00–15:00` or `종일`; with the end day if the span ends on another day. */
export function formatTimeSpan(span: TimeSpan, locale: Locale, now: WallMs): string {
  const { start, end, allDay } = span;
  if (allDay) {
    const name = locale === 'ko' ? '종일' : 'all day';
    const last = end - dayMs;
    return last > start ? `${name}, ~${formatDay(last, locale, now)}` : name;
  }
  if (end === start) return wallClockTime(start);
  const isSameDay = startOfDay(end - 1) === startOfDay(start);
  const endTime = end === startOfDay(start) + dayMs ? '24:00' : wallClockTime(end);
  const endDay = isSameDay ? '' : `${formatDay(end, locale, now)} `;
  return `${wallClockTime(start)}–${endDay}${endTime}`;
}

const formatLine = (one: Occurrence, locale: Locale, now: WallMs): string => {
  const untitled = locale === 'ko' ? '(제목 없음)' : '(no title)';
  const place = one.location === '' ? '' : ` (${one.location})`;
  return `${formatTimeSpan(one, locale, now)} ${one.title || untitled}${place}`;
};

export interface Listing {
  range: WallRange;
  /** Search words besides the dates; null: all entries. */
  query: string | null;
  occurrences: readonly Occurrence[];
  unreadable: number;
  /** The requested range was too long; `range` is the part that was searched. */
  shortened: boolean;
}

/** The answer to a search: heading, entries and notes. */
export const formatListing = (listing: Listing, locale: Locale, now: WallMs): string =>
  [
    formatHeading(listing, locale, now),
    ...formatLines(listing, locale, now),
    ...formatNotes(listing, locale),
  ].join('\n');

function formatHeading(
  { range, query, occurrences }: Listing,
  locale: Locale,
  now: WallMs,
): string {
  const when = formatDayRange(range, locale, now);
  const count = occurrences.length;
  if (locale === 'ko') {
    const what = query === null ? '일정' : `‘${query}’ 일정`;
    return count === 0 ? `${when} ${what}이 없습니다.` : `${when} ${what} ${count}건입니다.`;
  }
  const what = query === null ? '' : ` matching "${query}"`;
  if (count === 0) return `${when}: nothing${what} on the calendar.`;
  return `${when}: ${count === 1 ? '1 event' : `${count} events`}${what}.`;
}

function formatLines(listing: Listing, locale: Locale, now: WallMs): string[] {
  const { range, occurrences } = listing;
  const isOneDay = range.to - range.from <= dayMs;
  const out: string[] = [];
  let day = Number.NaN;
  for (const one of occurrences.slice(0, linesMax)) {
    // An entry that began before the range is listed on the first day of the range.
    const onDay = startOfDay(Math.max(one.start, range.from));
    if (!isOneDay && onDay !== day) out.push(formatDay(onDay, locale, now));
    day = onDay;
    out.push(`- ${formatSince(one, onDay, locale, now)}${formatLine(one, locale, now)}`);
  }
  const rest = occurrences.length - linesMax;
  if (rest > 0) out.push(locale === 'ko' ? `외 ${rest}건` : `and ${rest} more`);
  return out;
}

function formatSince(one: Occurrence, day: WallMs, locale: Locale, now: WallMs): string {
  if (one.start >= day) return '';
  const began = formatDay(one.start, locale, now);
  return locale === 'ko' ? `[${began}부터] ` : `[since ${began}] `;
}

function formatNotes({ unreadable, shortened }: Listing, locale: Locale): string[] {
  const [cut, damaged] =
    locale === 'ko'
      ? ['기간이 길어 여기까지만 찾았습니다.', `읽지 못한 일정이 ${unreadable}건 있습니다.`]
      : [
          'The period was too long; this is as far as was looked.',
          `${unreadable} entries could not be read.`,
        ];
  return [...(shortened ? [cut] : []), ...(unreadable > 0 ? [damaged] : [])];
}

export interface DraftView {
  title: string;
  description: string;
  location: string;
  span: TimeSpan;
  overlaps: readonly Occurrence[];
  /** Whether the existing entries could be checked for overlaps. */
  isChecked: boolean;
}

/** The day and time of a span: `11월 25일(수) 14:00–15:00`. */
export const formatWhen = (span: TimeSpan, locale: Locale, now: WallMs): string =>
  `${formatDay(span.start, locale, now)} ${formatTimeSpan(span, locale, now)}`;

/** The proposed entry, with the question to the owner to confirm it. */
export function formatDraft(draft: DraftView, locale: Locale, now: WallMs): string {
  const isKo = locale === 'ko';
  const out = [isKo ? '다음 일정을 등록할까요?' : 'Add this to the calendar?'];
  out.push(`- ${isKo ? '제목' : 'Title'}: ${draft.title}`);
  out.push(`- ${isKo ? '일시' : 'When'}: ${formatWhen(draft.span, locale, now)}`);
  if (draft.location !== '') out.push(`- ${isKo ? '장소' : 'Place'}: ${draft.location}`);
  if (draft.description !== '') out.push(`- ${isKo ? '메모' : 'Notes'}: ${draft.description}`);
  if (draft.span.end <= now) {
    out.push(isKo ? '⚠ 이미 지난 시간입니다.' : '⚠ This time has already passed.');
  }
  if (!draft.isChecked) {
    out.push(
      isKo
        ? '⚠ 겹치는 일정이 있는지는 확인하지 못했습니다.'
        : '⚠ Overlaps with other entries could not be checked.',
    );
  }
  if (draft.overlaps.length > 0) {
    out.push(isKo ? '⚠ 겹치는 일정이 있습니다:' : '⚠ It overlaps with:');
    for (const one of draft.overlaps.slice(0, 5)) {
      const day =
        startOfDay(one.start) === startOfDay(draft.span.start)
          ? ''
          : `${formatDay(one.start, locale, now)} `;
      out.push(`  · ${day}${formatLine(one, locale, now)}`);
    }
    const rest = draft.overlaps.length - 5;
    if (rest > 0) out.push(isKo ? `  · 외 ${rest}건` : `  · and ${rest} more`);
  }
  return out.join('\n');
}

export const formatCreated = (title: string, span: TimeSpan, locale: Locale, now: WallMs): string =>
  locale === 'ko'
    ? `일정을 등록했습니다: ${formatWhen(span, locale, now)} ${title}`
    : `Added to the calendar: ${formatWhen(span, locale, now)} ${title}`;
