/** Changes to a waiting draft, from the words of the user to the new draft. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseDraftEdit } from '#language/rules/draft-edit';
import { calendarCall, localCalendar } from './local-calendar-setting.ts';
import { contextOf } from '../tool-context.ts';

let calendar: Awaited<ReturnType<typeof localCalendar>>;
beforeEach(async () => {
  calendar = await localCalendar();
});
afterEach(() => calendar.close());

async function changed(params: Record<string, unknown>, message: string) {
  const context = contextOf();
  const { registry } = calendar;
  const call = calendarCall('create_draft', { title: 'x', date: '2026-11-25', ...params });
  const { draft } = await registry.run([call], context);
  const edit = parseDraftEdit(message, { now: Date.parse(context.now), timeZone: 'Asia/Seoul' });
  expect([draft, edit]).not.toContain(null);
  return (await registry.revise(draft!, { ...edit }, context)).params;
}

describe('a new hour without its half of the day', () => {
  test.each([
    ['19:00', '8시로 바꿔', '20:00'],
    ['19:00', '7시 반으로 미뤄줘', '19:30'],
    ['19:00', 'move it to 7:30', '19:30'],
    ['20:00', '10시로 옮겨줘', '22:00'],
    ['09:00', '10시로 옮겨줘', '10:00'],
    ['10:00', '3시로 바꿔', '15:00'],
    ['14:00', '10시로 바꿔', '10:00'],
    ['06:00', '5시로 바꿔', '05:00'],
    ['19:00', '오전 8시로 바꿔', '08:00'],
  ])(
    'is resolved with the time of the draft: from %s, "%s" gives %s',
    async (time, message, expected) => {
      expect(await changed({ time }, message)).toMatchObject({
        date: '2026-11-25',
        time: expected,
      });
    },
  );

  test.each([
    ['19:00', '9시까지로 해줘', '21:00'],
    ['22:00', '2시까지로 해줘', '02:00'],
    ['10:00', '끝나는 시간은 1시로', '13:00'],
  ])(
    'is resolved for the end with the start of the draft: from %s, "%s" gives %s',
    async (time, message, expected) => {
      expect(await changed({ time }, message)).toMatchObject({ time, end_time: expected });
    },
  );

  test('is resolved for start and end together', async () => {
    expect(await changed({ time: '19:00' }, '8시부터 9시까지로 바꿔줘')).toMatchObject({
      time: '20:00',
      end_time: '21:00',
    });
  });
});

describe('a new hour after midnight', () => {
  test.each([
    ['밤 12시로 바꿔', '2026-11-26', '00:00'],
    ['24시로 바꿔', '2026-11-26', '00:00'],
    ['내일 밤 1시로 옮겨줘', '2026-11-20', '01:00'],
  ])('is on the next day: %s', async (message, date, time) => {
    expect(await changed({ time: '21:00' }, message)).toMatchObject({ date, time });
  });

  test('stays on its day if the draft is in the same night', async () => {
    expect(await changed({ time: '00:30' }, '밤 1시로 바꿔')).toMatchObject({
      date: '2026-11-25',
      time: '01:00',
    });
  });
});

test('the place and the last day of a draft can be changed by words', async () => {
  expect(await changed({}, '11월 27일까지로 해줘')).toMatchObject({ end_date: '2026-11-27' });
  expect(await changed({}, '장소는 강남역으로')).toMatchObject({ location: '강남역' });
});

describe('moving a draft by a length', () => {
  test.each([
    [{ time: '19:00' }, '한 시간 미뤄줘', { date: '2026-11-25', time: '20:00' }],
    [{ time: '23:30' }, '한 시간 미뤄줘', { date: '2026-11-26', time: '00:30' }],
    [{ time: '00:30' }, '한 시간 앞당겨줘', { date: '2026-11-24', time: '23:30' }],
    [
      { time: '19:00', end_time: '20:30' },
      '30분 늦춰줘',
      { date: '2026-11-25', time: '19:30', end_time: '21:00' },
    ],
    [{ time: '19:00' }, '이틀 뒤로 미뤄줘', { date: '2026-11-27', time: '19:00' }],
    [{ end_date: '2026-11-26' }, '일주일 미뤄줘', { date: '2026-12-02', end_date: '2026-12-03' }],
    [{}, 'a day earlier', { date: '2026-11-24' }],
    [{}, '한 시간 미뤄줘', { date: '2026-11-25' }],
  ])('from %j, "%s", gives the new date and time', async (params, message, expected) => {
    expect(await changed(params, message)).toEqual({ title: 'x', ...expected });
  });
});
