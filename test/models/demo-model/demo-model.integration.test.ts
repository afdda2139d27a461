import { describe, expect, onTestFinished, test } from 'vitest';
import { classify } from '#models/demo-model/demo-classifier';
import { memoToMarkdown } from '#models/demo-model/demo-answer';
import { startDemoModel } from '#models/demo-model/demo-model';
import { standardToolSet } from '#test/language/standard-classification';
import { userMessageOf, parseDemoRequest } from '#models/demo-model/demo-request';
import type { ModelRequest } from '#shared/model/model';
import {
  modelRequest,
  backendFor,
  textCollector,
  failureOf,
  foregroundOptions,
} from '../client/backend-fixture.ts';

const now = Date.parse('2026-11-18T09:00:00+09:00');
const clock = { now: () => now };

async function demoModel(wordMs = 0) {
  const model = await startDemoModel({ clock, wordMs });
  onTestFinished(() => model.close());
  return { model, backend: backendFor(model.config) };
}

const schema: NonNullable<ModelRequest['jsonSchema']> = {
  name: 'classification',
  schema: {
    type: 'object',
    properties: { action: {}, response: {}, prompt: {}, tool: {}, operation: {}, params: {} },
    required: ['action', 'response', 'prompt'],
  },
};

const classified = (content: string) => {
  const request = parseDemoRequest({ messages: [{ role: 'user', content }] });
  return request && classify(request, now, standardToolSet.demoTools);
};

describe('the classification of the demo model', () => {
  test.each([
    [
      '내일 3시에 회의 잡아줘',
      {
        action: 'tools',
        tool: 'calendar',
        operation: 'create_draft',
        params: { title: '회의', date: '2026-11-19', time: '15:00' },
      },
    ],
    [
      '11월 25일 14시 치과 일정 추가',
      {
        action: 'tools',
        tool: 'calendar',
        operation: 'create_draft',
        params: { title: '치과', date: '2026-11-25', time: '14:00' },
      },
    ],
    [
      '내일 오전 10시 반에 김부장과 점심 등록해줘',
      {
        action: 'tools',
        tool: 'calendar',
        operation: 'create_draft',
        params: { title: '김부장과 점심', date: '2026-11-19', time: '10:30' },
      },
    ],
    [
      'add a meeting tomorrow at 3 pm',
      {
        action: 'tools',
        tool: 'calendar',
        operation: 'create_draft',
        params: { title: 'meeting', date: '2026-11-19', time: '15:00' },
      },
    ],
    ['회의 하나 잡아줘', { action: 'clarify', response: '어느 날로 잡을까요?' }],
    ['내일 회의 잡아줘', { action: 'clarify', response: '몇 시로 잡을까요?' }],
    ['양자역학을 설명해줘', { action: 'route', prompt: '양자역학을 설명해줘' }],
    ['explain quantum mechanics', { action: 'route' }],
    [
      '프로젝트 문서 찾아줘',
      { action: 'tools', tool: 'document', operation: 'search', params: { query: '프로젝트' } },
    ],
    ['메일 온 거 있어?', { action: 'tools', tool: 'email', operation: 'search' }],
    ['그거 해줘', { action: 'clarify' }],
    ['안녕하세요', { action: 'direct', response: expect.stringContaining('연습용 모델') }],
    ['오늘 기분이 좋아', { action: 'direct', response: '' }],
  ])('returns the expected decision for the message: %s', (message, expected) => {
    expect(classified(message)).toMatchObject(expected);
  });

  test('is returned for a request with a schema, with every field that the schema requires', async () => {
    const { backend } = await demoModel();
    const outcome = await backend.run(
      modelRequest('양자역학을 설명해줘', { jsonSchema: schema }),
      foregroundOptions(),
    );
    const text = outcome.ok ? outcome.text : '';
    expect(JSON.parse(text)).toEqual({
      action: 'route',
      response: '',
      prompt: '양자역학을 설명해줘',
    });
  });

  test('is returned if only the system prompt requests it', async () => {
    const { backend } = await demoModel();
    const system = 'Answer with JSON: {"action": "direct" | "route" | "clarify" | "tools", …}';
    const messages: ModelRequest['messages'] = [
      { role: 'system', content: system },
      { role: 'user', content: 'explain gates' },
    ];
    const outcome = await backend.run({ messages }, foregroundOptions());
    expect(JSON.parse(outcome.ok ? outcome.text : '')).toEqual({
      action: 'route',
      prompt: 'explain gates',
    });
  });

  test.each([
    '현재 시각: 2026년 11월 18일 09:00 (Wednesday) KST\n\n메시지: 양자역학을 설명해줘',
    '[현재 2026-11-18 09:00]\n양자역학을 설명해줘',
    '<message>\n양자역학을 설명해줘\n</message>',
    'Current time: 2026-11-18T09:00:00+09:00\nUser message:\n양자역학을 설명해줘',
  ])('uses only the user message, not the text that the prompt puts around it: %j', (content) => {
    const request = parseDemoRequest({ messages: [{ role: 'user', content }] });
    expect(request && userMessageOf(request)).toBe('양자역학을 설명해줘');
  });

  test('computes relative dates from the current time in the prompt', () => {
    const content = '현재 시각: 2026년 12월 31일 09:00 KST\n메시지: 내일 3시에 회의 잡아줘';
    expect(classified(content)).toMatchObject({ params: { date: '2027-01-01' } });
  });
});

