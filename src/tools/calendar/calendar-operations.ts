/** The operations of the calendar: parameters, texts for models, and how date words in the parameters are resolved. */
import { z } from 'zod';
import type { Resolver } from '#language/classification/operation-port';
import { resolvePeriod, asString, clarify } from '#language/rules/resolution-context';
import { clarifyingQuestions } from '#language/prompts/clarifying-questions';
import { resolveDraft } from '#language/rules/draft-params';
import { civilNow, isoDate } from '#shared/calendar/civil-date';
import {
  dateParam,
  firstDayParam,
  lastDayParam,
  lineParam,
  param,
  queryParam,
  timeParam,
} from '../param-schemas.ts';
import { parseTimeSpan } from './time-span.ts';

export const calendarLabel = { ko: '캘린더', en: 'calendar' };

/** Longest range of one search: a year, and the days up to a date such as "the end of next January". */
export const rangeDaysMax = 400;

/** Days ahead that a search with words but without dates covers; a question about the past goes as far back, too. */
export const keywordSearchDays = 180;

const searchParams = z.object({
  date_from: firstDayParam,
  date_to: lastDayParam,
  query: queryParam('words in title, place or notes').optional(),
});
export type CalendarSearchParams = z.output<typeof searchParams>;

/** Resolved once, before the draft is shown: the entry that is written is the entry that was shown (P10). */
export const draftFields = z.object({
  title: param(lineParam(200), 'title', '제목', 'title'),
  date: param(dateParam, 'day, YYYY-MM-DD', '날짜', 'date'),
  time: param(
    timeParam.optional(),
    'start, HH:MM; without it the entry takes all day',
    '시작 시각',
    'start time',
  ),
  end_time: param(
    timeParam.optional(),
    'end, HH:MM; one hour after the start if not named',
    '끝나는 시각',
    'end time',
  ),
  end_date: param(
    dateParam.optional(),
    'last day of an entry over several days, YYYY-MM-DD',
    '끝나는 날짜',
    'last day',
  ),
  location: param(lineParam(200).optional(), 'place', '장소', 'place'),
  description: param(lineParam(500).optional(), 'notes', '메모', 'notes'),
});
export type DraftParams = z.output<typeof draftFields>;

/** Parameters of a new entry; the times are consistent. */
const draftParams = draftFields.superRefine((params, issues) => {
  const span = parseTimeSpan(params);
  if (typeof span === 'string') {
    issues.addIssue({ code: 'custom', path: [span], message: 'does not fit the other times' });
  }
});

/** 언제였지: asks about a past event, or about a date that the user has forgotten. */
const asksAboutPast = /[였었했갔났렸](?:지|던|더라|나|니|어)|\b(?:was|were|did|had|last)\b/u;

const resolveSearch: Resolver = (params, context) => {
  const query = asString(params['query']);
  const period = resolvePeriod(params, context, 'future');
  if (query === '') return period ?? clarify(clarifyingQuestions(context.locale).searchDates);
  if (period !== null)
    return period.ok ? { ok: true, params: { ...period.params, query } } : period;
  if (!asksAboutPast.test(context.message)) return { ok: true, params: { query } };
  const { today } = civilNow(context.now, context.timeZone);
  const [from, to] = [isoDate(today - keywordSearchDays), isoDate(today + keywordSearchDays)];
  return { ok: true, params: { date_from: from, date_to: to, query } };
};

export const calendarOperations = {
  today: {
    effect: 'reads',
    description: "lists today's entries",
    schema: z.object({}),
    classifier: { summary: '오늘 일정' },
  },
  search: {
    effect: 'reads',
    description: `lists entries between two days (both included), at most ${rangeDaysMax} days; with words only: ${keywordSearchDays} days from today`,
    schema: searchParams,
    classifier: { summary: '기간의 일정이나 낱말이 든 일정', resolve: resolveSearch },
  },
  create_draft: {
    effect: 'drafts',
    description:
      'describes a new entry in words, with the entries that it overlaps, and asks the user to confirm it; writes nothing',
    schema: draftParams,
    writes: 'create_confirmed',
    classifier: {
      summary: '일정 초안. 사용자가 확인해야 등록된다',
      examples: [
        {
          message: '내일 3시에 치과 예약 잡아줘',
          params: { title: '치과', date: '내일', time: '15:00' },
        },
      ],
      resolve: resolveDraft,
    },
  },
  create_confirmed: {
    effect: 'writes',
    description: "writes the entry; only after its owner's confirmation",
    schema: draftParams,
  },
} as const;
