/** Rows that cannot be read: their job ends visibly, and no other job is held up. */
import { describe, expect, test } from 'vitest';
import { until, type OpenJournal } from '#test/support/journal';
import {
  classifiedAsDirect,
  openParkedJob,
  storedState,
  type Journals,
} from '#test/support/journal-fixtures';

export function damageCases({ start, restart }: Journals<OpenJournal>): void {
  /** Damages the stored rows of the job, then restarts the journal. */
  async function damaged(
    fixture: OpenJournal,
    damage: (num: number) => string,
    jobId: string,
  ): Promise<OpenJournal> {
    await fixture.run(damage((await fixture.storage.find(jobId))!.num));
    return restart(fixture, { maxConcurrent: 1 });
  }

  const apology = { state: 'done', outcome: 'failed', reply: expect.stringContaining('내부 오류') };

  describe('a job with a damaged row', () => {
    test.each([
      [
        'its event',
        (num: number) => `update journal set event = '{"type' where job = ${num} and n = 2`,
      ],
      [
        'its state',
        (num: number) => `update journal set value = '{"cl' where job = ${num} and n = 2`,
      ],
      [
        'what it told',
        (num: number) => `update journal set emitted = '[{' where job = ${num} and n = 2`,
      ],
      ['the input of the job', (num: number) => `update job set input = '{"jo' where num = ${num}`],
    ])('(%s) ends with an apology, and the next job runs', async (_what, damage) => {
      let fixture = await start({ maxConcurrent: 1 });
      const broken = await fixture.submit({ userId: 'ann' });
      const next = await fixture.submit({ userId: 'bob' });
      await until(() => fixture.started.length === 1);
      fixture = await damaged(fixture, damage, broken);
      await until(async () => (await storedState(fixture, broken)).endedAt !== null);
      expect(await storedState(fixture, broken)).toMatchObject(apology);
      const published = () => fixture.events.filter((event) => event.job_id === broken);
      await until(() => published().length > 0);
      expect(published()[0]).toMatchObject({ type: 'error', data: { code: 'GH_STORE_CORRUPT' } });
      await fixture.answer(next, 'classify', classifiedAsDirect('안녕하세요'));
      await until(async () => (await storedState(fixture, next)).outcome === 'answered');
    });

    test('that waits for a confirm ends at the confirm', async () => {
      let fixture = await start();
      const jobId = await openParkedJob(fixture);
      fixture = await damaged(
        fixture,
        (num) => `update job set input = '{"jo' where num = ${num}`,
        jobId,
      );
      await fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      expect(await storedState(fixture, jobId)).toMatchObject(apology);
      expect(fixture.everStarted.some((key) => key.includes(':execute:'))).toBe(false);
    });

    test('is skipped by the readers that publish the journal', async () => {
      const fixture = await start();
      const broken = await fixture.submit({ userId: 'ann' });
      const next = await fixture.submit({ userId: 'bob' });
      const { num } = (await fixture.storage.find(broken))!;
      await fixture.run(`update journal set event = '{"type' where job = ${num} and n = 1`);
      await fixture.run(`update journal set emitted = '[{' where job = ${num} and n = 2`);
      const rows = await fixture.storedEvents();
      const acks = rows.flatMap(({ events }) => events).filter(({ type }) => type === 'ack');
      const ids = acks.map((event) => ('job_id' in event ? event.job_id : ''));
      // Two users: the order between their partitions is not given.
      expect(ids.toSorted()).toEqual([broken, next].toSorted());
    });
  });
}
