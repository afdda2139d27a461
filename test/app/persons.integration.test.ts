/** One person with two keys and two chats, and another person: over HTTP, and as bridges would send. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createChannelJobService } from '#events/channel-link/channel-job-service';
import { CoreClient } from '#http/client/core-client';
import { createPersons } from '#shared/persons';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { says as answers, saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

const people = [
  { id: 'kim', name: '김', keys: ['kim-phone', 'kim-laptop'], channels: { synology: 4, toy: 'k' } },
  { id: 'lee', keys: ['lee-phone'], channels: { toy: '4' } },
];
const chats = ['synology', 'toy'];
const persons = createPersons(
  [
    { id: 'kim', name: '김', channels: { synology: '4', toy: 'k' } },
    { id: 'lee', name: 'lee', channels: { toy: '4' } },
  ],
  chats,
);

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore(
    {
      server: { port: 0, apiKeys: ['operator'] },
      persons: people,
      // The answers of the large model are those of the jobs, in order.
      jobs: { speculate: 'never' },
    },
    { channels: chats },
  );
});
afterEach(() => fixture.close());

const by = (key: string): CoreClient => new CoreClient(fixture.core.url, key);
/** The core as the bridge of a chat has it. */
const bridge = (channel: string) =>
  createChannelJobService(fixture.core.jobService, channel, persons);

/** A message in a chat. Returns its job. */
const says = async (channel: string, user: string, message: string, more = {}): Promise<string> =>
  (await bridge(channel).submit({ message, user_id: user, ...more })).job_id;

const view = (jobId: string) => fixture.client.job(jobId);
const ended = async (jobId: string) => {
  await until(async () => (await view(jobId)).reply !== null);
  return view(jobId);
};
const wantsDentist = (title = '치과') =>
  saysJson({
    action: 'tools',
    tool: 'calendar',
    operation: 'create_draft',
    params: { title, date: '2031-03-05', time: '15:00' },
  });
const drafted = async (submit: () => Promise<string>, title?: string): Promise<string> => {
  fixture.small.script(wantsDentist(title));
  const jobId = await submit();
  await until(async () => (await view(jobId)).state === 'confirm-draft');
  return jobId;
};
const dentist = '2031년 3월 5일 3시에 치과 잡아줘';

describe('one person on several channels', () => {
  test('has one history: a model is given what was said on the other channel', async () => {
    fixture.small.script(direct('토끼를 좋아하시는군요'), direct('토끼요'), direct('모릅니다'));
    await ended(await says('synology', '4', '나는 토끼가 좋아'));
    await ended(await by('kim-phone').submit({ message: '내가 뭘 좋아한다고 했지?' }));
    const seen = JSON.stringify(fixture.small.requests.at(-1)!.body.messages);
    expect(seen).toContain('나는 토끼가 좋아');
    await ended(await says('toy', '4', '내가 뭘 좋아한다고 했지?'));
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body.messages)).not.toContain('토끼');
  });

  test('has one list of jobs and one set of documents, with every key', async () => {
    fixture.small.script(direct('네'));
    const jobId = await says('synology', '4', '안녕');
    await ended(jobId);
    await by('kim-laptop').request('POST', '/documents', { title: '일기', text: '비밀 토끼' });
    for (const key of ['kim-phone', 'kim-laptop']) {
      expect((await by(key).jobs({})).jobs.map(({ job_id }) => job_id)).toEqual([jobId]);
      const found = await by(key).request('GET', '/documents/search?q=토끼');
      expect(JSON.stringify(found)).toContain('일기');
    }
    expect((await by('lee-phone').jobs({})).jobs).toEqual([]);
    expect(JSON.stringify(await by('lee-phone').request('GET', '/documents'))).not.toContain(
      '일기',
    );
    await expect(by('lee-phone').job(jobId)).rejects.toThrow('GH_JOB_NOT_FOUND');
  });

  test('an answer goes to the channel of its question', async () => {
    fixture.small.script(direct('하나'), direct('둘'));
    const [chat, phone] = [
      await ended(await says('synology', '4', '첫째')),
      await ended(await by('kim-phone').submit({ message: '둘째' })),
    ];
    expect([chat.channel, phone.channel]).toEqual(['synology', 'http']);
    expect(chat.user_id).toBe('kim');
  });

  test('a draft shown in a chat is confirmed on the phone, and one of the phone in a chat', async () => {
    const inChat = await drafted(() => says('synology', '4', dentist));
    expect(await by('kim-phone').submit({ message: '확인' })).toBe(inChat);
    expect(await ended(inChat)).toMatchObject({ outcome: 'answered' });
    const onPhone = await drafted(() => by('kim-phone').submit({ message: dentist }), '미용실');
    expect(await says('toy', 'k', '네')).toBe(onPhone);
    expect(await ended(onPhone)).toMatchObject({ outcome: 'answered' });
  });

  test('a yes is for the draft of its own conversation first, then for the newest of the others', async () => {
    const thread = await drafted(() =>
      by('kim-phone').submit({ message: dentist, thread: 'trip' }),
    );
    const main = await drafted(() => says('synology', '4', dentist));
    expect(await by('kim-phone').submit({ message: '확인', thread: 'trip' })).toBe(thread);
    await ended(thread);
    const other = await drafted(() => by('kim-phone').submit({ message: dentist, thread: 'b' }));
    expect(await says('synology', '4', '확인')).toBe(main);
    await ended(main);
    expect(await says('synology', '4', '확인')).toBe(other);
    expect(await ended(other)).toMatchObject({ outcome: 'answered' });
  });

  test('a yes in a room decides nothing that was shown elsewhere', async () => {
    const alone = await drafted(() => says('synology', '4', dentist));
    fixture.small.script(direct('무엇을요?'));
    expect(await says('synology', '4', '확인', { thread: 'channel-all' })).not.toBe(alone);
    expect(await view(alone)).toMatchObject({ state: 'confirm-draft' });
    const draft = { job_id: alone, draft_seq: (await view(alone)).seq };
    await expect(
      says('synology', '4', '확인', { thread: 'channel-all', draft }),
    ).rejects.toMatchObject({ code: 'GH_JOB_NOT_FOUND' });
  });

  test('nobody else confirms a draft, neither in words nor by its id', async () => {
    const jobId = await drafted(() => says('synology', '4', dentist));
    const draft = { job_id: jobId, draft_seq: (await view(jobId)).seq };
    fixture.small.script(direct('네?'), direct('네?'), direct('네?'));
    expect(await says('toy', '4', '확인')).not.toBe(jobId);
    expect(await by('lee-phone').submit({ message: '확인' })).not.toBe(jobId);
    await expect(by('lee-phone').submit({ message: '확인', draft })).rejects.toThrow(
      'GH_JOB_NOT_FOUND',
    );
    await expect(bridge('toy').confirm(jobId, '4')).rejects.toMatchObject({
      code: 'GH_JOB_NOT_FOUND',
    });
    expect(await view(jobId)).toMatchObject({ state: 'confirm-draft' });
  });

  test('a button of another chat decides for its person, and the answer is told there too', async () => {
    const jobId = await drafted(() => says('synology', '4', dentist));
    await bridge('toy').confirm(jobId, 'k');
    await ended(jobId);
    const rows = await fixture.core.jobService.events(jobId);
    expect(rows.at(-1)).not.toHaveProperty('via');
    expect(await bridge('toy').get(jobId)).toMatchObject({ user_id: 'k', channel: 'synology' });
  });
});

