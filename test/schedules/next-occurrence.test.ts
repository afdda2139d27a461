/** The next occurrence of a schedule: zones, clock changes, month ends, limits. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createZones } from '#shared/calendar/zoned-time';
import {
  cursorAfter,
  nextAfterInstant,
  nextOccurrence,
  ruleFault,
  wallOf,
  wallText,
} from '#schedules/next-occurrence';
import type { ScheduleRule, Timing } from '#schedules/schedule';
import { cronOf, dueMinutes, type Pattern } from './minute-model.ts';

const zones = createZones();
const timing = (rule: ScheduleRule, zone: string, more: Partial<Timing> = {}): Timing => ({
  rule,
  zone,
  start: null,
  end: null,
  count: null,
  ...more,
});

/** The first `most` due instants after `from`, as ISO 8601 in UTC without seconds. */
function due(one: Timing, from: string, most: number): string[] {
  const found: string[] = [];
  let next = nextAfterInstant(one, Date.parse(from), 0, zones);
  while (next !== null && found.length < most) {
    found.push(new Date(next.at).toISOString().slice(0, 16));
    next = nextOccurrence(one, cursorAfter(next, one.zone, zones), found.length, zones);
  }
  return found;
}

describe('a daily time', () => {
  const at = (cron: string, zone: string) => timing({ cron }, zone);

  test('stays at its wall time when the clocks change', () => {
    expect(due(at('0 9 * * *', 'Europe/London'), '2026-03-28T00:00Z', 3)).toEqual([
      '2026-03-28T09:00',
      '2026-03-29T08:00',
      '2026-03-30T08:00',
    ]);
    expect(due(at('0 9 * * *', 'Asia/Seoul'), '2026-03-28T00:00Z', 2)).toEqual([
      '2026-03-29T00:00',
      '2026-03-30T00:00',
    ]);
  });

  test('that a spring change skips is due once, at the end of the gap', () => {
    expect(due(at('30 2 * * *', 'America/New_York'), '2026-03-07T12:00Z', 2)).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ]);
    expect(due(at('*/15 2,3 * * *', 'America/New_York'), '2026-03-08T06:59Z', 3)).toEqual([
      '2026-03-08T07:00',
      '2026-03-08T07:15',
      '2026-03-08T07:30',
    ]);
    // A gap of half an hour, and one at midnight.
    expect(due(at('15 2 * * *', 'Australia/Lord_Howe'), '2026-10-03T00:00Z', 2)).toEqual([
      '2026-10-03T15:30',
      '2026-10-04T15:15',
    ]);
    expect(due(at('0 */2 * * *', 'Africa/Cairo'), '2026-04-23T20:30Z', 3)).toEqual([
      '2026-04-23T22:00',
      '2026-04-23T23:00',
      '2026-04-24T01:00',
    ]);
    expect(due(at('30 0 * * *', 'Africa/Cairo'), '2026-04-23T12:00Z', 2)).toEqual([
      '2026-04-23T22:00',
      '2026-04-24T21:30',
    ]);
  });

  test('that an autumn change repeats is due once, at the first of the two', () => {
    expect(due(at('30 1 * * *', 'America/New_York'), '2026-10-31T12:00Z', 2)).toEqual([
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ]);
    expect(due(at('45 1 * * *', 'Australia/Lord_Howe'), '2026-04-04T00:00Z', 2)).toEqual([
      '2026-04-04T14:45',
      '2026-04-05T15:15',
    ]);
    // Made in the second pass: the time of the first pass is over.
    expect(due(at('30 1 * * *', 'America/New_York'), '2026-11-01T06:10Z', 1)).toEqual([
      '2026-11-02T06:30',
    ]);
  });

  test('on a day that a zone left out is due at the end of that day', () => {
    expect(due(at('0 9 * * *', 'Pacific/Apia'), '2011-12-29T20:00Z', 2)).toEqual([
      '2011-12-30T10:00',
      '2011-12-30T19:00',
    ]);
  });
});

