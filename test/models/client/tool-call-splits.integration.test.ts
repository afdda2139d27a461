/** Deltas of two tool calls, and of one call that is split anywhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { raw } from '#test/support/fake-llm-replies';
import {
  modelRequest,
  backendFor,
  configFor,
  fakeLlm,
  foregroundOptions,
} from './backend-fixture.ts';
import { args, callsFrom, named, tools, weather, whole, type Call } from './tool-call-chunks.ts';

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

test.each(Object.keys(styles))(
  'a call that is split anywhere and sent as %s is the same call',
  (style) => {
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
  },
);

test.each([
  ['06-args-cumulative', weather],
  ['06-index-shifts', weather],
  ['06-name-in-pieces', weather],
])('the stream of the case file %s is one valid call', async (name, call) => {
  const llm = await fakeLlm();
  llm.script(raw(readFileSync(join(import.meta.dirname, 'cases', `${name}.sse`), 'utf8')));
  const backend = backendFor(configFor(llm.baseUrl));
  const outcome = await backend.run(modelRequest('날씨', { tools }), foregroundOptions());
  expect(outcome).toMatchObject({ ok: true, text: '', finishReason: 'tool_calls' });
  const calls = outcome.ok ? outcome.toolCalls : [];
  expect(
    calls.map(({ function: each }) => [each.name, JSON.parse(each.arguments) as unknown]),
  ).toEqual([call]);
});
