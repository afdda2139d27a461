/** The steps of a turn: what a bug in one of them does, and in which step an effect starts. */
import { describe, expect, test } from 'vitest';
import { createLiveHub } from '#jobs/runtime/live-hub';
import type { JobEnd } from '#jobs/runtime/journal-observer';
import { until, type OpenJournal } from '#test/support/journal';
import {
  classifiedAsDirect,
  classifiedAsTools,
  draftReport,
  storedRows,
  storedState,
  type Journals,
} from '#test/support/journal-fixtures';

export function turnCases({ start }: Journals<OpenJournal>): void {
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
      await until(async () => (await storedState(fixture, first)).endedAt !== null);
      expect(await storedState(fixture, first)).toMatchObject({ state: 'done', outcome: 'failed' });
      await fixture.answer(second, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => fixture.journal.stats.loaded === 0);
      expect((await storedState(fixture, second)).outcome).toBe('answered');
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
      expect(await storedState(fixture, first)).toMatchObject({
        state: 'done',
        outcome: 'answered',
      });
      expect(ends.map(({ outcome }) => outcome)).toEqual(['answered', 'answered']);
    });

    test('ends a parked job too, and leaves no timer of it', async () => {
      const fixture = await start({ hub: hubWithBug((type) => type === 'result') });
      const jobId = await fixture.submit();
      await fixture.answer(jobId, 'classify', classifiedAsTools);
      await fixture.answer(jobId, 'runTools', draftReport);
      // It is parked only for a moment.
      await until(
        async () =>
          (await storedState(fixture, jobId)).endedAt !== null &&
          fixture.journal.stats.loaded === 0,
      );
      expect((await storedState(fixture, jobId)).outcome).toBe('failed');
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
            run() {
              seen.push('effect');
              return { ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } };
            },
          },
        },
        wrapStorage: (real) => ({
          ...real,
          commit(changes) {
            seen.push('commit');
            return real.commit(changes);
          },
        }),
      });
      const jobId = await fixture.submit();
      expect(seen.slice(0, 2)).toEqual(['effect', 'commit']);
      expect(await storedRows(fixture, jobId)).toHaveLength(2);
    });
  });
}
