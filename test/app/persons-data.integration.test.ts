/** What belongs to a person in all chats: reminders and their plain words, memory, limits; and changes of `persons`. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createChannelJobService } from '#events/channel-link/channel-job-service';
import { CoreClient } from '#http/client/core-client';
import { createPersons } from '#shared/persons';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { until } from '#test/support/journal';

const chats = ['synology', 'toy'];
/** The person `kim` has the ids `kim-s` and `kim-t`, and the key `kim-key`. */
const personOf = (id: string, channels: Record<string, string>) => ({
  id,
  keys: [`${id}-key`, `${id}-laptop`],
  channels,
});
const inBoth = (id: string) => personOf(id, { synology: `${id}-s`, toy: `${id}-t` });
const people = ['kim', 'ann', 'bob', 'cho', 'dan', 'eve', 'fay', 'gus'].map(inBoth);

const clock = { time: 0, now: () => clock.time };
let fixture: CoreFixture;
let persons = createPersons([], chats);

/** The configuration as it is from the next start on. */
function setPersons(list: ReturnType<typeof personOf>[]): void {
  persons = createPersons(
    list.map((one) => ({ ...one, name: one.id })),
    chats,
  );
  if (fixture !== undefined) fixture.config.persons = list.map((one) => ({ ...one, name: one.id }));
}

beforeAll(async () => {
  clock.time = Date.parse('2026-12-02T10:00:00+09:00');
  setPersons(people);
  const server = { port: 0, apiKeys: ['operator'] };
  fixture = await openCore({ server, persons: people }, { channels: chats, clock });
});
afterAll(() => fixture.close());

const by = (key: string): CoreClient => new CoreClient(fixture.core.url, key);
const ended = async (jobId: string): Promise<string> => {
  await until(async () => (await fixture.client.job(jobId)).reply !== null);
  return (await fixture.client.job(jobId)).reply!;
};
/** A message in a chat, and its answer. */
const says = async (channel: string, user: string, message: string, more = {}): Promise<string> => {
  const bridge = createChannelJobService(fixture.core.jobService, channel, persons);
  return ended((await bridge.submit({ message, user_id: user, ...more })).job_id);
};
const writes = async (id: string, message: string, more = {}): Promise<string> =>
  ended(await by(`${id}-key`).submit({ message, ...more }));
const schedulesOf = async (key: string): Promise<{ text: string; channel: string }[]> => {
  type Page = { schedules: { text: string; channel: string }[] };
  const { schedules } = await by(key).request<Page>('GET', '/schedules');
  return schedules.map(({ text, channel }) => ({ text, channel }));
};
const factsOf = async (key: string): Promise<string[]> => {
  type Page = { facts: { text: string }[] };
  const { facts } = await by(key).request<Page>('GET', '/memory');
  return facts.map(({ text }) => text);
};
const unknown = '무엇을요?';

describe('reminders of one person', () => {
  test('are one list for all chats and keys, and each goes to the chat in which it was set', async () => {
    await says('synology', 'ann-s', '내일 아침 9시에 약 먹으라고 알려줘');
    await says('toy', 'ann-t', '내일 저녁 7시에 빨래 걷으라고 알려줘');
    for (const list of [
      await says('toy', 'ann-t', '알림 뭐 있어?'),
      await says('synology', 'ann-s', '알림 뭐 있어?'),
      await writes('ann', '알림 뭐 있어?'),
    ]) {
      expect(list).toContain('약 먹기');
      expect(list).toContain('빨래 걷기');
    }
    const channels = (await schedulesOf('ann-laptop')).map(({ channel }) => channel);
    expect(channels.toSorted()).toEqual(['synology', 'toy']);
    expect(await says('toy', 'kim-t', '알림 뭐 있어?')).not.toContain('약 먹기');
    expect(await says('toy', 'ann-t', '약 알림 취소해줘')).toContain('약 먹기');
    expect((await schedulesOf('ann-key')).map(({ channel }) => channel)).toEqual(['toy']);
  });

  test('are taken back, and restored to their own chat, by the plain word in another chat', async () => {
    await says('synology', 'bob-s', '3시간 뒤에 빨래 꺼내라고 알려줘');
    fixture.small.script(direct(unknown), direct(unknown));
    // Others read along in a room, and another person means something else.
    expect(await says('synology', 'bob-s', '취소', { thread: 'channel-all' })).toBe(unknown);
    expect(await says('toy', 'kim-t', '취소')).toBe(unknown);
    expect(await says('toy', 'bob-t', '취소')).toContain('빨래 꺼내기');
    expect(await schedulesOf('bob-key')).toEqual([]);
    await says('synology', 'bob-s', '3시간 뒤에 빨래 꺼내라고 알려줘');
    await says('synology', 'bob-s', '빨래 알림 취소해줘');
    expect(await schedulesOf('bob-key')).toEqual([]);
    expect(await writes('bob', '되돌려줘')).toContain('빨래 꺼내기');
    expect(await schedulesOf('bob-key')).toEqual([{ text: '빨래 꺼내기', channel: 'synology' }]);
  });

  test('are put off in another chat, and come back there', async () => {
    await says('synology', 'cho-s', '20분 뒤에 오븐 확인하라고 알려줘');
    clock.time += 20 * 60_000;
    fixture.core.schedules.worker.wake();
    const heard = async (): Promise<string[]> =>
      (await by('cho-key').jobs({})).jobs.map(({ reply }) => reply ?? '');
    await until(async () => (await heard()).includes('⏰ 오븐 확인하기'));
    expect(await says('toy', 'kim-t', '10분 뒤에 다시 알려줘')).not.toContain('오븐');
    expect(await says('toy', 'cho-t', '10분 뒤에 다시 알려줘')).toContain('오븐 확인하기');
    expect(await schedulesOf('cho-key')).toEqual([{ text: '오븐 확인하기', channel: 'toy' }]);
  });
});

