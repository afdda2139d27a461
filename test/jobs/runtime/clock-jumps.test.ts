/** A wall clock that is set, by a person or by the network: limits keep their length. */
import { describe, expect, test } from 'vitest';
import { GatehouseError } from '#shared/errors';
import { effectOutputs, limits } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { openParkedJob, stateOf, useJournals } from '#test/support/journal-fixtures';

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

describe('a machine that slept over the end of a draft', () => {
  const confirm = { type: 'confirm', by: 'ann' } as const;

  test('writes nothing at the first word after it: the draft expires, and the word is refused', async () => {
    const time = { at: Date.now() };
    // Timers stand while a machine sleeps, the wall clock does not: only the clock goes on here.
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs + 1;
    await expect(fixture.journal.send(jobId, confirm)).rejects.toMatchObject({
      code: 'GH_JOB_CONFLICT',
    });
    expect(stateOf(fixture, jobId)).toMatchObject({ state: 'cancelled' });
    expect(fixture.events.at(-1)).toMatchObject({ type: 'cancelled', data: { by: 'expiry' } });
    expect(fixture.everStarted.some((key) => key.includes(':execute:'))).toBe(false);
  });

  test('ends a draft once when several words come with the end of its time', async () => {
    const time = { at: Date.now() };
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs;
    const words = [confirm, { type: 'reject', by: 'ann' }, confirm] as const;
    const told = await Promise.allSettled(words.map((word) => fixture.journal.send(jobId, word)));
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(fixture.events.filter(({ type }) => type === 'cancelled')).toHaveLength(1);
  });

  test('takes the word while there is time left', async () => {
    const time = { at: Date.now() };
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs - 1;
    await fixture.journal.send(jobId, confirm);
    await until(() => fixture.started.some(({ src }) => src === 'execute'));
  });

  test('leaves no trace of the end when it cannot be stored', async () => {
    const time = { at: Date.now() };
    const disk = { isBroken: false };
    const fixture = await start({
      clock: { now: () => time.at },
      wrapStorage: (real) => ({
        ...real,
        commit(changes) {
          if (disk.isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE', 'disk full');
          real.commit(changes);
        },
      }),
    });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs + 1;
    disk.isBroken = true;
    const code = 'GH_STORE_UNAVAILABLE';
    await expect(fixture.journal.send(jobId, confirm)).rejects.toMatchObject({ code });
    expect(stateOf(fixture, jobId)).toMatchObject({ state: 'confirm-draft' });
    disk.isBroken = false;
    await expect(fixture.journal.send(jobId, confirm)).rejects.toMatchObject({
      code: 'GH_JOB_CONFLICT',
    });
  });
});
