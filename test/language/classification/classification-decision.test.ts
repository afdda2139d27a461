/** From a classification to a decision: dates, times and folders are resolved with the clock and the message. */
import { describe, expect, test } from 'vitest';
import { parseClassification, toDecision } from '../standard-classification.ts';
import { exampleHome } from '#test/support/home-words';
import { dayAfter, momentsAhead, weekAfter } from '#test/support/test-moments';

const now = Date.parse('2026-11-18T09:00:00+09:00');

const decide = (message: string, answer: Record<string, unknown> | string) => {
  const raw = typeof answer === 'string' ? answer : JSON.stringify(answer);
  return toDecision(parseClassification(raw), {
    message,
    now,
    timeZone: 'Asia/Seoul',
    mailFolders: exampleHome.mailFolders,
  });
};

const tool = (name: string, operation: string, params: Record<string, unknown>) => ({
  action: 'tools',
  tool: name,
  operation,
  params,
});

const draft = (message: string, params: Record<string, unknown>) =>
  decide(message, tool('calendar', 'create_draft', params));

const paramsOf = (decision: ReturnType<typeof decide>) => decision.calls?.[0]?.params;

describe('the decision for an answer or a question', () => {
  test('carries the response of the classifier unchanged', () => {
    expect(decide('안녕', { action: 'direct', response: '안녕하세요' })).toEqual({
      by: 'classifier',
      action: 'direct',
      response: '안녕하세요',
    });
  });

  test('for an unreadable classification is a direct answer without a response, with the reason', () => {
    expect(decide('안녕', '{')).toEqual({
      by: 'classifier',
      action: 'direct',
      reason: 'GH_BACKEND_UNREADABLE',
    });
  });

  test('for the reasoner or for the system status carries no further field', () => {
    expect(decide('설명해줘', { action: 'route', prompt: 'x' })).toEqual({
      by: 'classifier',
      action: 'route',
    });
    expect(decide('상태', { action: 'system_status' })).toEqual({
      by: 'classifier',
      action: 'system_status',
    });
  });
});

describe('a calendar draft', () => {
  test('has the relative date and the time words of the model resolved', () => {
    expect(
      paramsOf(draft('치과 잡아줘', { title: '치과', date: '다음 주 화요일', time: '오후 2시' })),
    ).toEqual({
      title: '치과',
      date: '2026-11-24',
      time: '14:00',
    });
  });

  test('takes the day from the message if the model computed another day', () => {
    const decision = draft('다음 주 화요일 2시 치과 잡아줘', {
      title: '치과',
      date: '2026-11-25',
      time: '02:00',
    });
    expect(paramsOf(decision)).toEqual({ title: '치과', date: '2026-11-24', time: '14:00' });
  });

  test('keeps a half of the day that only the model knows', () => {
    expect(
      paramsOf(draft('내일 8시 저녁 식사', { title: '식사', date: '2026-11-19', time: '20:00' })),
    ).toMatchObject({
      time: '20:00',
    });
    expect(
      paramsOf(draft('식사 잡아줘', { title: '식사', date: '내일', time: '20:00' })),
    ).toMatchObject({ time: '20:00' });
  });

  test('takes start and end from the message if the model left them out', () => {
    expect(
      paramsOf(draft('내일 오후 3시부터 5시까지 워크숍 등록', { title: '워크숍', date: '내일' })),
    ).toEqual({
      title: '워크숍',
      date: '2026-11-19',
      time: '15:00',
      end_time: '17:00',
    });
  });

  test('puts an hour without a day on today if it is still to come, and else asks for the day', () => {
    expect(paramsOf(draft('3시에 회의 잡아줘', { title: '회의' }))).toMatchObject({
      date: '2026-11-18',
      time: '15:00',
    });
    expect(draft('오전 8시에 회의 잡아줘', { title: '회의' })).toMatchObject({ action: 'clarify' });
  });

  test('is not made for a past day that the message does not name: the decision asks', () => {
    expect(draft('치과 예약 잡아줘', { title: '치과', date: '2024-05-01' })).toMatchObject({
      action: 'clarify',
      response: expect.stringContaining('치과'),
    });
  });

  test.each([
    ['2월 30일 회의 잡아줘', { title: '회의', date: '2027-02-28' }, '2월 30일'],
    ['내일 25시 회의 잡아줘', { title: '회의', date: '내일', time: '25:00' }, '25시'],
    ['내일 3시 잡아줘', { date: '내일', time: '15:00' }, '제목'],
    ['일정 잡아줘', { title: '일정' }, '언제'],
  ])(
    'is not made for "%s": the decision asks for what is missing or impossible',
    (message, params, word) => {
      expect(draft(message, params)).toMatchObject({
        action: 'clarify',
        response: expect.stringContaining(word),
      });
    },
  );
});

