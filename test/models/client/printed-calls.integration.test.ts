/** Printed tool calls: in every form they are distinguished from text and never shown. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrintedCallFilter } from '#models/client/text-filters/printed-call-filter';
import { offeredTools } from '#shared/text/printed-calls/offered-tools';
import { chunk, frame, raw, says } from '#test/support/fake-llm-replies';
import { printedCallForms } from '#test/support/printed-call-forms';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  fakeLlm,
  foregroundOptions,
} from './backend-fixture.ts';

const query = '압력용기 검사 주기';
const parameters = {
  type: 'object',
  properties: { query: { type: 'string' }, limit: { type: 'integer' } },
  required: ['query'],
};
const tools = [
  { type: 'function' as const, function: { name: 'search', description: '', parameters } },
];
const offers = offeredTools([{ name: 'search', parameters }, { name: 'get_time' }]);
const cases = join(import.meta.dirname, 'cases');
const printedFiles = readdirSync(cases).filter((name) => name.startsWith('07-'));
const called = [['search', { query }]];

/** The visible text of these pieces, and the calls in them. */
function filtered(pieces: readonly string[], unknown: 'text' | 'call' = 'text', drops = false) {
  const seen = textCollector();
  const filter = new PrintedCallFilter({ offers, unknown, drops, onText: seen.onText });
  for (const piece of pieces) filter.push(piece, false);
  const calls = filter.end().map((call) => [call.function.name, call.function.arguments]);
  return { text: seen.text, calls, everShown: seen.pieces.join(''), replaced: seen.replaced };
}

const parsed = (calls: readonly (readonly unknown[])[]): unknown[] =>
  calls.map(([name, args]) => [name, JSON.parse(args as string)]);

describe('a printed tool call', () => {
  test.each(printedCallForms)(
    'is returned as a tool call and never shown in the form $name',
    async ({ print }) => {
      const llm = await fakeLlm();
      llm.script(says(print('search', 'query', query)));
      const seen = textCollector();
      const backend = backendFor(configFor(llm.baseUrl));
      const outcome = await backend.run(modelRequest('질문', { tools }), foregroundOptions(seen));
      expect(outcome).toMatchObject({ ok: true, finishReason: 'tool_calls' });
      const calls = outcome.ok ? outcome.toolCalls : [];
      expect(parsed(calls.map((call) => [call.function.name, call.function.arguments]))).toEqual(
        called,
      );
      expect(seen.text).toBe(outcome.ok ? outcome.text : null);
      expect(seen.pieces.join('')).not.toMatch(/[<>{}[\]]|search|Action|functions/);
    },
  );

  test.each(printedFiles)(
    'is returned as a tool call and never shown in the case file %s',
    (name) => {
      const { calls, everShown } = filtered(
        Array.from(readFileSync(join(cases, name), 'utf8').trim()),
      );
      expect(parsed(calls)).toEqual(called);
      expect(everShown).toBe('');
    },
  );
});

test('a printed call of any form gives the same call and the same text for any splitting', () => {
  // Not here: forms with thoughts, which another filter removes, and forms that depend on the text around them.
  const alone = printedCallForms.filter(({ name }) => !/thoughts|made up$|alone$/.test(name));
  const form = fc.constantFrom(...alone);
  const text = fc.stringMatching(/^[가-힣a-z 0-9.,?!-]{1,40}$/);
  const before = fc.constantFrom('', '찾아보겠습니다.\n', '네. 먼저 문서를 봅니다.\n\n');
  fc.assert(
    fc.property(
      form,
      text,
      before,
      fc.array(fc.nat(), { maxLength: 8 }),
      (one, value, lead, at) => {
        const whole = lead + one.print('search', 'query', value.trim() || 'x');
        const places = [0, ...at.map((place) => place % (whole.length + 1)), whole.length];
        places.sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
        const cut = filtered(pieces);
        const uncut = filtered([whole]);
        expect([cut.text, cut.calls]).toEqual([uncut.text, uncut.calls]);
        expect(cut.everShown).not.toMatch(/[<>{}]|search|functions/);
      },
    ),
    { numRuns: 3_000 },
  );
});

