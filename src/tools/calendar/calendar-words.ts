/** Calendar answers in words: complete sentences in Korean and English, good without a model. */
import type { Locale } from '../../../machines/texts.ts';
import { dayWords, rangeWords } from '../day-words.ts';
import { clockTime, dayMs, startOfDay, type WallMs } from '../zoned-time.ts';
import type { Occurrence } from './event.ts';
import type { Span } from './event-span.ts';
import type { WallRange } from './occurrences.ts';

/** Lines in one answer. A chat shows about so many before one has to scroll. */
const linesMax = 30;

/** `14:00–15:00`, `종일`, or with the day on which it ends where that is another one. */
export function timeWords(span: Span, locale: Locale, now: WallMs): string {
  const { start, end, allDay } = span;
  if (allDay) {
    const name = locale === 'ko' ? '종일' : 'all day';
    const last = end - dayMs;
    return last > start ? `${name}, ~${dayWords(last, locale, now)}` : name;
  }
  if (end === start) return clockTime(start);
  const isSameDay = startOfDay(end - 1) === startOfDay(start);
  const endTime = end === startOfDay(start) + dayMs ? '24:00' : clockTime(end);
  const endDay = isSameDay ? '' : `${dayWords(end, locale, now)} `;
  return `${clockTime(start)}–${endDay}${endTime}`;
}

const line = (one: Occurrence, locale: Locale, now: WallMs): string => {
  const untitled = locale === 'ko' ? '(제목 없음)' : '(no title)';
  const place = one.location === '' ? '' : ` (${one.location})`;
  return `${timeWords(one, locale, now)} ${one.title || untitled}${place}`;
};

export interface Listing {
  range: WallRange;
  /** What was asked for besides the dates; null: everything. */
  query: string | null;
  occurrences: readonly Occurrence[];
  /** How many entries could not be read. */
  unreadable: number;
  /** The dates asked for were more than are looked at; `range` is what was. */
  shortened: boolean;
}

/** The answer to "what is on". */
export function listingWords(listing: Listing, locale: Locale, now: WallMs): string {
  const { range, query, occurrences } = listing;
  const when = rangeWords(range, locale, now);
  const count = occurrences.length;
  const notes = notesOf(listing, locale);
  if (locale === 'ko') {
    const what = query === null ? '일정' : `‘${query}’ 일정`;
    if (count === 0) return [`${when} ${what}이 없습니다.`, ...notes].join('\n');
    return [`${when} ${what} ${count}건입니다.`, ...lines(listing, locale, now), ...notes].join(
      '\n',
    );
  }
  const what = query === null ? '' : ` matching "${query}"`;
  if (count === 0) return [`${when}: nothing${what} on the calendar.`, ...notes].join('\n');
  const events = count === 1 ? '1 event' : `${count} events`;
  return [`${when}: ${events}${what}.`, ...lines(listing, locale, now), ...notes].join('\n');
}

function lines(listing: Listing, locale: Locale, now: WallMs): string[] {
  const { range, occurrences } = listing;
  const isOneDay = range.to - range.from <= dayMs;
  const out: string[] = [];
  let day = Number.NaN;
  for (const one of occurrences.slice(0, linesMax)) {
    // What began before the range is told on its first day.
    const onDay = startOfDay(Math.max(one.start, range.from));
    if (!isOneDay && onDay !== day) out.push(dayWords(onDay, locale, now));
    day = onDay;
    out.push(`- ${since(one, onDay, locale, now)}${line(one, locale, now)}`);
  }
  const rest = occurrences.length - linesMax;
  if (rest > 0) out.push(locale === 'ko' ? `외 ${rest}건` : `and ${rest} more`);
  return out;
}

function since(one: Occurrence, day: WallMs, locale: Locale, now: WallMs): string {
  if (one.start >= day) return '';
  const began = dayWords(one.start, locale, now);
  return locale === 'ko' ? `[${began}부터] ` : `[since ${began}] `;
}

function notesOf(listing: Listing, locale: Locale): string[] {
  const notes: string[] = [];
  const { unreadable, shortened } = listing;
  if (shortened) {
    notes.push(
      locale === 'ko'
        ? '기간이 길어 여기까지만 찾았습니다.'
        : 'The period was too long; this is as far as was looked.',
    );
  }
  if (unreadable > 0) {
    notes.push(
      locale === 'ko'
        ? `읽지 못한 일정이 ${unreadable}건 있습니다.`
        : `${unreadable} entries could not be read.`,
    );
  }
  return notes;
}

export interface DraftInWords {
  title: string;
  description: string;
  location: string;
  span: Span;
  overlaps: readonly Occurrence[];
  /** Whether the existing entries could be looked at. */
  isChecked: boolean;
}

/** The day and time of a span: `11월 25일(수) 14:00–15:00`. */
export const whenWords = (span: Span, locale: Locale, now: WallMs): string =>
  `${dayWords(span.start, locale, now)} ${timeWords(span, locale, now)}`;

/** What would be written, for its owner to say yes or no to. */
export function draftWords(draft: DraftInWords, locale: Locale, now: WallMs): string {
  const isKo = locale === 'ko';
  const out = [isKo ? '다음 일정을 등록할까요?' : 'Add this to the calendar?'];
  out.push(`- ${isKo ? '제목' : 'Title'}: ${draft.title}`);
  out.push(`- ${isKo ? '일시' : 'When'}: ${whenWords(draft.span, locale, now)}`);
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
          : `${dayWords(one.start, locale, now)} `;
      out.push(`  · ${day}${line(one, locale, now)}`);
    }
    const rest = draft.overlaps.length - 5;
    if (rest > 0) out.push(isKo ? `  · 외 ${rest}건` : `  · and ${rest} more`);
  }
  return out.join('\n');
}

/** What was written. */
export const writtenWords = (title: string, span: Span, locale: Locale, now: WallMs): string =>
  locale === 'ko'
    ? `일정을 등록했습니다: ${whenWords(span, locale, now)} ${title}`
    : `Added to the calendar: ${whenWords(span, locale, now)} ${title}`;
