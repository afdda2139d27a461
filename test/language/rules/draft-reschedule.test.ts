/** The length by which a waiting draft is moved. */
import { describe, expect, test } from 'vitest';
import { parseDraftEdit } from '#language/rules/draft-edit';
import { momentsAhead } from '#test/support/test-moments';

const options = { now: Date.parse('2026-11-18T09:00:00+09:00'), timeZone: 'Asia/Seoul' };

const shifts: [message: string, shift: object][] = [
  ['한 시간 미뤄줘', { minutes: 60 }],
  ['한시간만 미뤄 주세요', { minutes: 60 }],
  ['30분 늦춰줘', { minutes: 30 }],
  ['삼십분 늦춰줘', { minutes: 30 }],
  ['한 시간 반 뒤로 미뤄줘', { minutes: 90 }],
  ['1시간 30분 앞당겨줘', { minutes: -90 }],
  ['30분 연기해줘', { minutes: 30 }],
  ['두 시간 일찍 해줘', { minutes: -120 }],
  ['반 시간만 더 늦게 해줘', { minutes: 30 }],
  ['한 시간 뒤로 옮겨줘', { minutes: 60 }],
  ['아니, 회의 한 시간 미뤄줄 수 있어?', { minutes: 60 }],
  ['하루 미뤄줘', { days: 1 }],
  ['이틀 뒤로 미뤄줘', { days: 2 }],
  ['3일 미뤄줘', { days: 3 }],
  ['일주일 미뤄줘', { days: 7 }],
  ['2주 앞당겨줘', { days: -14 }],
  ['하루 당겨줘', { days: -1 }],
  ['push it back an hour', { minutes: 60 }],
  ['push it by half an hour', { minutes: 30 }],
  ['postpone the meeting by 2 hours, please', { minutes: 120 }],
  ['delay it an hour and a half', { minutes: 90 }],
  ['make it 30 minutes earlier', { minutes: -30 }],
  ['an hour later', { minutes: 60 }],
  ['bring it forward by an hour', { minutes: -60 }],
  ['move it up 15 minutes', { minutes: -15 }],
  ['postpone by a day', { days: 1 }],
  ['A week later', { days: 7 }],
];

describe('moving a waiting draft', () => {
  test.each(shifts)('is parsed as a length from the message: %s', (message, shift) => {
    expect(parseDraftEdit(message, options)).toEqual({ shift });
  });

  test.each(momentsAhead())('is the same length at another moment: $name ($today)', (moment) => {
    for (const [message, shift] of shifts) {
      expect(parseDraftEdit(message, moment), message).toEqual({ shift });
    }
  });

  test('can be combined with a new title', () => {
    expect(parseDraftEdit('제목은 치과로 바꾸고 한 시간 미뤄줘', options)).toEqual({
      shift: { minutes: 60 },
      title: '치과',
    });
  });

  test.each([
    '한 시간 미뤄졌어?',
    '한 시간 미뤄도 돼?',
    '30분 연기됐어?',
    '하루 미루면?',
    '회의가 한 시간 미뤄지면 알려줘',
    '내일 회의 한 시간 미뤄줘',
    '한 시간 뒤에 알려줘',
    'move it forward an hour',
    'an hour',
    'make it an hour longer',
    'in an hour',
    '0분 미뤄줘',
  ])('is not requested by the message %j', (message) => {
    expect(parseDraftEdit(message, options)?.shift).toBeUndefined();
  });

  test('is a date and no length in 3일로 미뤄줘 and 다음 주 화요일로 미뤄줘', () => {
    expect(parseDraftEdit('3일로 미뤄줘', options)).toEqual({ date: '2026-12-03' });
    expect(parseDraftEdit('다음 주 화요일로 미뤄줘', options)).toEqual({ date: '2026-11-24' });
  });
});