describe('printed tool calls', () => {
  test('in one text are all returned', () => {
    const one = '{"name": "search", "arguments": {"query": "가"}}';
    const two = '{"name": "search", "arguments": {"query": "나"}}';
    const both = [
      ['search', { query: '가' }],
      ['search', { query: '나' }],
    ];
    for (const text of [
      `<tool_call>${one}</tool_call>\n<tool_call>${two}</tool_call>`,
      `<tool_call>\n${one}\n${two}\n</tool_call>`,
      `[${one}, ${two}]`,
      `${one}\n${two}`,
      `${one}; ${two}`,
      `[TOOL_CALLS] [${one}, ${two}]`,
      '[TOOL_CALLS]search[ARGS]{"query": "가"}[TOOL_CALLS]search[ARGS]{"query": "나"}',
      `\`\`\`json\n${one}\n\`\`\`\n\`\`\`json\n${two}\n\`\`\``,
      '[search(query="가"), search(query="나")]',
      '<function_calls>\nsearch(query="가")\nsearch(query="나")\n</function_calls>',
      '<function=search><parameter=query>가</parameter></function>\n<function=search><parameter=query>나</parameter></function>',
    ]) {
      expect(parsed(filtered(Array.from(text)).calls)).toEqual(both);
    }
  });

  test('without arguments have an empty object', () => {
    for (const text of [
      '<tool_call>get_time</tool_call>',
      '<tool_call>{"name": "get_time"}</tool_call>',
      '<invoke name="get_time">\n</invoke>',
      '[get_time()]',
      '{"name": "get_time", "arguments": {}}',
      '{"name": "get_time", "arguments": null}',
    ]) {
      expect(filtered([text]).calls).toEqual([['get_time', '{}']]);
    }
  });

  test('keep the argument types of the schema', () => {
    const tagged =
      '<function=search><parameter=query>2027</parameter><parameter=limit>3</parameter></function>';
    expect(parsed(filtered([tagged]).calls)).toEqual([['search', { query: '2027', limit: 3 }]]);
    const python = `[search(query='it\\'s "it"', limit=3)]`;
    expect(parsed(filtered([python]).calls)).toEqual([
      ['search', { query: `it's "it"`, limit: 3 }],
    ]);
    const code =
      '<tool_call>{"name":"search","arguments":{"query":"a </tool_call> b }"}}</tool_call>';
    expect(parsed(filtered([code]).calls)).toEqual([['search', { query: 'a </tool_call> b }' }]]);
  });

  test('that are cut off are calls whose arguments are not valid JSON', () => {
    for (const text of [
      '<tool_call>{"name": "search", "arguments": {"query": "압력',
      '{"name": "search", "arguments": {"query": "압력',
      '<function=search>\n<parameter=query>\n압력',
      '[search(query="압력',
      '<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "압',
    ]) {
      const { calls, everShown } = filtered(Array.from(text));
      expect(calls.map(([name]) => name)).toEqual(['search']);
      expect(() => JSON.parse(calls[0]![1]!) as unknown).toThrow();
      expect(everShown).toBe('');
    }
  });
});

const answers: [what: string, text: string][] = [
  [
    'quotes a call as code',
    'Qwen은 `<tool_call>{"name": "search", "arguments": {}}</tool_call>` 꼴을 씁니다.',
  ],
  [
    'documents the markup of another tool',
    '형식:\n```xml\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "서울"}}\n</tool_call>\n```\n이렇게 씁니다.',
  ],
  ['is JSON with a name', '```json\n{"name": "홍길동", "age": 3}\n```'],
  ['is JSON with a name and arguments of no tool', '{"name": "홍길동", "arguments": {"a": 1}}'],
  ['is JSON of an API', '{"city": "서울", "action": "search", "results": []}'],
  [
    'shows a call between two sentences',
    '예:\n{"name": "search", "arguments": {"query": "x"}}\n이 JSON은 검색을 부릅니다.',
  ],
  ['is the definition of the tool', JSON.stringify({ name: 'search', parameters })],
  [
    'speaks of the tag',
    'The <tool_call> tag is used by Hermes models. It wraps JSON with name and arguments.',
  ],
  ['compares numbers', 'if (a < b && c > d) return x[0];'],
  ['begins with the name of a tool', 'search engines are useful (very).'],
  ['has actions of its own', 'Action: 다음 주까지 보고서를 냅니다.\n담당: 홍길동'],
  ['has lists and links', '- [ ] 할 일\n- [x] [링크](https://a.b) [1]'],
  [
    'is code that uses a function of that name',
    '```python\nsearch(query="x")\n```\n위 코드는 검색합니다.',
  ],
  ['is HTML', '<div><b>안녕</b></div>\n<search-box></search-box>'],
  ['ends in the middle of a tag', '값은 a <tool'],
];

