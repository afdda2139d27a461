/** Changes of the wall clock, by a user or by NTP: time limits keep their length. */
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

/** A wall clock that the test can set. */
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

describe('the correction of a clock that was an hour ahead', () => {
  test('lets the drafts of that hour expire after their own time limit', async () => {
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

  test('lets the drafts of that hour expire after their own time limit, also over a restart', async () => {
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

  test('does not extend the time limit of a step', async () => {
    const clock = clockOff();
    const fixture = await start({ clock });
    clock.offMs = hourMs;
    const jobId = await fixture.submit(short);
    await until(() => fixture.started.length === 1);
    clock.offMs = 0;
    await until(() => stateOf(fixture, jobId).state === 'fallback');
  });

  test('does not extend the time limit of a step over a restart', async () => {
    const clock = clockOff();
    let fixture = await start({ clock });
    clock.offMs = hourMs;
    const jobId = await fixture.submit(short);
    await until(() => fixture.started.length === 1);
    clock.offMs = 0;
    fixture = await restart(fixture, { clock });
    await until(() => stateOf(fixture, jobId).state === 'fallback');
  });

  test('ends no draft before its time limit', async () => {
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

describe('a computer that slept past the expiry of a draft', () => {
  const confirm = { type: 'confirm', by: 'ann' } as const;

  test('applies the expiry before the first confirm: the draft expires, the confirm is refused, nothing is written', async () => {
    const time = { at: Date.now() };
    // During sleep timers stop and the wall clock continues: the test moves only the clock.
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

  test('ends a draft once when several commands come at its expiry', async () => {
    const time = { at: Date.now() };
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs;
    const words = [confirm, { type: 'reject', by: 'ann' }, confirm] as const;
    const told = await Promise.allSettled(words.map((word) => fixture.journal.send(jobId, word)));
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(fixture.events.filter(({ type }) => type === 'cancelled')).toHaveLength(1);
  });

  test('accepts a confirm before the expiry', async () => {
    const time = { at: Date.now() };
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await openParkedJob(fixture);
    time.at += limits.confirmTtlMs - 1;
    await fixture.journal.send(jobId, confirm);
    await until(() => fixture.started.some(({ src }) => src === 'execute'));
  });

  test('leaves the draft unchanged when its expiry cannot be stored', async () => {
    const time = { at: Date.now() };
    const disk = { isBroken: false };
    const fixture = await start({
      clock: { now: () => time.at },
      wrapStorage: (real) => ({
        ...real,
        commit(changes) {
          if (disk.isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE', 'disk full');
          return real.commit(changes);
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
