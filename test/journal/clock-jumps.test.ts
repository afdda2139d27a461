/** A wall clock that is set, by a person or by the network: limits keep their length. */
import { describe, expect, test } from 'vitest';
import { effectOutputs, limits } from '../support/jobs.ts';
import { until } from '../support/journal.ts';
import { stateOf, useJournals } from '../support/journal-scenes.ts';

const { start, restart } = useJournals();

const hourMs = 3_600_000;
const short = { limits: { ...limits, confirmTtlMs: 300, classifyTimeoutMs: 300 } };
const draftCall = { tool: 'calendar', operation: 'create_draft', params: {} };
const toTools = {
  decision: { by: 'classifier', action: 'tools', calls: [draftCall] },
  backend: 'small',
};

/** A clock that can be set. */
function clockOff(): { now(): number; offMs: number } {
  return {
    offMs: 0,
    now() {
      return Date.now() + this.offMs;
    },
  };
}

type Fixture = Awaited<ReturnType<typeof start>>;

async function parkedShort(fixture: Fixture): Promise<string> {
  const jobId = await fixture.submit({ ...short, jobId: `job-${fixture.events.length}` });
  await fixture.answer(jobId, 'classify', toTools);
  await fixture.answer(jobId, 'runTools', effectOutputs['runTools']![2]);
  await until(() => stateOf(fixture, jobId).state === 'confirm-draft');
  return jobId;
}

describe('a clock that was an hour ahead and is set right', () => {
  test('lets the drafts of that hour expire after their own time', async () => {
    const clock = clockOff();
    const fixture = await start({ clock });
    clock.offMs = hourMs;
    const first = await parkedShort(fixture);
    const second = await parkedShort(fixture);
    clock.offMs = 0;
    const third = await parkedShort(fixture);
    for (const jobId of [first, second, third]) {
      await until(() => stateOf(fixture, jobId).state === 'cancelled');
    }
  });

  test('lets the drafts of that hour expire after their own time over a restart too', async () => {
    const clock = clockOff();
    let fixture = await start({ clock });
    clock.offMs = hourMs;
    const first = await parkedShort(fixture);
    const second = await parkedShort(fixture);
    clock.offMs = 0;
    fixture = await restart(fixture, { clock });
    for (const jobId of [first, second]) {
      await until(() => stateOf(fixture, jobId).state === 'cancelled');
    }
  });

  test('makes the limit of a step no longer', async () => {
    const clock = clockOff();
    const fixture = await start({ clock });
    clock.offMs = hourMs;
    const jobId = await fixture.submit(short);
    await until(() => fixture.started.length === 1);
    clock.offMs = 0;
    await until(() => stateOf(fixture, jobId).state === 'fallback');
  });

  test('makes the limit of a step no longer over a restart', async () => {
    const clock = clockOff();
    let fixture = await start({ clock });
    clock.offMs = hourMs;
    const jobId = await fixture.submit(short);
    await until(() => fixture.started.length === 1);
    clock.offMs = 0;
    fixture = await restart(fixture, { clock });
    await until(() => stateOf(fixture, jobId).state === 'fallback');
  });

  test('ends no draft before its time', async () => {
    const clock = clockOff();
    const fixture = await start({ clock });
    clock.offMs = hourMs;
    const expiring = await parkedShort(fixture);
    clock.offMs = 0;
    const jobId = await fixture.submit({ jobId: 'job-long' });
    await fixture.answer(jobId, 'classify', toTools);
    await fixture.answer(jobId, 'runTools', effectOutputs['runTools']![2]);
    await until(() => stateOf(fixture, expiring).state === 'cancelled');
    expect(stateOf(fixture, jobId).state).toBe('confirm-draft');
  });
});