describe('an id of a chat', () => {
  test('that is spelled like a person is refused, and a stranger stays a stranger', async () => {
    await expect(says('synology', 'kim', '내 일정')).rejects.toMatchObject({
      code: 'GH_REQUEST_FORBIDDEN',
    });
    await expect(bridge('synology').list({ user_id: 'lee' })).rejects.toMatchObject({
      code: 'GH_REQUEST_FORBIDDEN',
    });
    fixture.small.script(direct('네'));
    const stranger = await ended(await says('synology', '7', '안녕'));
    expect(stranger.user_id).toBe('7');
  });

  test('is what a bridge sees of its own jobs and lists; other persons do not exist for it', async () => {
    fixture.small.script(direct('네'), direct('네'));
    const mine = await says('toy', 'k', '안녕');
    const lees = await says('toy', '4', '안녕');
    await Promise.all([ended(mine), ended(lees)]);
    expect(await bridge('toy').get(mine)).toMatchObject({ user_id: 'k' });
    const { jobs } = await bridge('toy').list({ user_id: '4' });
    expect(jobs.map(({ job_id, user_id }) => [job_id, user_id])).toEqual([[lees, '4']]);
    // kim has an id in both chats, lee only in one.
    expect(await bridge('synology').get(mine)).toMatchObject({ user_id: '4' });
    await expect(bridge('synology').get(lees)).rejects.toMatchObject({ code: 'GH_JOB_NOT_FOUND' });
    await expect(
      fixture.client.submit({ message: '안녕', user_id: 'lee', channel: 'synology' }),
    ).rejects.toThrow('lee has no id in synology');
  });

  test('of the operator’s programs means the person too, and its key stays that of the message', async () => {
    fixture.small.script(direct('네'));
    const body = {
      message: '안녕',
      user_id: '4',
      channel: 'synology',
      idempotency_key: 'synology:p1',
    };
    const jobId = await fixture.client.submit(body);
    expect((await ended(jobId)).user_id).toBe('kim');
    expect(await says('synology', '4', '안녕', { idempotency_key: 'p1' })).toBe(jobId);
  });
});

test('the messages of one person are answered in the order in which they were accepted, over all channels', async () => {
  const ways = [
    (text: string) => says('synology', '4', text),
    (text: string) => says('toy', 'k', text),
    (text: string) => by('kim-phone').submit({ message: text }),
    (text: string) => by('kim-laptop').submit({ message: text, channel: 'web' }),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ way: fc.nat(3), isDeep: fc.boolean() }), { minLength: 2, maxLength: 8 }),
      async (messages) => {
        // An answer of the large model takes one request more: without an order the next message would overtake it.
        fixture.small.script(
          ...messages.map(({ isDeep }, n) => (isDeep ? routed : direct(`답 ${n}`))),
        );
        fixture.large.script(
          ...messages.flatMap(({ isDeep }, n) => (isDeep ? [answers(`답 ${n}`)] : [])),
        );
        const ids: string[] = [];
        // Each is accepted before the next one is sent: else the order is that of the network.
        for (const [n, { way }] of messages.entries()) ids.push(await ways[way]!(`질문 ${n}?`));
        const jobs = await Promise.all(ids.map(ended));
        expect(jobs.map(({ reply }) => reply)).toEqual(messages.map((_, n) => `답 ${n}`));
        const ends = jobs.map(({ updated_at }) => updated_at);
        expect(ends).toEqual(ends.toSorted());
      },
    ),
    { numRuns: 12 },
  );
});
