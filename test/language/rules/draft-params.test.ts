/** The parameters of a new calendar entry, from the classification of a message and from the message itself. */
import { describe, expect, test } from 'vitest';
import { parseClassification, toDecision } from '../standard-classification.ts';
import { movedDates, movedToThisWeek, movesAlong } from '#test/support/test-moments';

/** A Sunday afternoon. */
const evening = '2026-11-22T17:20:00+09:00';

function decide(message: string, params: Record<string, unknown>, now = evening) {
  const answer = { action: 'tools', tool: 'calendar', operation: 'create_draft', params };
  return toDecision(parseClassification(JSON.stringify(answer)), {
    message,
    now: Date.parse(now),
    timeZone: 'Asia/Seoul',
  });
}

const draft = (message: string, params: Record<string, unknown>, now = evening) =>
  decide(message, { title: 'T', ...params }, now).calls?.[0]?.params;

const right: [message: string, date: string, time: string][] = [
  ['내일 7시에 저녁 약속 잡아줘', '2026-11-23', '19:00'],
  ['내일 8시 저녁 식사 등록해줘', '2026-11-23', '20:00'],
  ['오늘 7시에 저녁 약속 잡아줘', '2026-11-22', '19:00'],
  ['오늘 8시 야식 약속 잡아줘', '2026-11-22', '20:00'],
  ['내일 9시에 영화 등록해줘', '2026-11-23', '21:00'],
  ['dinner with mom tomorrow at 7', '2026-11-23', '19:00'],
  ['tonight at 8 movie, add it', '2026-11-22', '20:00'],
  ['add movie tonight 9', '2026-11-22', '21:00'],
  ['내일 6시 기상 등록', '2026-11-23', '06:00'],
  ['내일 5시 새벽 기도 등록', '2026-11-23', '05:00'],
  ['내일 6시 반 아침 운동', '2026-11-23', '06:30'],
  ['breakfast tomorrow at 6', '2026-11-23', '06:00'],
  ['flight tomorrow 6:15 add it', '2026-11-23', '06:15'],
  ['내일 05:30 비행기 등록', '2026-11-23', '05:30'],
  ['오늘 밤 12시에 통화', '2026-11-23', '00:00'],
  ['내일 밤 12시에 회의 잡아줘', '2026-11-24', '00:00'],
  ['내일 밤 1시에 통화 등록', '2026-11-24', '01:00'],
  ['오늘 자정에 통화 등록해줘', '2026-11-23', '00:00'],
  ['add a call tonight at midnight', '2026-11-23', '00:00'],
  ['add a call tonight at 1am', '2026-11-23', '01:00'],
  ['내일 자정에 알림 등록', '2026-11-23', '00:00'],
  ['내일 자정에 알림 등록', '2026-11-24', '00:00'],
  ['내일 24시에 마감 등록해줘', '2026-11-24', '00:00'],
  ['내일 오전 12시 회의', '2026-11-23', '00:00'],
  ['내일 밤 11시 반 통화 등록', '2026-11-23', '23:30'],
  ['크리스마스 이브 저녁 7시', '2026-12-24', '19:00'],
  ['크리스마스 전날 저녁 7시에 약속 잡아줘', '2026-12-24', '19:00'],
  ['크리스마스 다음날 오후 1시 약속 등록해줘', '2026-12-26', '13:00'],
  ['월요일 다음 날 7시 저녁 약속 잡아줘', '2026-11-24', '19:00'],
  ['크리스마스 이틀 전 저녁 7시 약속 등록', '2026-12-23', '19:00'],
  ['2주 뒤 월요일 저녁 7시 약속 잡아줘', '2026-12-07', '19:00'],
  ['저녁 7시 약속, 오늘 말고 내일로 잡아줘', '2026-11-23', '19:00'],
  ['dinner monday week at 7pm', '2026-11-30', '19:00'],
  ['add dinner with tom at 7pm the friday after next', '2026-12-04', '19:00'],
  ['add dinner on the last friday of november at 7pm', '2026-11-27', '19:00'],
  ['다음 주 화요일 3시 회의를 수요일 10시로 등록해줘', '2026-11-25', '10:00'],
];