describe('a search', () => {
  test('has the ends of its period resolved and put in order', () => {
    const period = (params: Record<string, unknown>, message = '일정 찾아줘') =>
      paramsOf(decide(message, tool('calendar', 'search', params)));
    expect(period({ date_from: '내일', date_to: '금요일' })).toEqual({
      date_from: '2026-11-19',
      date_to: '2026-11-20',
    });
    expect(period({ date_from: '다음 주' })).toEqual({
      date_from: '2026-11-23',
      date_to: '2026-11-29',
    });
    expect(period({ date_from: '2026-11-25', date_to: '2026-11-20' })).toEqual({
      date_from: '2026-11-20',
      date_to: '2026-11-25',
    });
    expect(period({}, '모레 뭐 있더라')).toEqual({
      date_from: '2026-11-20',
      date_to: '2026-11-20',
    });
  });

  test('without a named period is answered with a question', () => {
    expect(decide('일정 찾아줘', tool('calendar', 'search', {}))).toMatchObject({
      action: 'clarify',
    });
  });

  test('by words needs no dates, and keeps the dates that the message names', () => {
    const search = (message: string, params: Record<string, unknown>) =>
      paramsOf(decide(message, tool('calendar', 'search', params)));
    expect(search('치과 일정 알려줘', { query: '치과' })).toEqual({ query: '치과' });
    expect(search('다음 달에 치과 가는 날이 언제야?', { query: '치과' })).toEqual({
      query: '치과',
      date_from: '2026-12-01',
      date_to: '2026-12-31',
    });
  });

  test.each(['치과 예약이 언제였지?', 'when was my dentist appointment?'])(
    'for "%s" covers the past and the future',
    (message) => {
      const decision = decide(message, tool('calendar', 'search', { query: '치과' }));
      expect(paramsOf(decision)).toEqual({
        query: '치과',
        date_from: '2026-05-22',
        date_to: '2027-05-17',
      });
    },
  );

  test('of mail covers past days, seven if nothing narrows it, and maps account words to folders', () => {
    const mail = (params: Record<string, unknown>) =>
      paramsOf(decide('메일', tool('email', 'search', params)));
    expect(mail({})).toEqual({ days: 7 });
    expect(mail({ query: '세금' })).toEqual({ query: '세금' });
    expect(mail({ date_from: '금요일' })).toEqual({
      date_from: '2026-11-13',
      date_to: '2026-11-13',
    });
    expect(mail({ folder: '회사' })).toEqual({ days: 7, folder: 'Work' });
    expect(mail({ folder: 'Archive/2024', days: 3 })).toEqual({ days: 3, folder: 'Archive/2024' });
  });

  test('of documents without words is answered with a question', () => {
    expect(decide('그거 찾아줘', tool('document', 'search', {}))).toMatchObject({
      action: 'clarify',
    });
  });

  test('with two calls runs none of them if one call lacks something', () => {
    const calls = [
      { tool: 'calendar', operation: 'today', params: {} },
      { tool: 'document', operation: 'search', params: {} },
    ];
    expect(decide('둘 다', { action: 'tools', calls })).toMatchObject({ action: 'clarify' });
  });
});

describe.each(momentsAhead())(
  'decisions at another moment: $name ($today)',
  ({ now: at, timeZone, today }) => {
    const decideNow = (message: string, answer: Record<string, unknown>) =>
      toDecision(parseClassification(JSON.stringify(answer)), { message, now: at, timeZone });

    test('date words of the model and of the message are resolved from today', () => {
      const params = { title: '치과', date: '내일', time: '오후 2시' };
      const date = dayAfter(today, 1);
      const expected = { title: '치과', date, time: '14:00' };
      expect(paramsOf(decideNow('치과 잡아줘', tool('calendar', 'create_draft', params)))).toEqual(
        expected,
      );
      const wrongDay = { ...params, date: dayAfter(today, 3) };
      expect(
        paramsOf(
          decideNow('내일 오후 2시 치과 잡아줘', tool('calendar', 'create_draft', wrongDay)),
        ),
      ).toEqual(expected);
    });

    test('a past day that the message does not name is asked about, today is accepted', () => {
      const on = (date: string) =>
        decideNow('치과 예약 잡아줘', tool('calendar', 'create_draft', { title: '치과', date }));
      expect(on(dayAfter(today, -1))).toMatchObject({ action: 'clarify' });
      expect(paramsOf(on(today))).toMatchObject({ date: today });
    });

    test('the ends of a search for next week are its first and last calendar day', () => {
      const [date_from, date_to] = weekAfter(today, 1);
      const answer = tool('calendar', 'search', { date_from: '다음 주' });
      expect(paramsOf(decideNow('일정 찾아줘', answer))).toEqual({ date_from, date_to });
    });
  },
);
