import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ICAL from 'ical.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRule, wallOfTime } from '#tools/calendar/recurrence-parser';
import { lastTimeOf, timesOf, type RecurrenceRule } from '#tools/calendar/recurrence';

/** Times of another implementation (python-dateutil 2.9.0), over rules made at random. */
const cases = readFileSync(join(import.meta.dirname, 'cases/recurrence.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Record<'rule' | 'start' | 'from' | 'to' | 'times', string>);

const at = (text: string): number => Date.parse(`${text}Z`);
const iso = (times: number[]): string[] =>
  times.map((time) => new Date(time).toISOString().slice(0, 19));

function ruleOf(text: string): RecurrenceRule {
  const rule = parseRule(ICAL.Recur.fromString(text), wallOfTime);
  if (rule === null) throw new Error(`unreadable: ${text}`);
  return rule;
}

const days = (rule: string, start: string, from: string, to: string): string[] =>
  iso(
    timesOf(ruleOf(rule), at(`${start}T09:00:00`), at(`${from}T00:00:00`), at(`${to}T00:00:00`))
      .times,
  ).map((time) => time.slice(0, 10));

describe('recurrence', () => {
  test.each(cases)('$rule from $start has the times that others find', (one) => {
    const { times } = timesOf(ruleOf(one.rule), at(one.start), at(one.from), at(one.to));
    // With us the first time of an event is always its own.
    const others = iso(times).filter((time) => time !== one.start || one.times.includes(time));
    expect(others).toEqual(one.times.split(' '));
  });

  test('monthly on the 31st skips the months that have none', () => {
    expect(days('FREQ=MONTHLY', '2026-01-31', '2026-01-01', '2027-01-01')).toEqual([
      '2026-01-31',
      '2026-03-31',
      '2026-05-31',
      '2026-07-31',
      '2026-08-31',
      '2026-10-31',
      '2026-12-31',
    ]);
  });

  test('the last day of each month is another day in February', () => {
    expect(days('FREQ=MONTHLY;BYMONTHDAY=-1', '2028-01-31', '2028-01-01', '2028-05-01')).toEqual([
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
      '2028-04-30',
    ]);
  });

  test('a birthday on 29 February comes in leap years only', () => {
    expect(days('FREQ=YEARLY', '2020-02-29', '2021-01-01', '2033-01-01')).toEqual([
      '2024-02-29',
      '2028-02-29',
      '2032-02-29',
    ]);
  });

  test.each([
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31;COUNT=5',
    'FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100;COUNT=3',
  ])('%s has no time and ends all the same', (rule) => {
    const start = at('2000-01-01T09:00:00');
    const found = timesOf(
      ruleOf(rule),
      start,
      at('2026-01-01T00:00:00'),
      at('2027-01-01T00:00:00'),
    );
    expect(found.times).toEqual([]);
  });

  test('a rule with more times than anybody could be shown is cut short and says so', () => {
    const start = at('2026-01-01T00:00:00');
    const found = timesOf(ruleOf('FREQ=SECONDLY'), start, start, at('2027-01-01T00:00:00'));
    expect(found.capped).toBe(true);
    expect(found.times.length).toBeLessThan(100_000);
  });

  test('the end of a series is known where it has one', () => {
    const start = at('2026-01-31T09:00:00');
    expect(iso([lastTimeOf(ruleOf('FREQ=MONTHLY;COUNT=3'), start) ?? 0])).toEqual([
      '2026-05-31T09:00:00',
    ]);
    expect(lastTimeOf(ruleOf('FREQ=MONTHLY'), start)).toBeNull();
  });

  test('a rule that makes no sense is not read', () => {
    const recur = ICAL.Recur.fromString('FREQ=HOURLY');
    recur.freq = 'FORTNIGHTLY';
    expect(parseRule(recur, wallOfTime)).toBeNull();
  });

  test('positions count within an hour and within a minute too', () => {
    const [start, to] = [at('2026-01-01T09:05:00'), at('2026-01-01T12:00:00')];
    const times = (rule: string): string[] =>
      iso(timesOf(ruleOf(rule), start, start + 1, to).times).map((time) => time.slice(11, 16));
    expect(times('FREQ=HOURLY;BYMINUTE=10,20,50;BYSETPOS=-1,2')).toEqual([
      '09:20',
      '09:50',
      '10:20',
      '10:50',
      '11:20',
      '11:50',
    ]);
    expect(times('FREQ=HOURLY;INTERVAL=2;BYMINUTE=10,20;BYSETPOS=-1')).toEqual(['09:20', '11:20']);
    expect(times('FREQ=MINUTELY;INTERVAL=60;BYSETPOS=1')).toEqual(['10:05', '11:05']);
    expect(times('FREQ=MINUTELY;INTERVAL=60;BYSETPOS=2')).toEqual([]);
  });

  test.each([
    ['FREQ=SECONDLY;COUNT=1000000000', 60],
    ['FREQ=HOURLY;COUNT=1000000', 1],
    ['FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=30', 1],
    ['FREQ=MINUTELY;INTERVAL=1;BYHOUR=9', 1],
  ])('%s is found long after its beginning without walking there', (rule, count) => {
    const from = at('2026-01-01T09:00:00');
    const found = timesOf(ruleOf(rule), at('1998-01-01T00:00:00'), from, from + 60_000);
    expect(found.capped).toBe(false);
    expect(found.times).toHaveLength(count);
  });

  test('a rule that ends before the window is not walked through', () => {
    const start = at('2026-01-01T00:00:00');
    const rule = ruleOf('FREQ=SECONDLY;BYHOUR=22;UNTIL=20260101T003000');
    const { times, capped } = timesOf(rule, start, start, at('2027-01-01T00:00:00'));
    expect({ times, capped }).toEqual({ times: [start], capped: false });
  });

  test('a window finds what a wider window finds there', () => {
    const rule = fc.constantFrom(
      'FREQ=DAILY;INTERVAL=3',
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU',
      'FREQ=MONTHLY;BYDAY=-1FR',
      'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
      'FREQ=YEARLY;BYMONTH=3,11;BYDAY=2SU',
      'FREQ=DAILY;INTERVAL=5;COUNT=40',
    );
    const start = at('2024-02-29T09:00:00');
    const whole = { from: at('2024-01-01T00:00:00'), to: at('2030-01-01T00:00:00') };
    fc.assert(
      fc.property(rule, fc.nat(2100), fc.integer({ min: 1, max: 60 }), (text, first, length) => {
        const from = whole.from + first * 86_400_000;
        const to = Math.min(from + length * 86_400_000, whole.to);
        const all = timesOf(ruleOf(text), start, whole.from, whole.to).times;
        expect(timesOf(ruleOf(text), start, from, to).times).toEqual(
          all.filter((time) => time >= from && time < to),
        );
      }),
    );
  });
});
