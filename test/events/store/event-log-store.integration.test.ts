/** The journal as an outbox: the queries of the relay on a real database. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EventLogStorage } from '#events/event-log-port';
import type { Promised } from '#shared/maybe-promise';
import { openMessagingFixture } from '../messaging-fixture.ts';
import { folderForTest } from '../nats-fixture.ts';
import { jobInput, newJobChange } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { useStores, type Stores } from '#test/support/stores';

/** One job per argument, with rows of the given numbers of events. `pos` 1 is the first row of the first job. */
async function outboxOn(
  open: () => Promise<Stores>,
  jobs: { channel: string; rows: number[]; at?: number }[],
): Promise<Promised<EventLogStorage>> {
  const stores = await open();
  for (const [j, { channel, rows, at = 1_000 }] of jobs.entries()) {
    const jobId = `job-${j + 1}`;
    let seq = 1;
    const made = rows.map((count, n) => {
      const row = {
        n: n + 1,
        at: at + n,
        event: { type: n === 0 ? 'xstate.init' : `event.${n}`, secret: 'x'.repeat(100) },
        value: 'ack',
        seq,
        emitted: Array.from({ length: count }, () => ({
          type: 'processing' as const,
          state: 'ack' as const,
          data: {},
        })),
      };
      seq += count;
      return row;
    });
    const input = jobInput({ jobId, channel, userId: `user-${j + 1}` });
    await stores.jobs.commit([newJobChange(input, made, at)]);
  }
  return stores.events;
}

describe.each(useStores())('the event log store on $name', ({ missing, open }) => {
  const outboxWith = (...jobs: Parameters<typeof outboxOn>[1]) => outboxOn(open, jobs);

  describe.skipIf(missing !== null)('when it is available', () => {
    test('returns rows with events in order, and the last scanned position', async () => {
      const outbox = await outboxWith(
        { channel: 'http', rows: [2, 0, 1] },
        { channel: 'synology', rows: [0, 3] },
      );
      const first = await outbox.after(0, 3);
      expect(first.upTo).toBe(3);
      expect(first.rows.map(({ pos, triggerType }) => [pos, triggerType])).toEqual([
        [1, 'xstate.init'],
        [3, 'event.2'],
      ]);
      expect(first.rows.flatMap(({ events }) => events.map(({ id }) => id))).toEqual([
        'job-1:1',
        'job-1:2',
        'job-1:3',
      ]);
      const rest = await outbox.after(3, 100);
      expect(rest.upTo).toBe(5);
      expect(rest.rows[0]?.events[0]).toMatchObject({
        id: 'job-2:1',
        user_id: 'user-2',
        channel: 'synology',
        at: new Date(1_001).toISOString(),
      });
      expect(await outbox.after(5, 10)).toEqual({ rows: [], upTo: 5 });
    });

    test('skips other channels, but scans no more rows than requested', async () => {
      const outbox = await outboxWith(
        { channel: 'http', rows: [1, 1, 1] },
        { channel: 'synology', rows: [1] },
      );
      expect(await outbox.after(0, 2, ['synology'])).toEqual({ rows: [], upTo: 2 });
      const found = await outbox.after(2, 2, ['synology', 'mail']);
      expect(found.upTo).toBe(4);
      expect(found.rows.map(({ pos }) => pos)).toEqual([4]);
      expect((await outbox.after(0, 10, [])).rows).toEqual([]);
    });

    test('finds rows of another channel that were decided from these channels', async () => {
      const stores = await open();
      const input = jobInput({ jobId: 'job-1', channel: 'http', message: 'say "via":{' });
      const via = { channel: 'toy' };
      const rows = [undefined, via, undefined].map((from, index) => ({
        n: index + 1,
        at: 1_000 + index,
        event: { type: index === 0 ? 'xstate.init' : 'confirm' },
        value: 'ack',
        seq: index + 1,
        emitted: [
          {
            type: 'processing' as const,
            state: 'ack' as const,
            data: { text: 'the text "via":{ is none' },
            ...(from === undefined ? {} : { via: from }),
          },
        ],
      }));
      await stores.jobs.commit([newJobChange(input, rows, 1_000)]);
      const found = await stores.events.after(0, 10, ['toy']);
      expect(found.upTo).toBe(3);
      expect(found.rows.map(({ pos, via: told }) => [pos, told])).toEqual([[2, via]]);
      const all = await stores.events.after(0, 10, ['http']);
      expect(all.rows.map(({ via: told }) => told)).toEqual([null, via, null]);
    });

    test('finds the row of an event, and the index of the event in the row', async () => {
      const outbox = await outboxWith({ channel: 'http', rows: [2, 0, 3, 0] });
      expect(await outbox.positionOf('job-1', 1)).toEqual({ pos: 1, index: 0, count: 2 });
      expect(await outbox.positionOf('job-1', 2)).toEqual({ pos: 1, index: 1, count: 2 });
      expect(await outbox.positionOf('job-1', 5)).toEqual({ pos: 3, index: 2, count: 3 });
      expect(await outbox.positionOf('job-1', 6)).toBe(null);
      expect(await outbox.positionOf('job-1', 0)).toBe(null);
      expect(await outbox.positionOf('nobody', 1)).toBe(null);
      expect(await outbox.positionOf('job-1', Number.NaN)).toBe(null);
    });

    test('finds the position of a time', async () => {
      const jobs = Array.from({ length: 50 }, (_, n) => ({
        channel: 'http',
        rows: [1, 1],
        at: 1_000 + n * 10,
      }));
      const outbox = await outboxWith(...jobs);
      expect(await outbox.positionAt(0)).toBe(0);
      expect(await outbox.positionAt(1_000)).toBe(0);
      expect(await outbox.positionAt(1_001)).toBe(1);
      expect(await outbox.positionAt(1_255)).toBe(52);
      expect(await outbox.positionAt(9_999)).toBe(100);
    });

    test('counts the rows after a position, and returns the time of the oldest', async () => {
      const outbox = await outboxWith({ channel: 'http', rows: [1, 1, 1] });
      expect(await outbox.backlog(0)).toEqual({ rows: 3, upTo: 3, oldestAt: 1_000 });
      expect(await outbox.backlog(2)).toEqual({ rows: 1, upTo: 3, oldestAt: 1_002 });
      expect(await outbox.backlog(3)).toEqual({ rows: 0, upTo: 3, oldestAt: null });
    });

    test('stores a watermark per name, which can also be set back', async () => {
      const outbox = await outboxWith({ channel: 'http', rows: [1] });
      expect(await outbox.watermark('events')).toBe(0);
      await outbox.saveWatermark('events', 7);
      await outbox.saveWatermark('replies', 2);
      await outbox.saveWatermark('events', 5);
      expect([await outbox.watermark('events'), await outbox.watermark('replies')]).toEqual([5, 2]);
      expect([await outbox.userOf('job-1'), await outbox.userOf('nobody')]).toEqual([
        'user-1',
        null,
      ]);
    });
  });
});

describe('the event log store on SQLite', () => {
  test('returns the same events as the job service', async () => {
    const rig = await openMessagingFixture({
      path: `${folderForTest()}/gatehouse.db`,
      config: { mode: 'off' },
    });
    onTestFinished(() => rig.close());
    const { job_id } = await rig.jobService.submit({ message: 'draft x', user_id: 'ann' });
    await until(async () => (await rig.jobService.get(job_id)).state === 'confirm-draft');
    const { rows } = rig.outbox.after(0, 100);
    expect(rows.flatMap(({ events }) => events)).toEqual(await rig.jobService.events(job_id));
  });
});