describe('correct parameters of the model', () => {
  test.each(right)('stay unchanged for %j', (message, date, time) => {
    expect(draft(message, { date, time })).toEqual({ title: 'T', date, time });
  });

  test('stay unchanged on the Sunday of this week as well', () => {
    const { now, today } = movedToThisWeek(Date.parse(evening));
    const held = right.filter(([message]) => movesAlong(message, '2026-11-22', today));
    expect(held.length).toBeGreaterThan(20);
    for (const [message, fixedDate, time] of held) {
      const date = movedDates(fixedDate, '2026-11-22', today);
      const at = new Date(now).toISOString();
      expect(draft(message, { date, time }, at), message).toEqual({ title: 'T', date, time });
    }
  });

  test.each([
    ['내일 10시부터 12시까지 회의 등록', '10:00', '12:00'],
    ['내일 7시부터 9시까지 회식 등록', '19:00', '21:00'],
    ['내일 저녁 7시부터 9시까지 회식 등록', '19:00', '21:00'],
    ['내일 밤 10시부터 2시까지 작업 등록', '22:00', '02:00'],
    ['내일 밤 11시부터 12시까지 작업 등록', '23:00', '00:00'],
    ['meeting tomorrow from 11 to 1 add', '11:00', '13:00'],
    ['내일 새벽 1시까지 22시부터 파티 등록', '22:00', '01:00'],
  ])('stay unchanged with an end time for %j', (message, time, end) => {
    const params = { date: '2026-11-23', time, end_time: end };
    expect(draft(message, params)).toEqual({ title: 'T', ...params });
  });
});

describe('an unambiguous statement of the message', () => {
  test.each([
    ['tonight at 8 movie, add it', { date: '2026-11-22', time: '08:00' }, '2026-11-22', '20:00'],
    ['내일 7시에 저녁 약속', { date: '2026-11-23', time: '07:00' }, '2026-11-23', '19:00'],
    ['오늘 밤 12시에 통화', { date: '2026-11-22', time: '00:00' }, '2026-11-23', '00:00'],
    ['밤 12시에 통화 잡아줘', { time: '00:00' }, '2026-11-23', '00:00'],
    ['통화 잡아줘', { date: '오늘', time: '24:00' }, '2026-11-23', '00:00'],
    ['내일 3시 회의', { date: '2026-11-23', time: '03:00' }, '2026-11-23', '15:00'],
  ])('corrects the parameters of the model: %j', (message, params, date, time) => {
    expect(draft(message, params)).toEqual({ title: 'T', date, time });
  });

  test('moves the end time together with the start if it decides the half of the day', () => {
    expect(
      draft('내일 3시 회의', { date: '2026-11-23', time: '03:00', end_time: '04:00' }),
    ).toMatchObject({ time: '15:00', end_time: '16:00' });
  });

  test('about the night, with an hour after midnight, means the coming night', () => {
    const params = { date: '2026-11-22', time: '01:00' };
    expect(draft('오늘 밤 1시에 통화', params, '2026-11-22T00:30:00+09:00')).toMatchObject(params);
  });
});

describe('an hour of today that has passed', () => {
  test('is moved to the evening if the message does not state the half of the day', () => {
    expect(draft('오늘 8시 통화', { date: '2026-11-22', time: '08:00' })).toMatchObject({
      time: '20:00',
    });
    expect(draft('오늘 8시부터 9시까지 통화', { date: '2026-11-22' })).toMatchObject({
      time: '20:00',
      end_time: '21:00',
    });
  });

  test('stays if the message states the half of the day, or if both halves have passed', () => {
    expect(draft('오늘 오전 8시 통화', { date: '2026-11-22' })).toMatchObject({ time: '08:00' });
    expect(draft('오늘 3시 통화', { date: '2026-11-22' })).toMatchObject({ time: '15:00' });
  });
});

describe('an entry over several days', () => {
  const trip = { date: '2026-12-01', end_date: '2026-12-03' };

  test('has the days of the message, also if the model left out or mistook the last day', () => {
    const message = '12월 1일부터 3일까지 제주도 여행 등록';
    expect(draft(message, trip)).toEqual({ title: 'T', ...trip });
    expect(draft(message, { date: '2026-12-01' })).toEqual({ title: 'T', ...trip });
    expect(draft(message, { date: '2026-12-01', end_date: '2026-12-04' })).toMatchObject(trip);
  });

  test('has a last day that only the model gives, also as a relative date', () => {
    expect(draft('여행 등록', { date: '12월 1일', end_date: '12월 3일' })).toMatchObject(trip);
    expect(draft('여행 등록', { date: '2026-12-01', end_date: '2026-12-01' })).toEqual({
      title: 'T',
      date: '2026-12-01',
    });
  });

  test('with an hour has a last day only if the model gives one', () => {
    const params = { date: '2026-11-23', time: '15:00' };
    expect(draft('월요일부터 금요일까지 오후 3시 회의', params)).toEqual({ title: 'T', ...params });
  });

  test('with an impossible last day is answered with a question', () => {
    expect(decide('여행', { title: 'T', date: '12월 1일', end_date: '2월 30일' })).toMatchObject({
      action: 'clarify',
      response: expect.stringContaining('2월 30일'),
    });
  });
});

test('the location that the model gives is kept', () => {
  const params = { date: '2026-11-23', time: '15:00', location: '강남역' };
  expect(draft('내일 오후 3시 강남역에서 미팅', params)).toEqual({ title: 'T', ...params });
});
