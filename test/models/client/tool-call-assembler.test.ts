import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ToolCallDelta } from '#models/client/stream-chunk';
import { parseChunk } from '#models/client/stream-chunk';
import { ToolCallAssembler } from '#models/client/tool-call-assembler';

const argumentsOf = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()));

function cut(text: string, points: number[]): string[] {
  const places = [0, ...points.map((point) => point % (text.length + 1)), text.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, at) => text.slice(places[at], end));
}

test('the assembler returns each call with its arguments, for any cuts of the arguments', () => {
  const call = fc.record({ args: argumentsOf, points: fc.array(fc.nat(), { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 4 }), (list) => {
      const assembler = new ToolCallAssembler();
      list.forEach(({ args, points }, index) => {
        const base = { index, whole: false };
        assembler.add({ ...base, id: `id${index}`, name: `tool${index}`, arguments: '' });
        for (const part of cut(JSON.stringify(args), points)) {
          assembler.add({ ...base, id: null, name: null, arguments: part });
        }
      });
      const got = assembler.calls().map((each) => JSON.parse(each.function.arguments) as unknown);
      expect(got).toEqual(list.map(({ args }) => JSON.parse(JSON.stringify(args)) as unknown));
    }),
    { numRuns: 500 },
  );
});

test('the assembler keeps at most 64 calls', () => {
  const assembler = new ToolCallAssembler();
  for (let n = 0; n < 1000; n++) {
    const piece: ToolCallDelta = { index: n, id: null, name: 'x', arguments: '{}', whole: false };
    assembler.add(piece);
  }
  expect(assembler.calls().length).toBe(64);
});

test('parseChunk never throws on any JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (a, b, c) => {
      const choice = { index: 0, delta: { content: a, tool_calls: b, reasoning: c } };
      for (const value of [a, { choices: a }, { choices: [choice] }, { error: a, usage: b }]) {
        expect(['error', 'delta', 'other', 'bad']).toContain(parseChunk(value).kind);
      }
    }),
    { numRuns: 1000 },
  );
});
