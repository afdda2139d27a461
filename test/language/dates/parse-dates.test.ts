/**
 * The date parser against texts with an expected result, against a second computation, and in processes of other time
 * zones.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addMonths,
  validDay,
  civilDay,
  civilNow,
  civilParts,
  isoDate,
  weekdayOf,
} from '#shared/calendar/civil-date';
import { parseDates } from '#language/dates/parse-dates';
import { type DateCase, readCases, shownDates } from '../case-file.ts';

const now = Date.parse('2026-11-18T09:00:00+09:00');
const timeZone = 'Asia/Seoul';

const cases = [...readCases<DateCase>('dates.jsonl'), ...readCases<DateCase>('dates-more.jsonl')];

describe('date texts with an expected result', () => {
  test.each(cases.map((item) => [item.text, item.prefer, item.expect, item] as const))(
    'the text "%s" with a preference for the %s is parsed as %s',
    (text, prefer, expected, item) => {
      const reading = parseDates(text, { now: Date.parse(item.now), timeZone, prefer });
      expect(shownDates(reading)).toBe(expected);
    },
  );
});

describe('the result of the date parser', () => {
  const read = (text: string) => parseDates(text, { now, timeZone });

  test('names a day that does not exist, with its words', () => {
    expect(read('2월 30일 회의')).toMatchObject({
      ok: false,
      reason: 'no_such_day',
      text: '2월 30일',
    });
    expect(read('11월 20일 목요일')).toMatchObject({ ok: false, reason: 'weekday_mismatch' });
    expect(read('음력 8월 15일')).toMatchObject({ ok: false, reason: 'lunar' });
  });

  test('has the length of a window that ends or begins today', () => {
    expect(read('최근 3일 메일')).toMatchObject({ rolling: { days: 3 } });
    expect(read('다음 주 일정')).not.toHaveProperty('rolling');
  });

  test('keeps listed days as separate ranges', () => {
    expect(read('월요일이랑 수요일 일정')).toMatchObject({
      ranges: [
        { from: '2026-11-23', to: '2026-11-23' },
        { from: '2026-11-18', to: '2026-11-18' },
      ],
    });
  });

  test('depends on the time zone for the year, also at New Year and on a leap day', () => {
    const newYear = Date.parse('2026-12-31T15:30:00Z');
    expect(parseDates('오늘', { now: newYear, timeZone })).toMatchObject({ from: '2027-01-01' });
    expect(parseDates('오늘', { now: newYear, timeZone: 'America/New_York' })).toMatchObject({
      from: '2026-12-31',
    });
    const leapDay = Date.parse('2028-02-29T12:00:00+09:00');
    expect(parseDates('1년 뒤', { now: leapDay, timeZone })).toMatchObject({ from: '2029-02-28' });
    expect(parseDates('2월 29일', { now: leapDay, timeZone })).toMatchObject({
      from: '2028-02-29',
    });
  });
});

describe('for any text and any day', () => {
  const anyDay = fc.integer({ min: civilDay(1950, 1, 1), max: civilDay(2150, 12, 31) });
  const noon = (day: number): number => day * 86_400_000 + 3 * 3_600_000;

  test('parsing never throws, and gives ordered ISO dates', () => {
    const words = [
      '내일',
      '부터',
      '까지',
      '~',
      '3일',
      '12월',
      '99월',
      '금요일',
      '다음 주',
      '초',
      '전',
      '11/20',
      '\ud800',
      ' ',
      '2026-',
      'last',
      'friday',
      'to',
    ];
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...words), { maxLength: 20 }).map((parts) => parts.join('')),
      fc.array(fc.constantFrom(...words), { maxLength: 20 }).map((parts) => parts.join(' ')),
    );
    fc.assert(
      fc.property(text, anyDay, fc.constantFrom('future', 'past'), (message, day, prefer) => {
        const reading = parseDates(message, { now: noon(day), timeZone, prefer });
        if (!reading?.ok) return;
        expect(reading.from).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(reading.from <= reading.to).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('a full date is parsed as that day, or reported if the calendar has no such day', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1900, max: 2199 }),
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: 0, max: 33 }),
        (year, month, day) => {
          const known = validDay(year, month, day);
          const reading = parseDates(`${year}년 ${month}월 ${day}일 일정`, { now, timeZone });
          expect(shownDates(reading)).toBe(known === null ? 'bad' : isoDate(known));
        },
      ),
    );
  });

  test('a date without a year lies within one year on the preferred side', () => {
    fc.assert(
      fc.property(
        anyDay,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 28 }),
        (today, month, day) => {
          const text = `${month}월 ${day}일`;
          const ahead = parseDates(text, { now: noon(today), timeZone, prefer: 'future' });
          const back = parseDates(text, { now: noon(today), timeZone, prefer: 'past' });
          if (!ahead?.ok || !back?.ok) throw new Error('unread');
          expect(ahead.from >= isoDate(today) && ahead.from <= isoDate(today + 366)).toBe(true);
          expect(back.from <= isoDate(today) && back.from >= isoDate(today - 366)).toBe(true);
        },
      ),
    );
  });

  test('civil days agree with the UTC calendar of JavaScript dates', () => {
    fc.assert(
      fc.property(anyDay, (day) => {
        const { year, month, day: dayOfMonth } = civilParts(day);
        const date = new Date(Date.UTC(year, month - 1, dayOfMonth));
        expect(civilDay(year, month, dayOfMonth)).toBe(day);
        expect(isoDate(day)).toBe(date.toISOString().slice(0, 10));
        expect(weekdayOf(day)).toBe((date.getUTCDay() + 6) % 7);
        expect(civilParts(addMonths(day, 1)).month).toBe((month % 12) + 1);
      }),
    );
  });

  test('the current day and minute are those of the named zone, daylight saving included', () => {
    const summer = Date.parse('2026-07-01T01:30:00Z');
    expect(civilNow(summer, 'Europe/Berlin')).toEqual({
      today: civilDay(2026, 7, 1),
      minuteOfDay: 210,
    });
    expect(civilNow(summer, 'America/Los_Angeles')).toEqual({
      today: civilDay(2026, 6, 30),
      minuteOfDay: 1110,
    });
  });
});

describe('the date parser in a process of another time zone', () => {
  const module = join(import.meta.dirname, '../../../src/language/dates/parse-dates.ts');
  const texts = cases.map((item) => [item.text, item.prefer]);
  const script = `
    const { parseDates } = await import(${JSON.stringify(module)});
    const found = ${JSON.stringify(texts)}.map(([text, prefer]) =>
      parseDates(text, { now: Date.parse('2026-11-18T00:30:00+09:00'), timeZone: 'Asia/Seoul', prefer }));
    process.stdout.write(JSON.stringify(found));`;
  const run = (zone: string): string =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
      timeout: 60_000,
    }).stdout;

  test('gives the same results as in a process of Seoul', () => {
    const here = run('Asia/Seoul');
    expect(here).toContain('"2026-11-19"');
    for (const zone of ['UTC', 'America/Los_Angeles', 'Pacific/Kiritimati'])
      expect(run(zone)).toBe(here);
  });
});
