/**
 * The rules and the date parser at the machine's own clock: relative days are checked by a second computation, and all
 * cases of the files that hold on any day are moved to the day of the clock.
 */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseDates } from '#language/dates/parse-dates';
import { describeRoute, route } from '#language/rules/route';
import { exampleHome } from '#test/support/home-words';
import {
  type Moment,
  dayAfter,
  dayIn,
  momentsAhead,
  monthAfter,
  movedDates,
  movedToThisWeek,
  movesAlong,
  weekAfter,
} from '#test/support/test-moments';
import { type DateCase, type RouteCase, inCaseWords, readCases, shownDates } from './case-file.ts';

const routeCases = [
  ...readCases<RouteCase>('routes.jsonl'),
  ...readCases<RouteCase>('messages.jsonl'),
  ...readCases<RouteCase>('spoken.jsonl'),
  ...readCases<RouteCase>('english.jsonl'),
];
const dateCases = [
  ...readCases<DateCase>('dates.jsonl'),
  ...readCases<DateCase>('dates-more.jsonl'),
];

const fixedDayOf = ({ now }: { now: string }): string => dayIn('Asia/Seoul', Date.parse(now));

/** Words for a day or a period, and the days that they name, computed from today. */
const named: readonly (readonly [
  words: readonly [korean: string, english: string],
  days: (today: string) => readonly [from: string, to: string],
])[] = [
  [['어제', 'yesterday'], (today) => [dayAfter(today, -1), dayAfter(today, -1)]],
  [['내일', 'tomorrow'], (today) => [dayAfter(today, 1), dayAfter(today, 1)]],
  [['모레', 'the day after tomorrow'], (today) => [dayAfter(today, 2), dayAfter(today, 2)]],
  [['이번 주', 'this week'], (today) => weekAfter(today, 0)],
  [['지난주', 'last week'], (today) => weekAfter(today, -1)],
  [['다음 주', 'next week'], (today) => weekAfter(today, 1)],
  [['이번 달', 'this month'], (today) => monthAfter(today, 0)],
  [['지난달', 'last month'], (today) => monthAfter(today, -1)],
  [['다음 달', 'next month'], (today) => monthAfter(today, 1)],
];

describe.each(momentsAhead())(
  'relative days at another moment: $name ($today in $timeZone)',
  ({ now, timeZone, today }: Moment) => {
    const decide = (message: string) =>
      describeRoute(route(message, { now, timeZone, pendingDraft: false }));

    test.each(named)('the words %j mean these calendar days', (words, days) => {
      const [from, to] = days(today);
      for (const text of words) {
        for (const prefer of ['future', 'past'] as const) {
          expect(parseDates(text, { now, timeZone, prefer }), text).toMatchObject({ from, to });
        }
      }
    });

    test.each(named)(
      'a question about the calendar or the mail of %j searches these days',
      (words, days) => {
        const [date_from, date_to] = days(today);
        const [korean, english] = words;
        for (const message of [`${korean} 일정 알려줘`, `what's on my calendar ${english}?`]) {
          expect(decide(message), message).toMatchObject({
            tool: 'calendar',
            params: { date_from, date_to },
          });
        }
        if (date_from > today) return;
        expect(decide(`${korean} 온 메일 확인해줘`)).toMatchObject({
          tool: 'email',
          params: { date_from, date_to },
        });
      },
    );

    test('오늘 is today for the calendar, and a window of one day for mail', () => {
      expect(decide('오늘 일정 뭐 있어?')).toMatchObject({ operation: 'today' });
      expect(decide('오늘 온 메일 확인해줘').params).toEqual({ days: 1 });
    });
  },
);

/** The clock, the end of this month, and this week at the weekday and the hour of the cases. */
const caseMoments = [
  ...momentsAhead().slice(0, 5),
  movedToThisWeek(Date.parse('2026-11-18T09:00:00+09:00')),
];

describe.each(caseMoments)(
  'the case files moved to another moment: $name ($today in $timeZone)',
  ({ now, timeZone, today }: Moment) => {
    const decide = (message: string, pendingDraft: boolean) =>
      describeRoute(route(message, { ...exampleHome, now, timeZone, pendingDraft }));

    test('every message that holds on any day, or on this weekday, gets the decision of its case', () => {
      const held = routeCases.filter((item) => movesAlong(item.message, fixedDayOf(item), today));
      expect(held.length).toBeGreaterThan(300);
      const wrong = held.flatMap((item) => {
        const { or: _or, ...fixed } = item.expect;
        const expected = movedDates(fixed, fixedDayOf(item), today);
        const found = inCaseWords(decide(item.message, item.pending_draft));
        return isDeepStrictEqual(found, expected)
          ? []
          : [{ message: item.message, found, expected }];
      });
      expect(wrong).toEqual([]);
    });

    test('every date text that holds on any day, or on this weekday, is parsed as in its case', () => {
      const held = dateCases.filter((item) => movesAlong(item.text, fixedDayOf(item), today));
      expect(held.length).toBeGreaterThan(20);
      const wrong = held.flatMap((item) => {
        const { text, prefer } = item;
        const expected = movedDates(item.expect, fixedDayOf(item), today);
        const found = shownDates(parseDates(text, { now, timeZone, prefer }));
        return found === expected ? [] : [{ text, prefer, found, expected }];
      });
      expect(wrong).toEqual([]);
    });
  },
);
