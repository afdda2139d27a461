import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ICAL from 'ical.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRule, wallOfTime } from '#tools/calendar/recurrence-parser';
import { lastTimeOf, timesOf, type RecurrenceRule } from '#tools/calendar/recurrence';

/** Times of another implementation (python-dateutil 2.9.0) for random rules. */
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

describe('a recurrence rule', () => {
  test.each(cases)('has the times that python-dateutil finds: $rule from $start', (one) => {
    const { times } = timesOf(ruleOf(one.rule), at(one.start), at(one.from), at(one.to));
    // In Gatehouse the start of an event always counts as its first time.
    const others = iso(times).filter((time) => time !== one.start || one.times.includes(time));
    expect(others).toEqual(one.times.split(' '));
  });

  test('that is monthly on the 31st skips shorter months', () => {
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

  test('for the last day of each month has the leap day in February', () => {
    expect(days('FREQ=MONTHLY;BYMONTHDAY=-1', '2028-01-31', '2028-01-01', '2028-05-01')).toEqual([
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
      '2028-04-30',
    ]);
  });

  test('for 29 February has times in leap years only', () => {
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
  ])('that never applies has no times, and the search ends: %s', (rule) => {
    const start = at('2000-01-01T09:00:00');
    const found = timesOf(
      ruleOf(rule),
      start,
      at('2026-01-01T00:00:00'),
      at('2027-01-01T00:00:00'),
    );
    expect(found.times).toEqual([]);
  });

  test('with too many times is capped, and the result says so', () => {
    const start = at('2026-01-01T00:00:00');
    const found = timesOf(ruleOf('FREQ=SECONDLY'), start, start, at('2027-01-01T00:00:00'));
    expect(found.capped).toBe(true);
    expect(found.times.length).toBeLessThan(100_000);
  });

  test('has a last time if it ends', () => {
    const start = at('2026-01-31T09:00:00');
    expect(iso([lastTimeOf(ruleOf('FREQ=MONTHLY;COUNT=3'), start) ?? 0])).toEqual([
      '2026-05-31T09:00:00',
    ]);
    expect(lastTimeOf(ruleOf('FREQ=MONTHLY'), start)).toBeNull();
  });

  test('with an unknown frequency is rejected', () => {
    const recur = ICAL.Recur.fromString('FREQ=HOURLY');
    recur.freq = 'FORTNIGHTLY';
    expect(parseRule(recur, wallOfTime)).toBeNull();
  });

  test('counts BYSETPOS within an hour and within a minute too', () => {
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
  ])('is evaluated far from its start without stepping through all times: %s', (rule, count) => {
    const from = at('2026-01-01T09:00:00');
    const found = timesOf(ruleOf(rule), at('1998-01-01T00:00:00'), from, from + 60_000);
    expect(found.capped).toBe(false);
    expect(found.times).toHaveLength(count);
  });

  test('that ends before the window is not stepped through', () => {
    const start = at('2026-01-01T00:00:00');
    const rule = ruleOf('FREQ=SECONDLY;BYHOUR=22;UNTIL=20260101T003000');
    const { times, capped } = timesOf(rule, start, start, at('2027-01-01T00:00:00'));
    expect({ times, capped }).toEqual({ times: [start], capped: false });
  });

  test('gives the same times in a window as in a wider window', () => {
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
