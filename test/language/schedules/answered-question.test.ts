/** A few messages in a row: a question about a reminder and its answer, and a correction of what was set. */
import { describe, expect, test } from 'vitest';
import { completedRequest, isBareTime } from '#language/schedules/answered-question';
import { readScheduleRequest } from '#language/schedules/read-schedule-request';
import type { ScheduleRequest } from '#language/schedules/schedule-request';

/** Wednesday, 10:00. */
const now = Date.parse('2026-12-02T10:00:00+09:00');
const context = { now, timeZone: 'Asia/Seoul' };

function shown(request: ScheduleRequest | null): string {
  if (request === null) return 'none';
  if (request.do === 'set' || request.do === 'snooze') {
    const { when } = request;
    if (when === null) return request.do;
    if (!when.ok) return `asks ${when.ask}`;
    return 'once' in when.rule ? when.rule.once : when.rule.cron;
  }
  if (request.do !== 'move' && request.do !== 'correct') return request.do;
  const { to } = request;
  if (to === null) return 'asks moveTo';
  if ('rule' in to) return 'once' in to.rule.rule ? to.rule.rule.once : to.rule.rule.cron;
  return [to.date, to.time, to.isHalfOpen === true ? '(half open)' : ''].filter(Boolean).join(' ');
}

/** What the last message makes of those before it. */
function answer(...messages: string[]): string {
  const asked = messages
    .slice(0, -1)
    .map((message, at) => ({ message, at: now - 60_000 * (messages.length - at) }));
  const last = messages.at(-1) ?? '';
  return isBareTime(last, context) ? shown(completedRequest(last, asked, context)) : 'no time';
}

describe('a time alone', () => {
  test.each([
    [['내일 알려줘', '오전 9시'], '2026-12-03T09:00'],
    [['내일 알려줘', '9시', '오전이요'], '2026-12-03T09:00'],
    [['tell me tomorrow', 'at 9am'], '2026-12-03T09:00'],
    [['내일 약 먹으라고 알려줘', '9', '저녁'], '2026-12-03T21:00'],
    [['내일 12시에 약 먹으라고 알려줘', '낮이요'], '2026-12-03T12:00'],
    [['내일 12시에 약 먹으라고 알려줘', '밤이요'], '2026-12-04T00:00'],
    [['내일 9시에 약 먹으라고 알려줘', '아니 오후'], '2026-12-03T21:00'],
    [['7분마다 물 마시라고 알려줘', '10분'], '*/10 * * * *'],
    [['7분마다 물 마시라고 알려줘', '아니 10분'], '*/10 * * * *'],
    [['7분마다 물 마시라고 알려줘', '1시간'], '0 * * * *'],
    [['remind me to drink every 7 minutes', 'ok, 10 minutes then'], '*/10 * * * *'],
    [['이따가 우유 사라고 알려줘', '30분'], '2026-12-02T10:30'],
    [['remind me later to buy milk', '20 minutes'], '2026-12-02T10:20'],
    [['약 알림 시간 바꿔줘', '8시'], '08:00 (half open)'],
    [['약 알림 시간 바꿔줘', '10분'], '2026-12-02T10:10'],
    [['change my pill reminder', 'to 8pm'], '20:00'],
    [['시간 바꿔줘', '오후 8시'], '20:00'],
    [['내일 약 먹으라고 알려줘', '10분'], 'asks time'],
    [['remind me tomorrow to call mom', '30'], 'asks badTime'],
  ])('after %s', (messages, expected) => {
    expect(answer(...messages)).toBe(expected);
  });

  test.each([
    [['안녕', '9시'], 'none'],
    [['내일 약 먹으라고 알려줘', '오늘 날씨', '9시'], 'none'],
    [['내일 약 먹으라고 알려줘', '아니'], 'no time'],
    [['내일 약 먹으라고 알려줘', '10명'], 'no time'],
  ])('is no answer after %s', (messages, expected) => {
    expect(answer(...messages)).toBe(expected);
  });
});

describe('a correction', () => {
  test.each([
    ['아니 10분', '2026-12-02T10:10'],
    ['아니 9시', '09:00 (half open)'],
    ['아니요 내일 오전 9시요', '2026-12-03 09:00'],
    ['30분 말고 10분', '2026-12-02T10:10'],
    ['그거 오후 8시로 바꿔줘', '20:00'],
    ['시간 바꿔줘', 'asks moveTo'],
    ['no, 9am', '09:00'],
    ['actually, make it 4pm', '16:00'],
    ['change it to tomorrow at 8pm', '2026-12-03 20:00'],
    ['4pm instead', '16:00'],
    ['change the time', 'asks moveTo'],
  ])('%s names another time for what was just set', (message, expected) => {
    const request = readScheduleRequest(message, context);
    expect(request?.do).toBe('correct');
    expect(shown(request)).toBe(expected);
  });

  test.each([
    '아니',
    '아니야',
    '아니 그게 아니라 내일 날씨',
    '다음 주 회의 3시로 바꿔줘',
    '9시',
    'no',
    'make it stop',
    'make it shorter',
    'wait, 5 people died?',
    'no, tell me about the moon at 9pm',
  ])('%s is none', (message) => {
    expect(readScheduleRequest(message, context)?.do).not.toBe('correct');
  });
});
