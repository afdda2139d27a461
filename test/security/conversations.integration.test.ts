/**
 * A conversation belongs to one user, whatever the ids are: no other user reaches its history, draft or running job.
 */
import { describe, expect, test } from 'vitest';
import { saysJson } from '#test/support/fake-llm-replies';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { json, keyedCore } from './keys.ts';

const draft = saysJson({
  action: 'tools',
  tool: 'calendar',
  operation: 'create_draft',
  params: { title: '치과', date: '2031-03-04', time: '10:00' },
});

/** Addresses that would collide with user `a` in thread `b` of channel `c` if the parts were only concatenated. */
const lookalikes: Record<string, string>[] = [
  { user_id: 'a:b', channel: 'c' },
  { user_id: 'a/b', channel: 'c' },
  { user_id: 'b:a', channel: 'c' },
  { user_id: 'b', channel: 'c', thread: 'a' },
  { user_id: 'a', channel: 'c' },
  { user_id: 'a', channel: 'b', thread: 'c' },
  { user_id: 'A', channel: 'c', thread: 'b' },
  { user_id: 'a ', channel: 'c', thread: 'b' },
  { user_id: 'а', channel: 'c', thread: 'b' },
];

describe('a conversation of user a in thread b of channel c', () => {
  test.each(lookalikes)('is not shared with %j', async (other) => {
    const core = await keyedCore({}, { server: { port: 0 } });
    const say = async (who: Record<string, string>, message: string): Promise<string> => {
      const { job_id: id } = await json(core.call('nobody', 'POST', '/chat', { ...who, message }));
      await until(async () => {
        const { outcome, state } = await json(core.call('nobody', 'GET', `/chat/${id}`));
        return outcome !== null || state === 'confirm-draft';
      });
      return String(id);
    };
    const own = { user_id: 'a', channel: 'c', thread: 'b' };
    core.small.script(draft);
    const id = await say(own, '3월 4일 10시에 비밀 치과 예약 넣어줘');
    for (const word of ['확인', '취소', '그만', '11시로 바꿔줘']) {
      core.small.script(direct('무엇을요?'));
      expect(await say(other, word)).not.toBe(id);
      expect(JSON.stringify(core.small.requests.at(-1)?.body)).not.toContain('비밀');
    }
    const view = await json(core.call('nobody', 'GET', `/chat/${id}`));
    expect(view['state']).toBe('confirm-draft');
    const key = { ...own, idempotency_key: 'k' };
    core.small.script(direct('하나'), direct('둘'));
    expect(await say({ ...other, idempotency_key: 'k' }, '안녕')).not.toBe(await say(key, '안녕'));
  });
});
