/**
 * From what was read to the calls of the tools: the one place where the rules of both languages agree on
 * parameters. Dates go out as `YYYY-MM-DD`, both ends included.
 */
import type { ToolCall } from '../../machines/decision.ts';
import { type CivilDay, isoDate } from './civil-date.ts';
import type { DateRead, DateReading } from './date-reader.ts';

/** 다음 미팅이 언제야: looked for this far, a month's view; further ahead the answer is rarely meant. */
const nextEventDays = 30;
/** Days and ranges that lie further apart than this are asked for one by one. */
const oneCallDays = 31;
/** Mail without a date: a week, as a mailbox is looked at. */
const mailDays = 7;

const calendarSearch = (from: string, to: string): ToolCall => ({
  tool: 'calendar',
  operation: 'search',
  params: { date_from: from, date_to: to },
});

const calendarToday: ToolCall = { tool: 'calendar', operation: 'today', params: {} };

function spanOf(from: string, to: string, today: CivilDay): ToolCall {
  const day = isoDate(today);
  return from === day && to === day ? { ...calendarToday } : calendarSearch(from, to);
}

/** What was asked about the calendar: `next` and `previous` without a date look ahead or back. */
export function calendarCalls(
  reading: DateRead | null,
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
    return reading.ranges.map((range) => spanOf(range.from, range.to, today));
  }
  return [spanOf(reading.from, reading.to, today)];
}

export interface MailQuestion {
  dates: DateReading | null;
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
  // A sender or a word may lie further back than a week.
  else if (query === '' && from === '') params['days'] = mailDays;
  if (folder !== null) params['folder'] = folder;
  return { tool: 'email', operation: 'search', params };
}

function mailPeriod(dates: DateRead, today: CivilDay): Record<string, unknown> {
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
