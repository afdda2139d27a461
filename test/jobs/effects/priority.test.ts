/** The priority of the model requests of a job. */
import { expect, test } from 'vitest';
import { createEffects, type AssistantOptions } from '#jobs/effects/effects';
import type { EffectCall } from '#jobs/runtime/effect-port';
import type { RunOptions } from '#shared/model/model';

/** The priority with which a job asks the reasoner. */
async function priorityOf(scheduled?: { kind: string; outcome: string }): Promise<string> {
  let asked = '';
  const options = {
    language: { reason: () => ({ messages: [] }), displayableAnswer: (raw: string) => raw },
    speculation: {
      run: async (_: unknown, { priority }: RunOptions) => {
        asked = priority;
        return { ok: true, text: 'done', backend: 'large', timings: {} };
      },
    },
    history: async () => [],
  } as unknown as AssistantOptions;
  const call = {
    input: { message: 'summarise the week', now: '2026-12-02T09:00:00+09:00' },
    context: { scheduled },
    report: { text: () => undefined },
  } as unknown as EffectCall;
  await createEffects(options)['reason']!.run(call);
  return asked;
}

test('The message of a person is foreground work, that of a schedule is background work', async () => {
  expect(await priorityOf()).toBe('foreground');
  expect(await priorityOf({ kind: 'prompt', outcome: 'fired' })).toBe('background');
  // A person has asked for this run.
  expect(await priorityOf({ kind: 'prompt', outcome: 'manual' })).toBe('foreground');
});