describe('a date', () => {
  test('of a month that lacks it is left out, and L is the last day of each month', () => {
    expect(due(timing({ cron: '0 9 31 * *' }, 'UTC'), '2026-01-31T10:00Z', 3)).toEqual([
      '2026-03-31T09:00',
      '2026-05-31T09:00',
      '2026-07-31T09:00',
    ]);
    expect(due(timing({ cron: '0 9 L * *' }, 'Asia/Seoul'), '2026-01-31T10:00Z', 3)).toEqual([
      '2026-02-28T00:00',
      '2026-03-31T00:00',
      '2026-04-30T00:00',
    ]);
    expect(due(timing({ cron: '0 9 L 2 *' }, 'UTC'), '2027-03-01T00:00Z', 2)).toEqual([
      '2028-02-29T09:00',
      '2029-02-28T09:00',
    ]);
  });

  test('of a leap day is due in leap years', () => {
    expect(due(timing({ cron: '0 9 29 2 *' }, 'UTC'), '2026-03-01T00:00Z', 2)).toEqual([
      '2028-02-29T09:00',
      '2032-02-29T09:00',
    ]);
  });

  test('that never comes has no occurrence', () => {
    expect(due(timing({ cron: '0 9 30 2 *' }, 'UTC'), '2026-03-01T00:00Z', 1)).toEqual([]);
  });
});

describe('every n-th period', () => {
  test('is counted from the period of the start', () => {
    const every = (cron: string, n: number, unit: 'day' | 'week' | 'month', start: string) =>
      timing({ cron, every: { n, unit } }, 'Asia/Seoul', { start });
    expect(due(every('0 8 * * 1', 2, 'week', '2026-12-07T00:00'), '2026-12-02T00:00Z', 3)).toEqual([
      '2026-12-06T23:00',
      '2026-12-20T23:00',
      '2027-01-03T23:00',
    ]);
    expect(due(every('0 8 * * *', 3, 'day', '2026-12-30T00:00'), '2026-12-02T00:00Z', 3)).toEqual([
      '2026-12-29T23:00',
      '2027-01-01T23:00',
      '2027-01-04T23:00',
    ]);
    expect(
      due(every('0 8 31 * *', 2, 'month', '2026-12-01T00:00'), '2026-12-02T00:00Z', 3),
    ).toEqual(['2026-12-30T23:00', '2027-08-30T23:00', '2027-10-30T23:00']);
  });
});

describe('start, end and count', () => {
  test('limit the occurrences, the ends included', () => {
    const limits = { start: '2026-12-05T09:00', end: '2026-12-07T09:00' };
    const daily = timing({ cron: '0 9 * * *' }, 'UTC', limits);
    expect(due(daily, '2026-12-02T00:00Z', 9)).toEqual([
      '2026-12-05T09:00',
      '2026-12-06T09:00',
      '2026-12-07T09:00',
    ]);
    expect(due({ ...daily, count: 2 }, '2026-12-02T00:00Z', 9)).toHaveLength(2);
    expect(due({ ...daily, end: '2026-12-04T09:00' }, '2026-12-02T00:00Z', 9)).toEqual([]);
  });
});

describe('a single time', () => {
  const once = (text: string, zone: string, repeated?: 'second') =>
    timing({ once: text, ...(repeated === undefined ? {} : { repeated }) }, zone);

  test('is due once', () => {
    expect(due(once('2026-12-03T09:00', 'Asia/Seoul'), '2026-12-02T00:00Z', 5)).toEqual([
      '2026-12-03T00:00',
    ]);
    expect(due(once('2026-12-01T09:00', 'Asia/Seoul'), '2026-12-02T00:00Z', 5)).toEqual([]);
  });

  test('in a gap is due at its end, and in a repeated hour at the one that was meant', () => {
    expect(due(once('2026-03-29T01:30', 'Europe/London'), '2026-03-01T00:00Z', 5)).toEqual([
      '2026-03-29T01:00',
    ]);
    const before = '2026-10-24T00:00Z';
    const wall = '2026-10-25T01:30';
    expect(due(once(wall, 'Europe/London'), before, 5)).toEqual(['2026-10-25T00:30']);
    expect(due(once(wall, 'Europe/London', 'second'), before, 5)).toEqual(['2026-10-25T01:30']);
    expect(due(once(wall, 'Europe/London', 'second'), '2026-10-25T01:10Z', 5)).toEqual([
      '2026-10-25T01:30',
    ]);
    expect(due(once('2026-10-26T01:30', 'Europe/London', 'second'), before, 5)).toEqual([
      '2026-10-26T01:30',
    ]);
  });
});

