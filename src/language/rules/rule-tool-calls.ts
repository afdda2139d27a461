/**
 * Builds tool calls from the parsed parts of a message, with the same parameters for both languages. Dates are
 * `YYYY-MM-DD`, both ends inclusive.
 */
import type { ToolCall } from '#machines/decision';
import { type CivilDay, isoDate } from '#shared/calendar/civil-date';
import type { ParsedDates, DateParseResult } from '../dates/parse-dates.ts';

/** 다음 미팅이 언제야: days to search, the length of a month view; later entries are rarely meant. */
const nextEventDays = 30;
/** Dates further apart than this many days get a separate call each. */
const oneCallDays = 31;
/** Days of mail if no date is named. */
const mailDays = 7;

const calendarSearch = (from: string, to: string): ToolCall => ({
  tool: 'calendar',
  operation: 'search',
  params: { date_from: from, date_to: to },
});

const calendarToday: ToolCall = { tool: 'calendar', operation: 'today', params: {} };

function periodCall(from: string, to: string, today: CivilDay): ToolCall {
  const day = isoDate(today);
  return from === day && to === day ? { ...calendarToday } : calendarSearch(from, to);
}

/** The calls for a calendar question; `open` is the period if no date is named. */
export function calendarCalls(
  reading: ParsedDates | null,
  today: CivilDay,
  open: 'today' | 'next' | 'previous',
): ToolCall[] {
  if (reading === null) {
    if (open === 'next') return [calendarSearch(isoDate(today), isoDate(today + nextEventDays))];
    if (open === 'previous') {
      return [calendarSearch(isoDate(today - nextEventDays), isoDate(today))];
    }
    return [{ ...calendarToday }];
  }
  const days = (Date.parse(reading.to) - Date.parse(reading.from)) / 86_400_000;
  if (reading.ranges.length > 1 && days > oneCallDays) {
    return reading.ranges.map((range) => periodCall(range.from, range.to, today));
  }
  return [periodCall(reading.from, reading.to, today)];
}

export interface MailQuestion {
  dates: DateParseResult | null;
  today: CivilDay;
  query: string;
  from: string;
  folder: string | null;
}

export function mailCall(question: MailQuestion): ToolCall {
  const { dates, query, from, folder } = question;
  const params: Record<string, unknown> = {};
  if (query !== '') params['query'] = query;
  if (from !== '') params['from'] = from;
  if (dates?.ok) Object.assign(params, mailPeriod(dates, question.today));
  // A sender or search word may match mail older than a week.
  else if (query === '' && from === '') params['days'] = mailDays;
  if (folder !== null) params['folder'] = folder;
  return { tool: 'email', operation: 'search', params };
}

function mailPeriod(dates: ParsedDates, today: CivilDay): Record<string, unknown> {
  if (dates.rolling !== undefined) return { days: dates.rolling.days };
  const day = isoDate(today);
  if (dates.from === day && dates.to === day) return { days: 1 };
  return { date_from: dates.from, date_to: dates.to };
}

export const documentCall = (query: string): ToolCall => ({
  tool: 'document',
  operation: 'search',
  params: { query },
});
