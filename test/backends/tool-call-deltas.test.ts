/** Deltas of tool calls in the forms of real servers: one valid call each, two where two are meant. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFrame } from '../../src/backends/frame.ts';
import { createToolCallAssembler } from '../../src/backends/tool-calls.ts';
import { raw } from '../support/fake-llm-replies.ts';
import { ask, backendFor, configFor, fakeLlm, person } from './setting.ts';

type Call = [name: string, args: unknown];

const weather: Call = ['get_weather', { city: '서울' }];
const whole = '{"city":"서울"}';
const tools = ['get_weather', 'get_time', 'search'].map((name) => ({
  type: 'function' as const,
  function: { name, description: '', parameters: { type: 'object', properties: {} } },
}));

/** The calls of an answer with these deltas, in the frames of a server. */
function callsFrom(choices: readonly object[]): Call[] {
  const assembler = createToolCallAssembler((name) =>
    tools.some((tool) => tool.function.name === name),
  );
  for (const choice of choices) {
    const frame = readFrame({ choices: [{ index: 0, ...choice }] });
    if (frame.kind !== 'delta') throw new Error(`not a delta: ${JSON.stringify(choice)}`);
    for (const piece of frame.toolCalls) assembler.add(piece);
  }
  const calls = assembler.calls();
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  return calls.map(({ function: { name, arguments: text } }): Call => [name, JSON.parse(text)]);
}

const delta = (...calls: object[]): object => ({ delta: { tool_calls: calls } });
const named = (name: string, args: unknown, rest: object = {}): object =>
  delta({ ...rest, type: 'function', function: { name, arguments: args } });
const args = (text: unknown, rest: object = {}): object =>
  delta({ ...rest, function: { arguments: text } });