describe('a rule', () => {
  test('that cannot be read is refused with a reason', () => {
    for (const cron of ['* * * *', '99 * * * *', 'every monday', '0 9 * * * * *', '0 9 * 13 *']) {
      expect(ruleFault({ cron }), cron).not.toBeNull();
    }
    for (const once of ['2026-02-30T09:00', '2026-12-03T24:00', '2026-12-03T09:60']) {
      expect(ruleFault({ once }), once).toContain('no such day or time');
    }
    expect(ruleFault({ cron: '0 9 * * 1-5' })).toBeNull();
    expect(ruleFault({ once: '2028-02-29T09:00:30' })).toBeNull();
  });

  test('is the same as a walk over all minutes, around the clock changes of each zone', () => {
    const changes: [zone: string, around: string][] = [
      ['Asia/Seoul', '2026-12-02T00:00Z'],
      ['America/New_York', '2026-03-08T07:00Z'],
      ['America/New_York', '2026-11-01T06:00Z'],
      ['Europe/London', '2026-03-29T01:00Z'],
      ['Europe/London', '2026-10-25T01:00Z'],
      ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
      ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
      ['Africa/Cairo', '2026-04-23T22:00Z'],
      ['Africa/Cairo', '2026-10-29T21:00Z'],
    ];
    const some = (least: number, most: number, size: number) =>
      fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: size });
    const always = (list: number[]) => fc.constant(list);
    const maybe = (list: fc.Arbitrary<number[]>) => fc.oneof(always([]), list);
    const pattern: fc.Arbitrary<Pattern> = fc.record({
      minutes: some(0, 59, 4),
      hours: fc.oneof(some(0, 23, 4), some(0, 3, 4)),
      monthDays: maybe(fc.oneof(some(1, 31, 8), always([-1]))),
      weekdays: maybe(some(0, 6, 4)),
    });
    const hour = 3_600_000;
    fc.assert(
      fc.property(
        pattern,
        fc.constantFrom(...changes),
        fc.integer({ min: -40 * 60, max: 3 * 60 }),
        (one, [zone, around], shift) => {
          const from = Date.parse(around) + shift * 60_000;
          const to = Date.parse(around) + 40 * hour;
          const model = dueMinutes(one, zone, from, to);
          const made = due(timing({ cron: cronOf(one) }, zone), new Date(from).toISOString(), 200)
            .map((text) => Date.parse(`${text}Z`))
            .filter((at) => at <= to);
          expect(made).toEqual(model.slice(0, 200));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is the same around the present day', () => {
    const now = Math.floor(Date.now() / 60_000) * 60_000;
    const pattern = { minutes: [0, 30], hours: [0, 8, 9, 23], monthDays: [], weekdays: [1, 3, 5] };
    for (const zone of ['Asia/Seoul', 'America/New_York', 'Australia/Lord_Howe']) {
      const model = dueMinutes(pattern, zone, now, now + 8 * 86_400_000);
      const one = timing({ cron: cronOf(pattern) }, zone);
      const made = due(one, new Date(now).toISOString(), model.length);
      expect(made.map((text) => Date.parse(`${text}Z`))).toEqual(model);
    }
  });
});

describe('the zone of the process', () => {
  test('changes nothing', () => {
    const run = (TZ: string): string =>
      execFileSync(process.execPath, [join(import.meta.dirname, 'occurrences-child.ts')], {
        env: { ...process.env, TZ },
        encoding: 'utf8',
      });
    const [first, ...others] = ['UTC', 'America/St_Johns', 'Pacific/Chatham', 'Asia/Kathmandu'].map(
      run,
    );
    expect(first!.split('\n').length).toBeGreaterThan(100);
    for (const other of others) expect(other).toBe(first);
  });
});

describe('a wall time', () => {
  test('is read and written alike', () => {
    expect(wallText(wallOf('2026-12-03T09:05'))).toBe('2026-12-03T09:05:00');
    expect(wallText(wallOf('2026-12-03T09:05:07'))).toBe('2026-12-03T09:05:07');
  });
});
