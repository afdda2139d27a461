import { describe, expect, test } from 'vitest';
import { failingShapes } from '#test/support/fake-llm-failing-shapes';
import { raw } from '#test/support/fake-llm-replies';
import { thinkingShapes, wholeShapes } from '#test/support/fake-llm-shapes';
import type { Shape } from '#test/support/fake-llm-shape';
import { toolCallShapes } from '#test/support/fake-llm-tool-shapes';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  fakeLlm,
  foregroundOptions,
} from './backend-fixture.ts';

async function run(shape: Shape) {
  const llm = await fakeLlm();
  llm.script(raw(shape.bytes, shape.options));
  const seen = textCollector();
  const outcome = await backendFor(configFor(llm.baseUrl)).run(
    modelRequest('x'),
    foregroundOptions(seen),
  );
  return { outcome, seen };
}

const groups = [
  { title: 'an answer in an odd shape is read whole', shapes: wholeShapes },
  { title: 'thinking is no part of the answer', shapes: thinkingShapes },
  { title: 'tool calls are put together', shapes: toolCallShapes },
];

describe.each(groups)('$title', ({ shapes }) => {
  test.each(shapes)('the outcome is as the shape declares: $name', async (shape) => {
    const { outcome, seen } = await run(shape);
    if ('errorReason' in shape.outcome) {
      expect(outcome).toMatchObject({ ok: false, ...shape.outcome });
      return;
    }
    const { text, finish, calls = [] } = shape.outcome;
    expect(outcome).toMatchObject({ ok: true, text, ...(finish ? { finishReason: finish } : {}) });
    expect(seen.text).toBe(text);
    const got = outcome.ok ? outcome.toolCalls : [];
    expect(got.map((call) => [call.function.name, JSON.parse(call.function.arguments)])).toEqual(
      calls,
    );
    expect(new Set(got.map((call) => call.id)).size).toBe(got.length);
  });
});

describe('an answer that is not whole', () => {
  test.each(failingShapes)('is reported as a failure: $name', async (shape) => {
    const { outcome } = await run(shape);
    expect(outcome).toMatchObject({ ok: false, ...shape.outcome });
  });
});
