/** Reminders in chat through the whole core: a message sets one, it fires, is put off, and is cancelled. No model. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCore, type CoreFixture } from '#test/support/core';
import { fails, saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
/** Wednesday. */
const start = '2026-12-02T10:00:00+09:00';
const clock = { time: 0, now: () => clock.time };

async function open(schedules: Record<string, unknown> = {}): Promise<void> {
  clock.time = Date.parse(start);
  fixture = await openCore({ schedules, timezone: 'Asia/Seoul' }, { clock });
}
beforeEach(() => open());
afterEach(() => fixture.close());

const place = { channel: 'test', thread: 'dm', user_id: 'ann' };
const say = async (message: string, body: Record<string, unknown> = place): Promise<string> => {
  const { end } = await fixture.ask(message, body);
  return String(end.data['reply']);
};

/** Sets the clock and waits until everything that is due has been settled. */
async function at(iso: string): Promise<void> {
  clock.time = Date.parse(iso);
  fixture.core.schedules.worker.wake();
  await until(() => fixture.core.schedules.worker.state === 'waiting');
}

/** The texts that reminders have delivered, in order, with their address. */
async function delivered(): Promise<string[]> {
  const { jobs } = await fixture.client.jobs({ limit: '50' });
  const all = await Promise.all(jobs.map(({ job_id: id }) => fixture.client.job(id)));
  return all
    .filter(
      ({ reply }) =>
        reply?.startsWith('⏰') === true && !/드릴게요|remind you|예약했어요/.test(reply),
    )
    .toSorted((a, b) => (a.job_id < b.job_id ? -1 : 1))
    .map(({ reply }) => reply!);
}

