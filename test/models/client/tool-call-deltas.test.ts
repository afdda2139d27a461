/** Deltas of one tool call in the forms of real servers: the result is one valid call. */
import { describe, expect, test } from 'vitest';
import { args, callsFrom, delta, named, weather, whole } from './tool-call-chunks.ts';

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

  test('are a call without arguments if the arguments are null, empty or an empty list', () => {
    for (const empty of [null, '', 'null', '{}', '""', '[]', [], undefined]) {
      expect(callsFrom([named('get_time', empty, { index: 0, id: 'a' })])).toEqual([
        ['get_time', {}],
      ]);
    }
  });

  test('keep repeated parts of the arguments if the whole is valid JSON with them', () => {
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