describe('the memory of one person', () => {
  test('is one for all chats, and a forgotten fact is erased in the jobs of all of them', async () => {
    await says('synology', 'dan-s', '기억해: 차고 비밀번호는 QX-88172');
    expect(await says('toy', 'dan-t', '뭘 기억하고 있어?')).toContain('QX-88172');
    fixture.small.script(direct('차고 비밀번호는 QX-88172 입니다'));
    await writes('dan', '차고 비밀번호가 뭐였지?');
    await says('toy', 'kim-t', '기억해: 차고 비밀번호는 QX-88172');
    await says('toy', 'dan-t', '차고 비밀번호 잊어줘');
    expect(await factsOf('dan-key')).toEqual([]);
    const stored = async (user: string): Promise<string> => {
      const { jobs } = await fixture.client.jobs({ user_id: user });
      const all = await Promise.all(
        jobs.map(async ({ job_id: id }) => [
          await fixture.client.job(id),
          await fixture.client.events(id),
        ]),
      );
      return JSON.stringify(all);
    };
    await until(async () => !(await stored('dan')).includes('88172'));
    // Another person has told the same.
    expect(await stored('kim')).toContain('88172');
    expect(await factsOf('kim-key')).toEqual(['차고 비밀번호는 QX-88172']);
  });

  test('loses what was told last by "forget that" in another chat, but not in a room', async () => {
    await says('synology', 'eve-s', 'remember that I hate mondays');
    fixture.small.script(direct(unknown), direct(unknown));
    expect(await says('toy', 'eve-t', 'forget that', { thread: 'channel-all' })).toBe(unknown);
    expect(await says('toy', 'kim-t', 'forget that')).not.toBe(unknown);
    expect(await factsOf('eve-key')).toEqual(['I hate mondays']);
    expect(await says('toy', 'eve-t', 'forget that')).toContain('Forgotten');
    expect(await factsOf('eve-key')).toEqual([]);
  });
});

test('limits count for the person, whichever key or chat is used', async () => {
  const small = await openCore(
    {
      server: { port: 0, apiKeys: ['operator'], limits: { requestsPerMinute: 6 } },
      schedules: { perUserMax: 1 },
      persons: [inBoth('kim'), inBoth('ann')],
    },
    { channels: chats, clock },
  );
  onTestFinished(() => small.close());
  const both = createPersons(
    [inBoth('kim'), inBoth('ann')].map((one) => ({ ...one, name: one.id })),
    chats,
  );
  const tell = async (channel: string, user: string): Promise<string> => {
    const bridge = createChannelJobService(small.core.jobService, channel, both);
    const message = '3시간 뒤에 빨래 꺼내라고 알려줘';
    const { job_id: id } = await bridge.submit({ message, user_id: user });
    await until(async () => (await small.client.job(id)).reply !== null);
    return (await small.client.job(id)).reply!;
  };
  expect(await tell('synology', 'kim-s')).toContain('알려드릴게요');
  expect(await tell('toy', 'kim-t')).not.toContain('알려드릴게요');
  expect(await tell('toy', 'ann-t')).toContain('알려드릴게요');
  const status = async (key: string): Promise<number> =>
    (await fetch(`${small.core.url}/jobs`, { headers: { authorization: `Bearer ${key}` } })).status;
  const seen: number[] = [];
  for (let n = 0; n < 6; n += 1) seen.push(await status(n % 2 === 0 ? 'kim-key' : 'kim-laptop'));
  expect(seen).toEqual([200, 200, 200, 200, 200, 200]);
  expect([await status('kim-key'), await status('kim-laptop')]).toEqual([429, 429]);
  expect(await status('ann-key')).toBe(200);
});

describe('a change of the configuration', () => {
  test('moves an id to another person: new messages are theirs, what was stored stays', async () => {
    fixture.small.script(direct('고양이요'), direct('모릅니다'), direct('고양이요'));
    await says('toy', 'fay-t', '나는 고양이가 좋아');
    await says('toy', 'fay-t', '내일 아침 9시에 약 먹으라고 알려줘');
    setPersons([
      personOf('fay', { synology: 'fay-s' }),
      personOf('gus', { synology: 'gus-s', toy: 'fay-t' }),
    ]);
    await fixture.restart();
    await says('toy', 'fay-t', '내가 뭘 좋아한다고 했지?');
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body.messages)).not.toContain('고양이가');
    expect((await by('gus-key').jobs({})).jobs).toHaveLength(1);
    expect(await schedulesOf('gus-key')).toEqual([]);
    await says('synology', 'fay-s', '내가 뭘 좋아한다고 했지?');
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body.messages)).toContain('고양이가');
    expect(await schedulesOf('fay-key')).toHaveLength(1);
  });

  test('removes a person: the keys are refused, the id is its own user, and the data is there again later', async () => {
    setPersons([inBoth('gus')]);
    await fixture.restart();
    await expect(by('fay-key').jobs({})).rejects.toThrow('GH_REQUEST_UNAUTHORIZED');
    fixture.small.script(direct('모릅니다'));
    await says('synology', 'fay-s', '내가 뭘 좋아한다고 했지?');
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body.messages)).not.toContain('고양이가');
    const { jobs } = await fixture.client.jobs({ user_id: 'fay' });
    setPersons(people);
    await fixture.restart();
    expect((await by('fay-key').jobs({})).jobs).toEqual(jobs);
    expect(await schedulesOf('fay-key')).toHaveLength(1);
  });
});
