/**
 * Requests about reminders in Korean and English with the exact wall time that each means, in several zones and at the
 * machine's own clock. The times of the cases are those of a Wednesday at 10:00; the zone only decides when that is.
 */
import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { readScheduleRequest } from '#language/schedules/read-schedule-request';
import type { ScheduleRequest } from '#language/schedules/schedule-request';
import type { When } from '#language/schedules/when-types';
import { createZones } from '#shared/calendar/zoned-time';
import { movedDates, movesAlong } from '#test/support/test-moments';
import { readCases } from '../case-file.ts';

interface ScheduleCase {
  cat: string;
  /** Wall time of the zone. */
  now: string;
  message: string;
  expect: Record<string, unknown>;
}

const cases = readCases<ScheduleCase>('schedule-requests.jsonl');
const zones = createZones();
const instantIn = (timeZone: string, wall: string): number =>
  zones.toInstant(Date.parse(`${wall}:00Z`), timeZone);

function shownWhen(when: When): Record<string, unknown> {
  if (!when.ok) return { ask: when.ask };
  const { rule, start, end, isDoubtful } = when;
  const every = 'cron' in rule ? rule.every : undefined;
  return {
    ...('once' in rule ? { once: rule.once } : { cron: rule.cron }),
    ...(every === undefined ? {} : { every: `${every.n} ${every.unit}` }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(isDoubtful ? { doubt: true } : {}),
  };
}

/** In the notation of the case file. */
function shown(request: ScheduleRequest | null): Record<string, unknown> {
  if (request === null) return { do: 'none' };
  switch (request.do) {
    case 'set': {
      const { kind, text, when } = request;
      return when.ok ? { do: 'set', kind, text, ...shownWhen(when) } : shownWhen(when);
    }
    case 'snooze':
      if (request.when?.ok === false) return shownWhen(request.when);
      return { do: 'snooze', ...(request.when === null ? {} : shownWhen(request.when)) };
    case 'undo':
      return { do: 'undo' };
    default:
      return { ...request };
  }
}

const wrongIn = (timeZone: string, held: readonly ScheduleCase[]) =>
  held.flatMap(({ message, now, expect: expected }) => {
    const found = shown(readScheduleRequest(message, { now: instantIn(timeZone, now), timeZone }));
    return isDeepStrictEqual(found, expected) ? [] : [{ message, now, found, expected }];
  });

test('the case file has at least 150 requests of each language, and neighbours that are none', () => {
  for (const language of ['ko', 'en']) {
    const own = cases.filter(({ cat }) => cat.startsWith(language));
    expect(own.length).toBeGreaterThanOrEqual(150);
    expect(own.filter(({ expect: { do: kind } }) => kind === 'none').length).toBeGreaterThan(30);
  }
});

describe('a request about reminders', () => {
  test.each(['Asia/Seoul', 'America/New_York', 'Europe/London', 'Australia/Lord_Howe', 'UTC'])(
    'means the same wall time in the zone %s',
    (timeZone) => {
      expect(wrongIn(timeZone, cases)).toEqual([]);
    },
  );

  test.each(['Asia/Seoul', 'America/New_York', 'Europe/London'])(
    'means the same distance from today at the machine’s own date in the zone %s',
    (timeZone) => {
      const today = new Date(zones.toWallTime(Date.now(), timeZone)).toISOString().slice(0, 10);
      // On the day of a clock change a duration ends at another wall time.
      const hours =
        (zones.toInstant(Date.parse(`${today}T00:00Z`) + 48 * 3_600_000, timeZone) -
          zones.toInstant(Date.parse(`${today}T00:00Z`), timeZone)) /
        3_600_000;
      const moved = cases
        .filter(({ cat }) => hours === 48 || !/from-now|snooze/.test(cat))
        .filter(({ message, now }) => movesAlong(message, now.slice(0, 10), today))
        .map((one) => ({
          ...one,
          now: movedDates(one.now, one.now.slice(0, 10), today),
          expect: movedDates(one.expect, one.now.slice(0, 10), today),
        }));
      expect(moved.length).toBeGreaterThan(200);
      expect(wrongIn(timeZone, moved)).toEqual([]);
    },
  );

  test.each([
    ['2026-12-02', '2026-12-03'],
    ['2026-12-04', '2026-12-07'],
    ['2026-12-05', '2026-12-07'],
    ['2026-12-06', '2026-12-07'],
  ])('of the next working day, said on %s, means %s', (said, day) => {
    const context = { now: instantIn('Asia/Seoul', `${said}T10:00`), timeZone: 'Asia/Seoul' };
    for (const message of [
      '다음 평일 아침 9시에 서류 내라고 알려줘',
      '다음 영업일 오전 9시에 서류 내라고 알려줘',
      'remind me next weekday at 9am to file',
      'remind me on the next business day at 9am to file',
    ]) {
      expect(shown(readScheduleRequest(message, context)), message).toMatchObject({
        once: `${day}T09:00`,
      });
    }
  });

  test('never throws, for any part of a request', () => {
    const context = { now: instantIn('Asia/Seoul', '2026-12-02T10:00'), timeZone: 'Asia/Seoul' };
    for (const { message } of cases) {
      for (let end = 0; end <= message.length; end += 3) {
        expect(() => readScheduleRequest(message.slice(0, end), context)).not.toThrow();
      }
    }
  });

  // Exponential time would take years: the limit only ends it, nothing is measured.
  test.each([
    '예약 ',
    '내일 ',
    '8시에 ',
    '월요일 ',
    '12월 25일 ',
    'monday, ',
    '8pm ',
    '매주 월요일, ',
    '월수금 ',
    '아니 ',
    '타이머 ',
    'timer ',
    'no, ',
  ])('that repeats "%s" 600 characters long is read without exponential backtracking', (words) => {
    const context = { now: Date.now(), timeZone: 'Asia/Seoul' };
    const read = () => {
      for (const before of ['', '알림 ', 'remind me ']) {
        for (const after of ['', 'x', '알려줘', '알림 바꿔줘']) {
          const start = `${before}${words.repeat(300)}`.slice(0, 600 - after.length);
          readScheduleRequest(start + after, context);
        }
      }
    };
    expect(() => runInNewContext('read()', { read }, { timeout: 20_000 })).not.toThrow();
  });
});
