/** The ask loop as server-sent events, and as the answer of a chat. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  breaksAfter,
  calls,
  fails,
  says,
  saysNothing,
  stalls,
  stallsAfter,
} from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { eventsOf, openAsk, reactRoles, toolTexts, type AskSetting } from './setting.ts';

let setting: AskSetting;
afterEach(() => setting.close());

const searching = calls(['search', '{"query":"보일러"}']);

describe('the stream of POST /ask/react', () => {
  test('sends rounds and sources as they come, then the answer in pieces and as a whole', async () => {
    setting = await openAsk();
    const id = await setting.bring('보일러 설명서', '보증은 2027년 3월까지');
    setting.fixture.large.script(searching, says('3월까지 [1].'));
    const response = await setting.stream({ query: '보일러 보증?' });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = eventsOf(await response.text());
    expect(events.map(([type]) => type)).toEqual(['round', 'sources', 'token', 'token', 'done']);
    expect(events[0]![1]).toEqual({
      round: 1,
      calls: [{ name: 'search', arguments: '{"query":"보일러"}' }],
    });
    expect(events[1]![1]).toEqual({ sources: [expect.objectContaining({ id })] });
    expect(events.slice(2, 4).map(([, data]) => data)).toEqual([
      { n: 0, content: '3월까지 ' },
      { n: 1, content: '[1].' },
    ]);
    expect(events.at(-1)![1]).toMatchObject({ answer: '3월까지 [1].', llm_calls: 2 });
  });

  test('replaces the text that was written before a look-up', async () => {
    setting = await openAsk();
    await setting.bring('보일러 설명서', '보증은 2027년 3월까지');
    const printed = '찾아볼게요 <tool_call>{"name":"search","arguments":{"query":"보일러"}}';
    setting.fixture.large.script(says(printed), says('3월 [1]'));
    const events = eventsOf(await (await setting.stream({ query: '보일러?' })).text());
    const replaced = events.findIndex(([type]) => type === 'replace');
    const shown = events
      .slice(replaced + 1)
      .filter(([type]) => type === 'token')
      .map(([, data]) => data['content']);
    expect(replaced).toBeGreaterThan(0);
    expect(shown.join('')).toBe('3월 [1]');
  });

  test('ends with the text sent so far if the deadline comes during the final call', async () => {
    setting = await openAsk((small, large) => ({
      roles: reactRoles,
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm', timeoutsMs: { total: 8_000 } },
      ],
    }));
    const id = await setting.bring('보일러 설명서', '보증은 2027년 3월까지');
    const { large } = setting.fixture;
    // The first call never answers; it ends when the time of the final call begins.
    large.script(stalls(), stallsAfter('보증은 2027년 <tool_call>{"na'));
    const events = eventsOf(await (await setting.stream({ query: '보일러 보증?' })).text());
    expect(events.at(-1)).toEqual([
      'done',
      expect.objectContaining({
        answer: '보증은 2027년 ',
        partial: true,
        sources: [expect.objectContaining({ id })],
      }),
    ]);
  });

  test('fails with an HTTP status before its first event, and with an error event after it', async () => {
    setting = await openAsk();
    setting.fixture.large.script(fails(500), searching, breaksAfter('반'));
    expect((await setting.stream({ query: '보일러' })).status).toBe(503);
    const events = eventsOf(await (await setting.stream({ query: '보일러' })).text());
    expect(events.at(-1)).toEqual([
      'error',
      expect.objectContaining({ error_reason: 'upstream_stream_error' }),
    ]);
  });

  test('frees the gate at once when its reader disconnects', async () => {
    setting = await openAsk();
    setting.fixture.large.script(searching, stallsAfter('반'));
    const leaving = new AbortController();
    const response = await setting.stream({ query: '보일러' }, { signal: leaving.signal });
    const request = await setting.fixture.large.arrived(2);
    leaving.abort();
    expect((await request.closed).closedBy).toBe('client');
    const { gate } = setting.fixture.core.pool.find('large')!;
    await until(() => gate.view().running.length === 0);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('a chat that asks for documents', () => {
  const openChat = async (classifyTimeoutMs = 30_000): Promise<string> => {
    setting = await openAsk({
      roles: reactRoles,
      tools: { documents: { provider: 'local', answers: 'react' } },
      jobs: { classifyTimeoutMs },
    });
    return setting.bring('보일러 설명서', '보일러 보증은 2027년 3월까지');
  };

  test('is answered by the ask loop, whose first round is the result of the document tool', async () => {
    await openChat();
    setting.fixture.large.script(calls(['search', '{"query":"보증"}']), says('3월까지 [1]'));
    const { end, tokens } = await setting.fixture.ask('보일러 문서 찾아줘');
    expect(end.data).toEqual({ outcome: 'answered', reply: '3월까지 [1]' });
    expect(tokens.map(({ content }) => content).join('')).toContain('3월까지 [1]');
    expect(setting.fixture.small.requests).toEqual([]);
    const first = setting.messages(0);
    expect(first.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
    expect(toolTexts(first)[0]).toContain('2027년');
    // One round is done, one is left, then the model must answer.
    expect(setting.fixture.large.requests.map(({ body }) => body['tool_choice'])).toEqual([
      'auto',
      'none',
    ]);
  });

  test.each([
    ['gives no word', async () => setting.fixture.large.script(saysNothing(), saysNothing())],
    ['is away', () => setting.fixture.large.refuse()],
    ['breaks off', async () => setting.fixture.large.script(breaksAfter('반쪽 답'))],
  ])(
    'is answered by the classifier model from the tool result when the model of the loop %s',
    async (_, arrange) => {
      await openChat();
      await arrange();
      setting.fixture.small.script(says('설명서에 있습니다.'));
      const { end } = await setting.fixture.ask('보일러 문서 찾아줘');
      expect(end.data).toEqual({ outcome: 'answered', reply: '설명서에 있습니다.' });
    },
  );

  test('is answered by the classifier model when no document was found, or when the model of the loop is too slow', async () => {
    await openChat(4_000);
    setting.fixture.small.script(says('없습니다.'), says('설명서에 있습니다.'));
    const nothing = await setting.fixture.ask('고양이 사료 문서 찾아줘');
    expect(nothing.end.data['reply']).toBe('없습니다.');
    expect(setting.fixture.large.requests).toEqual([]);
    setting.fixture.large.script(stalls(), stallsAfter('반쪽 답'));
    const slow = await setting.fixture.ask('보일러 문서 찾아줘');
    expect(slow.end.data).toEqual({ outcome: 'answered', reply: '설명서에 있습니다.' });
  });

  test('can be cancelled while the loop runs, and frees the gate', async () => {
    await openChat();
    setting.fixture.large.script(stalls());
    const { client, large, core } = setting.fixture;
    const jobId = await client.submit({ message: '보일러 문서 찾아줘' });
    const request = await large.arrived(1);
    await client.controlJob(jobId, 'cancel');
    expect((await request.closed).closedBy).toBe('client');
    await until(async () => (await client.job(jobId)).state === 'cancelled');
    await until(() => core.pool.find('large')!.gate.view().running.length === 0);
    expect(setting.fixture.small.requests).toEqual([]);
  });
});