describe('an answer of the demo model', () => {
  test.each([
    ['양자역학을 설명해줘', '연습용 모델'],
    ['explain quantum mechanics', 'practice model'],
    ['오늘 기분이 좋아', '연습용 모델'],
    ['nice weather', 'practice model'],
  ])(
    'to "%s" is in the language of the message, quotes it and names the practice model',
    async (message, name) => {
      const { backend } = await demoModel();
      const seen = textCollector();
      const outcome = await backend.run(modelRequest(message), foregroundOptions(seen));
      expect(outcome).toMatchObject({ ok: true, text: expect.stringContaining(name) });
      expect(outcome.ok && outcome.text).toContain(message);
      expect(seen.pieces.length).toBeGreaterThan(5);
    },
  );

  test('to a request for an explanation streams in more than 80 pieces', async () => {
    const { backend } = await demoModel();
    const seen = textCollector();
    await backend.run(modelRequest('게이트를 설명해줘'), foregroundOptions(seen));
    expect(seen.pieces.length).toBeGreaterThan(80);
  });

  test('to a tool result in the prompt is the summary of that result', async () => {
    const { backend } = await demoModel();
    const result = JSON.stringify({ ok: true, summary: '오늘 일정 2건', data: [] });
    const outcome = await backend.run(
      modelRequest(`질문: 오늘 일정은?\n결과: ${result}`),
      foregroundOptions(),
    );
    expect(outcome).toMatchObject({ text: '(연습용 모델) 오늘 일정 2건' });
  });

  test('to a memo is a Markdown document with only the words of the memo', () => {
    expect(memoToMarkdown('회의 메모\n예산 확정\n- 다음 주 발표')).toBe(
      '# 회의 메모\n\n- 예산 확정\n- 다음 주 발표',
    );
    expect(memoToMarkdown('# 이미 정리됨\n\n글')).toBe('# 이미 정리됨\n\n글');
  });

  test('to a request with tools is a tool call, and then the titles in the tool result', async () => {
    const { backend } = await demoModel();
    const properties = { limit: { type: 'number' }, query: { type: 'string' } };
    const parameters = { type: 'object', properties, required: ['query'] };
    const tools: NonNullable<ModelRequest['tools']> = [
      { type: 'function', function: { name: 'search', description: '', parameters } },
    ];
    const first = await backend.run(modelRequest('예산 문서', { tools }), foregroundOptions());
    if (!first.ok) throw new Error(first.message);
    expect(first.toolCalls).toMatchObject([
      { function: { name: 'search', arguments: '{"query":"예산 문서"}' } },
    ]);
    const messages: ModelRequest['messages'] = [
      { role: 'user', content: '예산 문서' },
      { role: 'assistant', content: '', tool_calls: first.toolCalls },
      { role: 'tool', tool_call_id: 'x', content: '{"results":[{"title":"2026 예산"}]}' },
    ];
    const second = await backend.run({ messages, tools, toolChoice: 'none' }, foregroundOptions());
    expect(second).toMatchObject({ ok: true, text: '(연습용 모델) 찾은 것:\n- 2026 예산' });
  });
});

describe('the server of the demo model', () => {
  test('frees its slot when a client disconnects, and serves the next request', async () => {
    const { model, backend } = await demoModel(5);
    const status = async (): Promise<unknown> =>
      (await fetch(model.config.baseUrl.replace('/v1', '/status'))).json();
    const controller = new AbortController();
    const cancelled = backend.run(
      modelRequest('게이트를 설명해줘'),
      foregroundOptions({ signal: controller.signal, onText: () => controller.abort() }),
    );
    expect(failureOf(await cancelled).errorReason).toBe('cancelled');
    expect(await backend.run(modelRequest('hi'), foregroundOptions())).toMatchObject({ ok: true });
    expect(await status()).toEqual({ active_jobs: 0, total_requests: 2 });
  });

  test('answers a long request before a short request that arrived later', async () => {
    const { model } = await demoModel(1);
    const order: string[] = [];
    const send = async (content: string): Promise<Response> =>
      fetch(`${model.config.baseUrl}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ stream: true, messages: [{ role: 'user', content }] }),
      });
    // Its headers have arrived: it holds the only slot.
    const long = await send('게이트를 설명해줘');
    const short = send('hi').then((response) => response.text());
    const ended = [
      long.text().then(() => order.push('long')),
      short.then(() => order.push('short')),
    ];
    await Promise.all(ended);
    expect(order).toEqual(['long', 'short']);
  });

  test('answers without a stream, lists its model, and refuses invalid JSON with 400', async () => {
    const { model } = await demoModel();
    const { baseUrl } = model.config;
    const answer = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect(await answer.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' }, finish_reason: 'stop' }],
    });
    const models = (await (await fetch(`${baseUrl}/models`)).json()) as { data: unknown[] };
    expect(models.data).toMatchObject([{ id: 'practice-model' }]);
    const bad = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', body: '{' });
    expect(bad.status).toBe(400);
  });
});
