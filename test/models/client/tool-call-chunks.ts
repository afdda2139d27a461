/** Deltas of tool calls for tests, and the calls assembled from them. */
import { expect } from 'vitest';
import { parseChunk } from '#models/client/stream-chunk';
import { ToolCallAssembler } from '#models/client/tool-call-assembler';

export type Call = [name: string, args: unknown];

export const weather: Call = ['get_weather', { city: '서울' }];
export const whole = '{"city":"서울"}';
export const tools = ['get_weather', 'get_time', 'search'].map((name) => ({
  type: 'function' as const,
  function: { name, description: '', parameters: { type: 'object', properties: {} } },
}));

/** The calls assembled from these choices, each in a frame of its own. */
export function callsFrom(choices: readonly object[]): Call[] {
  const assembler = new ToolCallAssembler((name) =>
    tools.some((tool) => tool.function.name === name),
  );
  for (const choice of choices) {
    const chunk = parseChunk({ choices: [{ index: 0, ...choice }] });
    if (chunk.kind !== 'delta') throw new Error(`not a delta: ${JSON.stringify(choice)}`);
    for (const piece of chunk.toolCalls) assembler.add(piece);
  }
  const calls = assembler.calls();
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  return calls.map(({ function: { name, arguments: text } }): Call => [name, JSON.parse(text)]);
}

export const delta = (...calls: object[]): object => ({ delta: { tool_calls: calls } });
export const named = (name: string, args: unknown, rest: object = {}): object =>
  delta({ ...rest, type: 'function', function: { name, arguments: args } });
export const args = (text: unknown, rest: object = {}): object =>
  delta({ ...rest, function: { arguments: text } });