const oneCall: [form: string, choices: object[]][] = [
  [
    'every piece holds all arguments so far',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args('{"city"', { index: 0 }),
      args('{"city":"서', { index: 0 }),
      args(whole, { index: 0 }),
    ],
  ],
  [
    'every piece holds name and all arguments so far',
    [
      named('get_weather', '{"ci', { index: 0, id: 'a' }),
      named('get_weather', '{"city":"서', { index: 0, id: 'a' }),
      named('get_weather', whole, { index: 0, id: 'a' }),
    ],
  ],
  [
    'every piece is complete JSON of what was known then',
    [
      named('get_weather', '{}', { index: 0, id: 'a' }),
      args('{"city":"서"}', { index: 0, id: 'a' }),
      args(whole, { index: 0, id: 'a' }),
    ],
  ],
  [
    'objects grow from piece to piece',
    [
      named('get_weather', {}, { index: 0, id: 'a' }),
      named('get_weather', { city: '서' }, { index: 0, id: 'a' }),
      named('get_weather', { city: '서울' }, { index: 0, id: 'a' }),
    ],
  ],
  [
    'every piece comes twice',
    ['{"city"', ':"서울"}'].flatMap((part) => [
      named('get_weather', part, { index: 0, id: 'a' }),
      named('get_weather', part, { index: 0, id: 'a' }),
    ]),
  ],
  [
    'the last piece repeats all arguments',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args('{"city":', { index: 0 }),
      args('"서울"}', { index: 0 }),
      args(whole, { index: 0 }),
    ],
  ],
  [
    'the last delta repeats the whole call without its id',
    [
      named('get_weather', '{"city":', { index: 0, id: 'a' }),
      args('"서울"}', { index: 0 }),
      named('get_weather', whole, { index: 0 }),
    ],
  ],
  [
    'a placeholder of {} comes first',
    [
      named('get_weather', '{}', { index: 0, id: 'a' }),
      args('{"city":', { index: 0 }),
      args('"서울"}', { index: 0 }),
    ],
  ],
  [
    'null and an empty object come around the arguments',
    [
      named('get_weather', null, { index: 0, id: 'a' }),
      args('null', { index: 0 }),
      args(whole, { index: 0 }),
      args('{}', { index: 0 }),
    ],
  ],
  [
    'a bracket too many ends the arguments',
    [named('get_weather', whole, { index: 0, id: 'a' }), args('}', { index: 0 })],
  ],
  [
    'the index shifts after the name',
    [
      named('get_weather', '', { index: 1, id: 'a' }),
      args('{"city":', { index: 0, id: 'a' }),
      args('"서울"}', { index: 0 }),
    ],
  ],
  [
    'the index shifts and no id stands in any piece',
    [
      named('get_weather', '', { index: 1 }),
      args('{"city":', { index: 0 }),
      args('"서울"}', { index: 0 }),
    ],
  ],
  [
    'the index counts the pieces',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args('{"city":', { index: 1 }),
      args('"서울"}', { index: 2 }),
    ],
  ],
  [
    'the index counts the pieces and each has the name',
    [
      named('get_weather', '{"city":', { index: 0 }),
      named('get_weather', '"서', { index: 1 }),
      named('get_weather', '울"}', { index: 2 }),
    ],
  ],
  [
    'one call stands under several indexes with one id',
    [
      named('get_weather', whole, { index: 0, id: 'a' }),
      named('get_weather', whole, { index: 1, id: 'a' }),
    ],
  ],
  [
    'the name comes under one index and the call under the next',
    [named('get_weather', '', { index: 0 }), named('get_weather', whole, { index: 1, id: 'a' })],
  ],
  [
    'every piece has an id of its own',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args('{"city":', { index: 0, id: 'b' }),
      args('"서울"}', { index: 0, id: 'c' }),
    ],
  ],
  [
    'every piece has an id of its own and the name, without an index',
    ['{"city":', '"서', '울"}'].map((part, at) => named('get_weather', part, { id: `id${at}` })),
  ],
  [
    'every piece has the name, without index and id',
    ['', '{"city":', '"서울"}'].map((part) => named('get_weather', part)),
  ],
  [
    'the name comes in pieces',
    [
      named('get_', '', { index: 0, id: 'a' }),
      named('weather', '', { index: 0 }),
      args(whole, { index: 0 }),
    ],
  ],
  [
    'the name comes in three pieces, the arguments beside the last',
    [
      named('get', '', { index: 0, id: 'a' }),
      named('_wea', '', { index: 0, id: 'a' }),
      named('ther', whole, { index: 0, id: 'a' }),
    ],
  ],
  [
    'the name grows from piece to piece',
    [
      named('get', '', { index: 0, id: 'a' }),
      named('get_weather', '', { index: 0, id: 'a' }),
      named('get_weather', whole, { index: 0, id: 'a' }),
    ],
  ],
  [
    'the name comes in pieces without index and id',
    [named('get_', ''), named('weather', ''), args(whole)],
  ],
  [
    'the id comes first, then the name, then the arguments',
    [
      delta({ index: 0, id: 'a', type: 'function' }),
      named('get_weather', '', { index: 0 }),
      args(whole, { index: 0 }),
    ],
  ],
  ['arguments are an object', [named('get_weather', { city: '서울' }, { index: 0, id: 'a' })]],
  ['arguments are encoded twice', [named('get_weather', JSON.stringify(whole), { index: 0 })]],
  [
    'the index is text and the id a number',
    [named('get_weather', '', { index: '0', id: 7 }), args(whole, { index: '0' })],
  ],
  [
    'the call is one object instead of a list',
    [{ delta: { tool_calls: { id: 'a', function: { name: 'get_weather', arguments: whole } } } }],
  ],
  [
    'the whole call stands in a message after its deltas',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args(whole, { index: 0 }),
      {
        delta: {},
        message: { tool_calls: [{ id: 'z', function: { name: 'get_weather', arguments: whole } }] },
      },
    ],
  ],
  [
    'the whole call stands in a message beside an empty delta, and nowhere else',
    [
      {
        delta: { content: '' },
        message: { tool_calls: [{ id: 'z', function: { name: 'get_weather', arguments: whole } }] },
      },
    ],
  ],
  [
    'the old function_call comes in pieces with the name in each',
    ['', '{"city":', '"서울"}'].map((part) => ({
      delta: { function_call: { name: 'get_weather', arguments: part } },
    })),
  ],
  [
    'the old function_call stands beside tool_calls',
    [
      {
        delta: {
          tool_calls: [{ index: 0, id: 'a', function: { name: 'get_weather', arguments: whole } }],
          function_call: { name: 'get_weather', arguments: whole },
        },
      },
    ],
  ],
];

describe('the deltas of one call', () => {
  test.each(oneCall)('are one valid call where %s', (_form, choices) => {
    expect(callsFrom(choices)).toEqual([weather]);
  });

  test('are a call without arguments where these are null, empty or an empty list', () => {
    for (const empty of [null, '', 'null', '{}', '""', '[]', [], undefined]) {
      expect(callsFrom([named('get_time', empty, { index: 0, id: 'a' })])).toEqual([
        ['get_time', {}],
      ]);
    }
  });

  test('keep text that repeats itself: it is a repetition only where the whole is no JSON', () => {
    const parts = ['{"query":"', 'ha', 'ha', 'ha', '{"', '"}'];
    const text = ['{"query":"', 'ha', 'ha', '하하', '하하', '"}'];
    for (const pieces of [text, [...parts.slice(0, 4), '"}']]) {
      const choices = [
        named('search', '', { index: 0, id: 'a' }),
        ...pieces.map((each) => args(each, { index: 0 })),
      ];
      expect(callsFrom(choices)).toEqual([['search', JSON.parse(pieces.join(''))]]);
    }
  });
});

