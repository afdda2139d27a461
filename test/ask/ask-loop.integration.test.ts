/** `POST /ask/react`: the ask loop over HTTP, with model servers that work and that fail. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  breaksAfter,
  calls,
  cutsAfter,
  fails,
  raw,
  says,
  saysNothing,
  stalls,
  thinksOnly,
  type FakeReply,
} from '#test/support/fake-llm-replies';
import { askLoopLimits } from '#ask/ask-loop';
import { until } from '#test/support/journal';
import { answersOf, openAsk, toolTexts, type AskSetting } from './setting.ts';

let setting: AskSetting;
afterEach(() => setting.close());

const search = (query: string): [string, string] => ['search', JSON.stringify({ query })];
const script = (...replies: FakeReply[]) => setting.fixture.large.script(...replies);
const requests = () => setting.fixture.large.requests;
const last = () => setting.messages(requests().length - 1);

const openWithBoiler = async (): Promise<string> => {
  setting = await openAsk();
  return setting.bring('보일러 설명서', '보일러 보증 기간은 2027년 3월까지입니다.');
};

describe('a model in the ask loop', () => {
  test('answers from the search result, with the sources', async () => {
    const id = await openWithBoiler();
    script(calls(search('보일러 보증')), says('2027년 3월까지입니다 [1].'));
    const { status, body } = await setting.react({ query: '보일러 보증이 언제까지야?' });
    expect(status).toBe(200);
    expect(body).toEqual({
      answer: '2027년 3월까지입니다 [1].',
      sources: [{ id, title: '보일러 설명서', snippet: expect.stringContaining('2027년') }],
      partial: false,
      tool_rounds: 1,
      llm_calls: 2,
      backend: 'large',
      debug_trace: null,
    });
    const [result] = toolTexts(setting.messages(1));
    expect(JSON.parse(result!)).toMatchObject({ results: [{ n: 1, id, title: '보일러 설명서' }] });
    expect(requests()[0]!.body['tool_choice']).toBe('auto');
  });

  test('searches, then reads a document, and must answer in the third call', async () => {
    setting = await openAsk();
    const id = await setting.bring(
      '일지',
      `${'오늘도 맑음. '.repeat(400)} 누수는 김배관이 고쳤다.`,
    );
    script(calls(search('누수')), calls(['read', JSON.stringify({ id })]), says('김배관 [1]'));
    const { body } = await setting.react({ query: '누수는 누가 고쳤어?' });
    expect(body).toMatchObject({ answer: '김배관 [1]', tool_rounds: 2, llm_calls: 3 });
    expect(body.sources.map((source) => source.id)).toEqual([id]);
    const [found, read] = toolTexts(last()).map(
      (text) => (JSON.parse(text) as { results: { chars: string; text: string }[] }).results[0]!,
    );
    expect(found!.text).toContain('김배관이 고쳤다');
    // `read` returns the rest only: text that the search has shown is not repeated.
    expect(read!.chars).toMatch(/^0-\d+ of /);
    expect(read!.text).not.toContain('김배관이');
    const { messages, tool_choice: choice, tools } = requests()[2]!.body;
    expect([choice, messages.at(-1)?.role]).toEqual(['none', 'user']);
    expect(tools).toEqual(requests()[0]!.body['tools']);
    // Each request begins with the previous one, so that the prompt cache of the server is used.
    expect(messages.slice(0, requests()[1]!.body.messages.length)).toEqual(setting.messages(1));
  });

  test('reads a long document from the end of the text it has seen, or from the position it asks for', async () => {
    setting = await openAsk();
    const lines = Array.from({ length: 400 }, (_, n) => `${n}번째 줄은 "계약의 조항"입니다.`);
    const id = await setting.bring('보일러 보증 계약서', `보일러 보증 안내\n${lines.join('\n')}`);
    const parts = (): { chars: string; text: string }[] =>
      toolTexts(last()).map(
        (text) => (JSON.parse(text) as { results: { chars: string; text: string }[] }).results[0]!,
      );
    script(calls(search('보일러 보증')), calls(['read', JSON.stringify({ id })]), says('답'));
    await setting.react({ query: '보일러 보증은?' });
    const [first, second] = parts();
    expect(first!.chars).toMatch(/^0-/);
    const end = first!.chars.split(/[- ]/)[1]!;
    expect(second!.chars.split('-')[0]).toBe(end);
    expect(first!.text.slice(0, -1) + second!.text.slice(1, -1)).toBe(
      `보일러 보증 안내\n${lines.join('\n')}`.slice(0, Number(second!.chars.split(/[- ]/)[1])),
    );
    script(calls(['read', JSON.stringify({ id, from: 5_000 })]), says('답'));
    await setting.react({ query: '보일러 보증은?' });
    expect(parts()[0]!.chars).toMatch(/^5000-/);
  });

  test('is given as much of a single document as the limit of a result allows', async () => {
    setting = await openAsk();
    await setting.bring(
      '보일러 점검에 관한 모든 기록을 모은 긴 제목의 문서',
      '보일러 점검. '.repeat(900),
    );
    script(calls(search('보일러')), says('답'));
    await setting.react({ query: '보일러' });
    const [content] = toolTexts(last());
    expect(content!.length).toBeLessThanOrEqual(askLoopLimits.resultCharsMax);
    expect(content!.length).toBeGreaterThan(askLoopLimits.resultCharsMax - 60);
  });

  test('sees no document of another user, by search or by id', async () => {
    setting = await openAsk();
    const id = await setting.bring('비밀', '금고 번호는 4711', 'minji');
    script(calls(search('금고'), ['read', JSON.stringify({ id })]), says('모릅니다'));
    const { body } = await setting.react({ query: '금고 번호', user_id: 'jun', debug: true });
    expect(body.sources).toEqual([]);
    expect(JSON.stringify([requests().map((one) => one.body), body])).not.toContain('4711');
  });

  test('may answer without a search', async () => {
    await openWithBoiler();
    script(says('안녕하세요'));
    const { body } = await setting.react({ query: '안녕' });
    expect(body).toMatchObject({ answer: '안녕하세요', tool_rounds: 0, llm_calls: 1 });
  });

  test('leaves a trace with one entry per step if the request asks for `debug`', async () => {
    await openWithBoiler();
    script(calls(search('보일러')), says('답 [1]'));
    const { body } = await setting.react({ query: '보일러', debug: true });
    expect(body.debug_trace).toMatchObject([
      { step: 'model', call: 1, choice: 'auto', calls: ['search'], error: null },
      { step: 'look-up', round: 1, lookups: ['search'], found: [1] },
      { step: 'model', call: 2, finish: 'stop', text: '답 [1]' },
    ]);
  });
});

describe('a misbehaving model that', () => {
  test('never stops calling tools is called three times, and the answer lists its sources', async () => {
    const id = await openWithBoiler();
    const more = (query: string) => calls(search(query));
    script(more('보일러'), more('보증'), more('기간'), more('설명서'));
    const { status, body } = await setting.react({ query: '보일러 보증?' });
    expect([status, requests().length]).toEqual([200, 3]);
    expect(body).toMatchObject({ partial: true, tool_rounds: 2, llm_calls: 3, sources: [{ id }] });
    expect(body.answer).toContain('[1] 보일러 설명서');
  });

  test('makes five tool calls at once gets two results and three errors `limit`', async () => {
    await openWithBoiler();
    script(calls(...['a', 'b', 'c', 'd', 'e'].map(search)), says('답'));
    const { body } = await setting.react({ query: '보일러' });
    expect(body).toMatchObject({ answer: '답', partial: true, llm_calls: 2 });
    const texts = toolTexts(last());
    expect(texts.map((text) => (JSON.parse(text) as { error?: string }).error)).toEqual([
      undefined,
      undefined,
      'limit',
      'limit',
      'limit',
    ]);
    expect(answersOf(last()).every(([, times]) => times === 1)).toBe(true);
  });

  test('calls an unknown tool gets an error with the available tools, and continues', async () => {
    await openWithBoiler();
    script(calls(['delete_everything', '{}']), calls(search('보일러')), says('답 [1]'));
    const { body } = await setting.react({ query: '보일러' });
    expect(body).toMatchObject({ answer: '답 [1]', tool_rounds: 2, partial: false });
    expect(JSON.parse(toolTexts(setting.messages(1))[0]!)).toMatchObject({
      error: 'unknown_tool',
      available: ['search', 'read'],
    });
  });

  test.each([
    ['a fence around them', '```json\n{"query": "보일러"}\n```'],
    ['no end', '{"query": "보일러"'],
    ['a comma too many', '{"query": "보일러",}'],
    ['a second encoding', JSON.stringify('{"query": "보일러"}')],
  ])(
    'writes arguments with %s is understood, and is sent the repaired arguments',
    async (_, args) => {
      const id = await openWithBoiler();
      script(calls(['search', args]), says('답 [1]'));
      const { body } = await setting.react({ query: '보일러' });
      expect(body.sources).toMatchObject([{ id }]);
      const [call] = setting.messages(1).find((one) => one.tool_calls)!.tool_calls!;
      expect(JSON.parse(call!.function.arguments)).toEqual({ query: '보일러' });
    },
  );

  test.each([
    ['no JSON', '보일러 보증'],
    ['no query', '{"q": "보일러"}'],
    ['a query of blanks', '{"query": "  "}'],
    ['too much', JSON.stringify({ query: '가'.repeat(3_000) })],
  ])('writes arguments with %s gets an error `invalid_arguments`', async (_, args) => {
    await openWithBoiler();
    script(calls(['search', args]), says('답'));
    await setting.react({ query: '보일러' });
    expect(JSON.parse(toolTexts(setting.messages(1))[0]!)).toMatchObject({
      error: 'invalid_arguments',
    });
    const [call] = setting.messages(1).find((one) => one.tool_calls)!.tool_calls!;
    expect(() => JSON.parse(call!.function.arguments) as unknown).not.toThrow();
  });

  test('is cut off within a tool call gets an error, and the incomplete call is not run', async () => {
    await openWithBoiler();
    const cut = {
      tool_calls: [{ index: 0, id: 'a', function: { name: 'search', arguments: '{"query": "보' } }],
    };
    const bytes = [{ delta: cut }, { delta: {}, finish_reason: 'length' }]
      .map((choice) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`)
      .join('');
    script(raw(bytes), says('답'));
    await setting.react({ query: '보일러' });
    expect(JSON.parse(toolTexts(setting.messages(1))[0]!)).toMatchObject({
      error: 'invalid_arguments',
      detail: expect.stringContaining('cut off'),
    });
  });

  test('repeats a search gets no second search for it, and must answer', async () => {
    await openWithBoiler();
    script(calls(search('보일러'), search('보일러 '), search('보일러')), says('답 [1]'));
    const { body } = await setting.react({ query: '보일러', debug: true });
    expect(body).toMatchObject({ answer: '답 [1]', llm_calls: 2, partial: false });
    expect(requests()[1]!.body['tool_choice']).toBe('none');
    expect(body.debug_trace![1]).toMatchObject({ lookups: ['search'] });
    expect(
      toolTexts(last())
        .slice(1)
        .every((text) => text.includes('answer now')),
    ).toBe(true);
  });

  test('prints its tool call into the text is understood', async () => {
    const id = await openWithBoiler();
    const printed =
      '<tool_call>\n{"name": "search", "arguments": {"query": "보일러"}}\n</tool_call>';
    script(says(printed), says('답 [1]'));
    const { body } = await setting.react({ query: '보일러' });
    expect(body).toMatchObject({ answer: '답 [1]', sources: [{ id }], tool_rounds: 1 });
  });

  test.each([
    ['answers empty', saysNothing()],
    ['only thinks', thinksOnly()],
    ['prints a broken call', says('<tool_call>\nsearch_documents(')],
  ])('%s is called once more, with the search results of the question itself', async (_, reply) => {
    const id = await openWithBoiler();
    script(reply, says('답 [1]'));
    const { body } = await setting.react({ query: '보일러 보증?' });
    expect(body).toMatchObject({
      answer: '답 [1]',
      partial: false,
      sources: [{ id }],
      llm_calls: 2,
    });
    expect(last().at(-1)?.role).toBe('user');
    expect(toolTexts(last())[0]).toContain('2027년');
  });

  test('gives empty answers only leaves a partial answer with the sources', async () => {
    const id = await openWithBoiler();
    script(saysNothing(), saysNothing());
    const { status, body } = await setting.react({ query: '보일러 보증?' });
    expect([status, body.partial, body.sources[0]?.id]).toEqual([200, true, id]);
    expect(body.answer).toContain('모델이 답을 쓰지 못했습니다');
  });

  test('calls a tool in the final call leaves the rest of its text as the answer', async () => {
    await openWithBoiler();
    script(calls(search('a'), search('b')), says('답 [1] <tool_call>{"name":"x"}</tool_call>'));
    const { body } = await setting.react({ query: '보일러' });
    expect(body.answer.trim()).toBe('답 [1]');
  });

  test('is cut off at its output limit gives an answer that is marked as partial', async () => {
    await openWithBoiler();
    script(calls(search('보일러')), says('반쪽', { finish: 'length' }));
    const { body } = await setting.react({ query: '보일러' });
    expect(body).toMatchObject({ answer: '반쪽', partial: true });
  });
});

describe('P9: a model server that', () => {
  test.each([
    ['dies in the middle of the first call', [cutsAfter('반', 'reset')], 'connection_lost'],
    ['dies after the first round', [calls(search('보일러')), cutsAfter('')], 'truncated'],
    [
      'breaks the last call',
      [calls(search('a'), search('b')), breaksAfter('반')],
      'upstream_stream_error',
    ],
    ['answers 500', [fails(500)], 'http_5xx'],
  ])('%s gives a 503 with the reason', async (_, replies, reason) => {
    await openWithBoiler();
    script(...replies);
    const { status, body } = await setting.react({ query: '보일러' });
    expect([status, body.code, body.error_reason]).toEqual([503, 'GH_BACKEND_UNAVAILABLE', reason]);
    expect(setting.fixture.small.requests).toEqual([]);
  });

  test.each(['large', null])(
    'is down (named: %s) gives a 503, and no other backend is called',
    async (backend) => {
      await openWithBoiler();
      await setting.fixture.large.refuse();
      const { status, body } = await setting.react({ query: '보일러', backend });
      expect([status, body.error_reason]).toEqual([503, 'connect_refused']);
      expect(setting.fixture.small.requests).toEqual([]);
    },
  );

  test('the request names gives the answer; an unknown name is a 400', async () => {
    await openWithBoiler();
    setting.fixture.small.script(says('작은 답'));
    const { body } = await setting.react({ query: '보일러', backend: 'small' });
    expect(body).toMatchObject({ answer: '작은 답', backend: 'small' });
    const unknown = await setting.react({ query: '보일러', backend: 'gpt-4o' });
    expect([unknown.status, unknown.body.code]).toEqual([400, 'GH_BACKEND_UNKNOWN']);
    expect(requests()).toEqual([]);
  });

  test.each([
    ['400', fails(400, { error: { message: 'exaone does not support tools' } })],
    ['500', fails(500, { error: { message: 'tools param requires --jinja flag' } })],
  ])(
    'supports no tools (status %s) is called without tools, with the search results of the question',
    async (_, refusal) => {
      const id = await openWithBoiler();
      script(refusal, says('답 [1]'));
      const { status, body } = await setting.react({ query: '보일러 보증?' });
      expect(status).toBe(200);
      expect(body).toMatchObject({ answer: '답 [1]', sources: [{ id }], llm_calls: 2 });
      const { messages, tools } = requests()[1]!.body;
      expect(tools).toBeUndefined();
      expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
      expect(messages[1]!.content).toContain('2027년');
    },
  );
});

describe('the gate of the model server', () => {
  test('is freed at once when the client disconnects', async () => {
    await openWithBoiler();
    script(stalls());
    const leaving = new AbortController();
    const asked = setting
      .post('/ask/react', { query: '보일러' }, { signal: leaving.signal })
      .catch(() => 'gone');
    const request = await setting.fixture.large.arrived(1);
    leaving.abort();
    expect((await request.closed).closedBy).toBe('client');
    const { gate } = setting.fixture.core.pool.find('large')!;
    await until(() => gate.view().running.length === 0);
    expect(await asked).toBe('gone');
  });
});

describe('an invalid request', () => {
  test.each([
    ['no query', {}, 'GH_REQUEST_INVALID'],
    ['an empty query', { query: ' \n' }, 'GH_REQUEST_EMPTY'],
    ['too long a query', { query: 'x'.repeat(8_001) }, 'GH_REQUEST_TOO_LONG'],
    ['debug as a word', { query: 'x', debug: 'yes' }, 'GH_REQUEST_INVALID'],
  ])('with %s is a 400, and no model is called', async (_, question, code) => {
    setting = await openAsk();
    const { status, body } = await setting.react(question);
    expect([status, body.code]).toEqual([400, code]);
    expect(requests()).toEqual([]);
  });
});
