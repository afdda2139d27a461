/** The steps of a turn: what a bug in one of them does, and in which step an effect starts. */
import { describe, expect, test } from 'vitest';
import { createLiveHub } from '#jobs/runtime/live-hub';
import type { JobEnd } from '#jobs/runtime/journal-observer';
import { until } from '#test/support/journal';
import {
  classifiedAsDirect,
  classifiedAsTools,
  draftReport,
  stateOf,
  useJournals,
} from '#test/support/journal-fixtures';
import { storageAnswers } from '#test/support/later-storage';

describe.each(storageAnswers)('with a storage that answers %s:', (answers) => {
  const { start } = useJournals(answers);

  /** A hub with a listener that throws at the first event for which `isBad` is true. */
  function hubWithBug(isBad: (type: string) => boolean) {
    const hub = createLiveHub();
    let thrown = 0;
    hub.subscribe(null, {
      event({ type }) {
        if (thrown > 0 || !isBad(type)) return;
        thrown += 1;
        throw new Error('a bug in a listener');
      },
      token: () => undefined,
    });
    return hub;
  }

  describe('Q4: a bug in a step after the commit', () => {
    test('ends its job with an apology, and the other job of the turn continues', async () => {
      const fixture = await start({ hub: hubWithBug((type) => type === 'ack') });
      const [first, second] = await Promise.all([
        fixture.submit({ userId: 'ann' }),
        fixture.submit({ userId: 'bob' }),
      ]);
      await until(() => stateOf(fixture, first).endedAt !== null);
      expect(stateOf(fixture, first)).toMatchObject({ state: 'done', outcome: 'failed' });
      await fixture.answer(second, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => fixture.journal.stats.loaded === 0);
      expect(stateOf(fixture, second).outcome).toBe('answered');
      expect(fixture.journal.stats).toMatchObject({ queued: 0, running: 0, loaded: 0 });
    });

    test('frees the slot of a job that has ended, and changes nothing of its end', async () => {
      const ends: JobEnd[] = [];
      const fixture = await start({
        hub: hubWithBug((type) => type === 'done'),
        maxConcurrent: 1,
        observer: { ended: (_, end) => void ends.push(end) },
      });
      const first = await fixture.submit({ userId: 'ann' });
      const second = await fixture.submit({ userId: 'bob' });
      await fixture.answer(first, 'classify', classifiedAsDirect('안녕하세요'));
      await fixture.answer(second, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => ends.length === 2);
      expect(stateOf(fixture, first)).toMatchObject({ state: 'done', outcome: 'answered' });
      expect(ends.map(({ outcome }) => outcome)).toEqual(['answered', 'answered']);
    });

    test('ends a parked job too, and leaves no timer of it', async () => {
      const fixture = await start({ hub: hubWithBug((type) => type === 'result') });
      const jobId = await fixture.submit();
      await fixture.answer(jobId, 'classify', classifiedAsTools);
      await fixture.answer(jobId, 'runTools', draftReport);
      // It is parked only for a moment.
      await until(
        () => stateOf(fixture, jobId).endedAt !== null && fixture.journal.stats.loaded === 0,
      );
      expect(stateOf(fixture, jobId).outcome).toBe('failed');
      expect(fixture.journal.stats).toMatchObject({ running: 0, loaded: 0 });
    });
  });

  describe('an effect', () => {
    test('of the scheduler runs once, in the transaction of the event that requests it', async () => {
      const seen: string[] = [];
      const fixture = await start({
        effects: {
          admit: {
            isScheduled: true,
            run({ jobId }) {
              seen.push(fixture.storage.find(jobId) === null ? 'before the commit' : 'after it');
              return { ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } };
            },
          },
        },
      });
      const jobId = await fixture.submit();
      expect(seen).toEqual(['before the commit']);
      expect(fixture.storage.rows(fixture.storage.find(jobId)!.num)).toHaveLength(2);
    });
  });
});