const time: Call = ['get_time', { zone: 'KST' }];
const busan: Call = ['get_weather', { city: '부산' }];
const twoCalls: [form: string, choices: object[], calls: Call[]][] = [
  [
    'they have one index and two ids',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      args(whole, { index: 0, id: 'a' }),
      named('get_time', '', { index: 0, id: 'b' }),
      args('{"zone":"KST"}', { index: 0, id: 'b' }),
    ],
    [weather, time],
  ],
  [
    'they have one index, two ids and one name, and come mixed',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      named('get_weather', '', { index: 0, id: 'b' }),
      args(whole, { index: 0, id: 'a' }),
      args('{"city":"부산"}', { index: 0, id: 'b' }),
    ],
    [weather, busan],
  ],
  [
    'they have one index, no id and two names',
    [
      named('get_weather', '', { index: 0 }),
      args(whole, { index: 0 }),
      named('get_time', '', { index: 0 }),
      args('{"zone":"KST"}', { index: 0 }),
    ],
    [weather, time],
  ],
  [
    'they have one index, one id and one name, and different arguments',
    [
      named('get_weather', whole, { index: 0, id: 'a' }),
      named('get_weather', '{"city":"부산"}', { index: 0, id: 'a' }),
    ],
    [weather, busan],
  ],
  [
    'they have two indexes and no name is repeated',
    [
      named('get_weather', '', { index: 0, id: 'a' }),
      named('get_time', '', { index: 1, id: 'b' }),
      args('{"zone":', { index: 1 }),
      args('{"city":', { index: 0 }),
      args('"KST"}', { index: 1 }),
      args('"서울"}', { index: 0 }),
    ],
    [weather, time],
  ],
  [
    'one id is given to both',
    [
      named('get_weather', whole, { index: 0, id: 'call_0' }),
      named('get_time', '{"zone":"KST"}', { index: 1, id: 'call_0' }),
    ],
    [weather, time],
  ],
  [
    'they are without arguments and differ in name',
    [named('get_weather', ''), named('get_time', '')],
    [
      ['get_weather', {}],
      ['get_time', {}],
    ],
  ],
  [
    'a message has the same call twice',
    [
      {
        message: {
          tool_calls: ['a', 'b'].map((id) => ({
            id,
            function: { name: 'get_weather', arguments: whole },
          })),
        },
      },
    ],
    [weather, weather],
  ],
];

describe('the deltas of two calls', () => {
  test.each(twoCalls)('are two valid calls where %s', (_form, choices, calls) => {
    expect(callsFrom(choices)).toEqual(calls);
  });
});

const anyArguments = fc.dictionary(
  fc.string(),
  fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
);

/** Ways in which a server may send one call, from the parts of its arguments. */
const styles: Record<string, (parts: string[]) => object[]> = {
  increments: (parts) => parts.map((part) => args(part, { index: 0 })),
  'increments with name and id': (parts) =>
    parts.map((part) => named('search', part, { index: 0, id: 'a' })),
  'increments with a new id each': (parts) =>
    parts.map((part, at) => args(part, { index: 0, id: `id${at}` })),
  'increments with a shifted index': (parts) => parts.map((part) => args(part, { index: 3 })),
  'increments without index and id': (parts) => parts.map((part) => args(part)),
  'all so far': (parts) =>
    parts.map((_, at) => args(parts.slice(0, at + 1).join(''), { index: 0 })),
  'all so far with name and id': (parts) =>
    parts.map((_, at) => named('search', parts.slice(0, at + 1).join(''), { index: 0, id: 'a' })),
};

test.each(Object.keys(styles))('any splitting of a call as %s gives the same call', (style) => {
  fc.assert(
    fc.property(anyArguments, fc.array(fc.nat(), { maxLength: 6 }), (value, points) => {
      const text = JSON.stringify(value);
      const places = [0, ...points.map((point) => point % (text.length + 1)), text.length];
      places.sort((a, b) => a - b);
      const parts = places.slice(1).map((end, at) => text.slice(places[at], end));
      const choices = [named('search', '', { index: 0, id: 'a' }), ...styles[style]!(parts)];
      expect(callsFrom(choices)).toEqual([['search', JSON.parse(text)]]);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['06-args-cumulative', weather],
  ['06-index-shifts', weather],
  ['06-name-in-pieces', weather],
])('the stream %s is one valid call', async (name, call) => {
  const llm = await fakeLlm();
  llm.script(raw(readFileSync(join(import.meta.dirname, 'cases', `${name}.sse`), 'utf8')));
  const backend = backendFor(configFor(llm.baseUrl));
  const outcome = await backend.run(ask('날씨', { tools }), person());
  expect(outcome).toMatchObject({ ok: true, text: '', finishReason: 'tool_calls' });
  const calls = outcome.ok ? outcome.toolCalls : [];
  expect(
    calls.map(({ function: each }) => [each.name, JSON.parse(each.arguments) as unknown]),
  ).toEqual([call]);
});