describe('an ordinary answer', () => {
  test.each(answers)('stays unchanged where it %s', (_what, text) => {
    const { text: shown, calls, replaced } = filtered(Array.from(text));
    expect([shown, calls, replaced]).toEqual([text, [], 0]);
  });

  test('stays unchanged in any text without a call, cut anywhere', () => {
    const bits = [
      '<',
      '>',
      '{',
      '}',
      '[',
      ']',
      '"',
      '`',
      '```',
      '\n',
      'search',
      '(',
      ':',
      'Action',
      ' a ',
      '가',
      '<b>',
      '1',
    ];
    let plain = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...bits), { maxLength: 30 }), (parts) => {
        const { text, calls } = filtered(parts);
        if (calls.length > 0) return;
        plain += 1;
        expect(text).toBe(parts.join(''));
      }),
      { numRuns: 3_000 },
    );
    expect(plain).toBeGreaterThan(2_500);
  });
});

describe('a call of a tool that was not offered', () => {
  const raw = [
    '<tool_call>\n{"name": "web_search", "arguments": {"q": "x"}}\n</tool_call>',
    '{"name": "web_search", "arguments": {"q": "x"}}',
    '찾아볼게요.\n<function=web_search><parameter=q>x</parameter></function>',
    '<|channel|>commentary to=functions.web_search <|constrain|>json<|message|>{"q": "x"}<|call|>',
    '[TOOL_CALLS]web_search[ARGS]{"q": "x"}',
  ];

  test.each(raw)('is text by default, and a call if unknown tools are accepted: %s', (text) => {
    expect(filtered(Array.from(text)).text).toBe(text);
    const { calls, everShown } = filtered(Array.from(text), 'call');
    expect(parsed(calls)).toEqual([['web_search', { q: 'x' }]]);
    expect(everShown).not.toMatch(/web_search|[{<]/);
  });

  test('is no call if text follows it', () => {
    const text = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>\n위는 예입니다.';
    expect(filtered(Array.from(text), 'call')).toMatchObject({ text, calls: [] });
  });
});

test.each([
  '{"name":\n'.repeat(1_500),
  `${' '.repeat(20_000)}x`,
  '<tool_call>'.repeat(1_500),
  '['.repeat(10_000),
  '<function=search><parameter=a>'.repeat(500),
])('a text of call beginnings that are never closed is shown whole: %#', (text) => {
  const pieces = text.match(/[^]{1,200}/g) ?? [];
  const { text: shown, calls } = filtered(pieces);
  if (calls.length === 0) expect(shown).toBe(text);
});

test('a printed call that is not allowed is removed, and the text after it is shown', () => {
  const text = '답 <tool_call>{"name":"search","arguments":{"query":"x"}}</tool_call>은 2년입니다.';
  expect(filtered(Array.from(text), 'text', true)).toMatchObject({
    text: '답 은 2년입니다.',
    calls: [],
  });
});

test('a printed call beside a call in the field tool_calls is only removed from the text', async () => {
  const llm = await fakeLlm();
  const printed = '<tool_call>{"name":"search","arguments":{"query":"x"}}</tool_call>';
  const call = { index: 0, id: 'a', function: { name: 'search', arguments: '{"query":"x"}' } };
  llm.script(
    raw(
      frame(chunk({ content: printed })) +
        frame(chunk({ tool_calls: [call] }, 'tool_calls')) +
        'data: [DONE]\n\n',
    ),
  );
  const backend = backendFor(configFor(llm.baseUrl));
  const outcome = await backend.run(modelRequest('질문', { tools }), foregroundOptions());
  expect(outcome).toMatchObject({ ok: true, text: '', toolCalls: [{ id: 'a' }] });
});
