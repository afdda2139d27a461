/** Rows that cannot be read: their job ends visibly, and no other job is held up. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createEventLogStore } from '#events/store/event-log-store';
import { yieldToEventLoop, until, type JournalFixture } from '#test/support/journal';
import {
  classifiedAsDirect,
  openParkedJob,
  stateOf,
  classifiedAsReasoning,
  useJournals,
} from '#test/support/journal-fixtures';
import { storageAnswers } from '#test/support/later-storage';

describe.each(storageAnswers)('with a storage that answers %s:', (answers) => {
  const { start, restart } = useJournals(answers);

  /** Damages the stored rows of the job, then restarts the journal. */
  async function damaged(
    fixture: JournalFixture,
    damage: string,
    jobId: string,
  ): Promise<JournalFixture> {
    fixture.database.connection.prepare(damage).run(fixture.storage.find(jobId)!.num);
    return restart(fixture, { maxConcurrent: 1 });
  }

  const apology = { state: 'done', outcome: 'failed', reply: expect.stringContaining('내부 오류') };

  describe('a job with a damaged row', () => {
    test.each([
      ['its event', `update journal set event = '{"type' where job = ? and n = 2`],
      ['its state', `update journal set value = '{"cl' where job = ? and n = 2`],
      ['what it told', `update journal set emitted = '[{' where job = ? and n = 2`],
      ['the input of the job', `update job set input = '{"jo' where num = ?`],
    ])('(%s) ends with an apology, and the next job runs', async (_what, damage) => {
      let fixture = await start({ maxConcurrent: 1 });
      const broken = await fixture.submit({ userId: 'ann' });
      const next = await fixture.submit({ userId: 'bob' });
      await until(() => fixture.started.length === 1);
      fixture = await damaged(fixture, damage, broken);
      await until(() => stateOf(fixture, broken).endedAt !== null);
      expect(stateOf(fixture, broken)).toMatchObject(apology);
      const published = () => fixture.events.filter((event) => event.job_id === broken);
      await until(() => published().length > 0);
      expect(published()[0]).toMatchObject({ type: 'error', data: { code: 'GH_STORE_CORRUPT' } });
      await fixture.answer(next, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => stateOf(fixture, next).outcome === 'answered');
    });

    test('that waits for a confirm ends at the confirm', async () => {
      let fixture = await start();
      const jobId = await openParkedJob(fixture);
      fixture = await damaged(fixture, `update job set input = '{"jo' where num = ?`, jobId);
      await fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      expect(stateOf(fixture, jobId)).toMatchObject(apology);
      expect(fixture.everStarted.some((key) => key.includes(':execute:'))).toBe(false);
    });

    test('is skipped by the readers that publish the journal', async () => {
      const fixture = await start();
      const broken = await fixture.submit({ userId: 'ann' });
      const next = await fixture.submit({ userId: 'bob' });
      const num = fixture.storage.find(broken)!.num;
      const damage = fixture.database.connection;
      damage.prepare(`update journal set event = '{"type' where job = ? and n = 1`).run(num);
      damage.prepare(`update journal set emitted = '[{' where job = ? and n = 2`).run(num);
      const { rows } = createEventLogStore(fixture.database).after(0, 100);
      const acks = rows.flatMap(({ events }) => events).filter(({ type }) => type === 'ack');
      expect(acks.map((event) => 'job_id' in event && event.job_id)).toEqual([broken, next]);
    });

    test('on a damaged database page ends with an apology too', async () => {
      let fixture = await start({ maxConcurrent: 1 });
      const broken = await fixture.submit({ userId: 'ann' });
      const next = await fixture.submit({ userId: 'bob' });
      // Too long for one page: stored on a chain of overflow pages, each beginning with the number of the next page.
      const response = 'x'.repeat(50_000);
      await fixture.answer(broken, 'classify', {
        ...classifiedAsReasoning,
        decision: { ...classifiedAsReasoning.decision, response },
      });
      await until(() => fixture.started.some(({ src }) => src === 'reason'));
      await yieldToEventLoop();
      fixture.database.connection.pragma('wal_checkpoint(TRUNCATE)');
      const { path } = fixture;
      const pageBytes = Number(fixture.database.connection.pragma('page_size', { simple: true }));
      fixture = await restart(fixture, { maxConcurrent: 1 }, () => {
        const file = readFileSync(path);
        const page = Math.floor(file.indexOf('x'.repeat(pageBytes - 8)) / pageBytes);
        file.fill(0xff, page * pageBytes, page * pageBytes + 4);
        writeFileSync(path, file);
      });
      await until(() => stateOf(fixture, broken).endedAt !== null);
      expect(stateOf(fixture, broken)).toMatchObject(apology);
      await fixture.answer(next, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => stateOf(fixture, next).outcome === 'answered');
    });
  });
});