describe('a reminder in chat', () => {
  test('is set, fires, is put off, fires again, and a repeating one is cancelled', async () => {
    expect(await say('내일 아침 9시에 약 먹으라고 알려줘')).toBe(
      '⏰ 2026-12-03 (목) 오전 9:00 (Asia/Seoul)에 알려드릴게요: 약 먹기\n(잘못됐다면 10분 안에 ‘취소’라고 답해주세요.)',
    );
    await at('2026-12-03T09:00:00+09:00');
    await until(async () => (await delivered()).length === 1);
    expect(await delivered()).toEqual(['⏰ 약 먹기']);
    expect(await say('10분 뒤에 다시 알려줘')).toContain(
      '2026-12-03 (목) 오전 9:10 (Asia/Seoul)에 다시 알려드릴게요: 약 먹기',
    );
    await at('2026-12-03T09:10:00+09:00');
    await until(async () => (await delivered()).length === 2);

    const draft = await fixture.client.submit({
      ...place,
      message: '매주 월요일 8시에 이번 주 일정 알려줘',
    });
    await until(async () => (await fixture.client.job(draft)).state === 'confirm-draft');
    expect(await fixture.client.submit({ ...place, message: '네' })).toBe(draft);
    await until(async () => (await fixture.client.job(draft)).reply !== null);
    expect((await fixture.client.job(draft)).reply).toContain(
      '매주 월요일 오전 8:00, 다음: 2026-12-07 (월) 오전 8:00 (Asia/Seoul)',
    );
    expect(await say('알림 뭐 있어?')).toBe(
      '예약된 알림 1건:\n1. 매주 월요일 오전 8:00, 다음: 2026-12-07 (월) 오전 8:00 (Asia/Seoul) — 이번 주 일정 알려줘',
    );
    expect(await say('월요일 알림 취소해줘')).toContain('알림을 취소했어요: 이번 주 일정 알려줘');
    expect(await say('알림 뭐 있어?')).toBe('예약된 알림이 없습니다.');
    expect(fixture.small.requests).toEqual([]);
  });

  test('goes to the person, channel and thread of its message', async () => {
    await say('in 20 minutes remind me to check the oven');
    await at('2026-12-02T10:20:00+09:00');
    await until(async () => (await delivered()).length === 1);
    const { jobs } = await fixture.client.jobs({ limit: '1' });
    const job = await fixture.client.job(jobs[0]!.job_id);
    expect(job).toMatchObject({ channel: 'test', user_id: 'ann', reply: '⏰ check the oven' });
    const end = (await fixture.client.events(job.job_id)).at(-1)!;
    expect(end.data['offers']).toEqual(['snooze']);
    const [schedule] = await fixture.core.schedules.schedules.list({ userId: 'ann' }, '', 10);
    expect(schedule).toMatchObject({ thread: 'dm', createdBy: 'chat', zone: 'Asia/Seoul' });
  });

  test('is answered with the absolute time, the weekday and the zone, and a way back', async () => {
    const { end } = await fixture.ask('Remind me to call Dr. Kim tomorrow at 3pm', place);
    expect(end.data).toMatchObject({
      reply:
        '⏰ I will remind you on 2026-12-03 (Thu) 3:00 PM (Asia/Seoul): call Dr. Kim\n(If that is wrong, reply "undo" within 10 minutes.)',
      offers: ['undo'],
    });
  });

  test.each(['취소', 'undo', '취소해줘'])('is taken back by the word %s', async (word) => {
    await say('30분 뒤에 빨래 꺼내라고 알려줘');
    expect(await say(word)).toContain('빨래 꺼내기');
    expect(await say('알림 뭐 있어?')).toBe('예약된 알림이 없습니다.');
    await at('2026-12-02T10:31:00+09:00');
    expect(await delivered()).toEqual([]);
  });

  test('is not taken back later than ten minutes, or in another conversation', async () => {
    await say('3시간 뒤에 빨래 꺼내라고 알려줘');
    const other = saysJson({ action: 'direct', response: '무엇을 취소할까요?' });
    fixture.small.script(other, other);
    expect(await say('취소', { ...place, thread: 'other' })).toBe('무엇을 취소할까요?');
    clock.time += 11 * 60_000;
    expect(await say('취소')).toBe('무엇을 취소할까요?');
    expect(await say('알림 뭐 있어?')).toContain('빨래 꺼내기');
  });

  test('is taken back after a restart, within ten minutes', async () => {
    await say('3시간 뒤에 빨래 꺼내라고 알려줘');
    await fixture.restart();
    expect(await say('취소')).toContain('빨래 꺼내기');
    expect(await say('알림 뭐 있어?')).toBe('예약된 알림이 없습니다.');
  });

  test.each([
    ['내일 약 먹으라고 알려줘', '오전 9시', '2026-12-03 (목) 오전 9:00'],
    ['내일 9시에 약 먹으라고 알려줘', '오후', '2026-12-03 (목) 오후 9:00'],
    ['remind me tomorrow to call mom', '3pm', '2026-12-03 (Thu) 3:00 PM'],
    ['내일 알려줘', '오전 9시', '2026-12-03 (목) 오전 9:00'],
  ])('that was asked about, %s, is completed by %s alone', async (request, answer, told) => {
    expect(await say(request)).not.toContain(told);
    await fixture.restart();
    expect(await say(answer)).toContain(told);
  });

  test('is not completed by a bare time after another message, or ten minutes later', async () => {
    const other = saysJson({ action: 'direct', response: '네?' });
    fixture.small.script(other, other);
    await say('내일 약 먹으라고 알려줘');
    expect(await say('알림 뭐 있어?')).toBe('예약된 알림이 없습니다.');
    expect(await say('오전 9시')).toBe('네?');
    await say('내일 약 먹으라고 알려줘');
    clock.time += 11 * 60_000;
    expect(await say('오전 9시')).toBe('네?');
  });

  test('that was just set is corrected by another time, and nowhere else', async () => {
    const other = saysJson({ action: 'direct', response: '네?' });
    fixture.small.script(other, other);
    expect(await say('아니 10분')).toBe('네?');
    expect(await say('시간 바꿔줘')).toBe('네?');
    await say('30분 뒤에 빨래 꺼내라고 알려줘');
    expect(await say('아니 10분')).toContain('2026-12-02 (수) 오전 10:10 (Asia/Seoul)');
    expect(await say('시간 바꿔줘')).toBe('몇 시로(또는 언제로) 바꿀까요?');
    expect(await say('오후 8시')).toContain('→ 2026-12-02 (수) 오후 8:00');
    const list = await say('알림 뭐 있어?');
    expect(list).toContain('예약된 알림 1건');
    expect(list).toContain('오후 8:00');
  });

  test('is taken back by its button, once, and by nobody else', async () => {
    const { jobId } = await fixture.ask('3시간 뒤에 빨래 꺼내라고 알려줘', place);
    await say('내일 오후 3시에 치과 가라고 알려줘');
    const offer = { job_id: jobId, name: 'undo' };
    const press = { ...place, message: '되돌려줘', offer };
    await expect(fixture.client.submit({ ...press, user_id: 'bob' })).rejects.toThrow(/404|found/i);
    await expect(
      fixture.client.submit({ ...press, offer: { ...offer, name: 'snooze' } }),
    ).rejects.toThrow(/no button/);
    expect(await say('되돌려줘', { ...place, offer })).toContain('빨래 꺼내기');
    const again = await say('되돌려줘', { ...place, offer });
    expect(again).not.toContain('치과');
    const list = await say('알림 뭐 있어?');
    expect(list).toContain('치과 가기');
    expect(list).not.toContain('빨래');
  });

  test('that fired before another one is had again by its own button', async () => {
    await say('10분 뒤에 빨래 꺼내라고 알려줘');
    await say('11분 뒤에 가스 끄라고 알려줘');
    await at('2026-12-02T10:12:00+09:00');
    await until(async () => (await delivered()).length === 2);
    const { jobs } = await fixture.client.jobs({ limit: '10' });
    const all = await Promise.all(jobs.map(({ job_id: id }) => fixture.client.job(id)));
    const first = all.find(
      ({ reply }) => /^⏰ .*빨래/.test(reply ?? '') && !/드릴게요/.test(reply!),
    );
    const offer = { job_id: first!.job_id, name: 'snooze' };
    const reply = await say('10분 뒤에 다시 알려줘', { ...place, offer });
    expect(reply).toContain('오전 10:22');
    expect(reply).toContain('빨래 꺼내기');
  });

  test('that was cancelled by mistake is restored, and 취소 restores nothing', async () => {
    await say('내일 오후 3시에 치과 가라고 알려줘');
    expect(await say('치과 알림 취소해줘')).toContain('2026-12-03 (목) 오후 3:00');
    expect(await say('취소')).toContain('알림이 없습니다');
    expect(await say('되돌려줘')).toContain('되돌렸어요: 치과 가기');
    expect(await say('알림 뭐 있어?')).toContain('치과 가기');
  });

  test('that was set in another conversation is cancelled without a way back, for there is none', async () => {
    await say('내일 오후 3시에 치과 가라고 알려줘', { ...place, thread: 'other' });
    const reply = await say('치과 알림 취소해줘');
    expect(reply).toContain('알림을 취소했어요: 치과 가기');
    expect(reply).not.toContain('되돌려줘');
  });

  test('of another person is neither listed nor cancelled', async () => {
    await say('내일 오후 3시에 치과 가라고 알려줘');
    const bob = { ...place, user_id: 'bob' };
    expect(await say('알림 뭐 있어?', bob)).toBe('예약된 알림이 없습니다.');
    expect(await say('알림 전부 취소해줘', bob)).toBe('그런 알림은 없습니다.');
    expect(await say('알림 뭐 있어?')).toContain('치과 가기');
  });

  test('is asked for if its time is missing, over or doubtful, and nothing is set', async () => {
    expect(await say('내일 약 먹으라고 알려줘')).toContain('몇 시에');
    expect(await say('오늘 오전 9시에 약 먹으라고 알려줘')).toContain('이미 지난 시각');
    expect(await say('내일 9시에 약 먹으라고 알려줘')).toContain('오전인가요, 오후인가요?');
    expect(await say('remind me to call mom')).toContain('When should I remind you?');
    expect(await say('알림 뭐 있어?')).toBe('예약된 알림이 없습니다.');
  });

  test('is chosen by a question if several match, and by its number', async () => {
    await say('내일 오후 3시에 약 먹으라고 알려줘');
    await say('내일 오후 9시에 약 먹으라고 알려줘');
    const question = await say('약 알림 취소해줘');
    expect(question).toContain('어느 알림인가요?');
    expect(question).toContain('2. 2026-12-03 (목) 오후 9:00');
    expect(await say('2번 알림 취소해줘')).toContain('오후 9:00');
    expect(await say('알림 뭐 있어?')).toMatch(/1건:\n.*오후 3:00/);
  });

  test('is moved, paused and resumed', async () => {
    await say('내일 오후 3시에 약 먹으라고 알려줘');
    expect(await say('약 알림 4시로 바꿔줘')).toContain(
      '오후 3:00 (Asia/Seoul) → 2026-12-03 (목) 오후 4:00',
    );
    expect(await say('약 알림 잠시 멈춰줘')).toContain('알림을 멈췄어요');
    expect(await say('알림 뭐 있어?')).toContain('(멈춤)');
    expect(await say('약 알림 다시 켜줘')).toContain('2026-12-03 (목) 오후 4:00');
  });

  test('is paused and resumed with all others, and alone if it is the only paused one', async () => {
    await say('내일 오후 3시에 약 먹으라고 알려줘');
    await say('내일 오후 9시에 약 바르라고 알려줘');
    expect(await say('pause all my reminders')).toContain('Paused all 2 reminders.');
    expect(await say('알림 전부 다시 켜줘')).toContain('알림 2건을 모두 다시 켰어요.');
    await say('1번 알림 잠시 멈춰줘');
    expect(await say('약 알림 다시 켜줘')).toContain('오후 3:00');
  });

  test('that repeats is shown with its times first, can be changed, and is set after a yes', async () => {
    const message = 'remind me every weekday at 8 to take my vitamins';
    const draft = await fixture.client.submit({ ...place, message });
    const shown = async () =>
      (await fixture.client.events(draft))
        .filter(({ type, data }) => type === 'result' && data['final'] === false)
        .map(({ data }) => String(data['content']));
    await until(async () => (await shown()).length === 1);
    expect((await shown())[0]).toContain(
      'every weekday at 8:00 AM, next: 2026-12-03 (Thu) 8:00 AM',
    );
    expect(await fixture.client.submit({ ...place, message: 'change it to 9am' })).toBe(draft);
    await until(async () => (await shown()).length === 2);
    expect((await shown())[1]).toContain('every weekday at 9:00 AM');
    await fixture.client.submit({ ...place, message: 'yes' });
    await until(async () => (await fixture.client.job(draft)).reply !== null);
    expect(await say('what reminders do i have')).toContain('every weekday at 9:00 AM');
  });

  test('gives the words of a model to the reader, and never an instant that a model has computed', async () => {
    fixture.small.script(
      saysJson({
        action: 'tools',
        tool: 'schedule',
        operation: 'set',
        params: { what: '재활용 내놓기', when: '2026-12-09T19:00' },
      }),
    );
    const message = '담주 화욜 저녁 7시쯤에 재활용 내놓는 거 톡으로 찔러줘';
    const draft = await fixture.client.submit({ ...place, message });
    await until(async () => (await fixture.client.job(draft)).state === 'confirm-draft');
    const shown = JSON.stringify(await fixture.client.events(draft));
    expect(shown).toContain('2026-12-08 (화) 오후 7:00');
    expect(shown).not.toContain('2026-12-09');
  });

  test('needs no model: a request that the rules understand is answered while all are down', async () => {
    fixture.small.script(fails(500));
    expect(await say('wake me up at 7')).toContain('2026-12-03 (Thu) 7:00 AM');
    expect(fixture.small.requests).toEqual([]);
  });
});

describe('the setting schedules.confirm', () => {
  test('always: a single reminder waits for a yes too', async () => {
    await fixture.close();
    await open({ confirm: 'always' });
    const draft = await fixture.client.submit({ ...place, message: '30분 뒤에 알려줘' });
    await until(async () => (await fixture.client.job(draft)).state === 'confirm-draft');
  });

  test('never: a repeating reminder is set at once, with a way back', async () => {
    await fixture.close();
    await open({ confirm: 'never' });
    expect(await say('매일 아침 7시에 운동하라고 알려줘')).toContain('매일 오전 7:00');
    expect(await say('취소')).toContain('취소했어요: 운동하기');
  });

  test('chat false: no rule reads such a request, and the classifier is not offered the tool', async () => {
    await fixture.close();
    await open({ chat: false });
    fixture.small.script(saysJson({ action: 'direct', response: '네' }));
    expect(await say('30분 뒤에 알려줘')).toBe('네');
    expect(JSON.stringify(fixture.small.requests)).not.toContain('schedule.set');
  });
});
