/** The contract of the schedules' storage port, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { OccurrenceRecord, Schedule } from '#schedules/schedule';
import type { ScheduleStorage } from '#schedules/schedule-port';
import { scheduleEventSchema, type ScheduleEventType } from '#shared/wire/schedule-event';
import { useLibraryStores } from '#test/support/library-stores';
import { changeOf, eventOf } from './library-changes.ts';
import { largeText, unusualTexts } from './storable-texts.ts';

const stores = useLibraryStores();

const schedule = (id: string, more: Partial<Schedule> = {}): Schedule => ({
  id,
  userId: 'ann',
  channel: 'synology',
  thread: null,
  kind: 'reminder',
  text: '약 먹기',
  rule: { cron: '0 9 * * *', every: { n: 2, unit: 'week' } },
  zone: 'Asia/Seoul',
  start: '2026-12-02T00:00:00',
  end: null,
  count: null,
  catchUp: 'once-late',
  catchUpMs: 86_400_000,
  pauseOnFailures: 0,
  overlap: 'queue-one',
  createdBy: 'http',
  createdAt: 1_000,
  updatedAt: 1_000,
  state: 'active',
  pauseReason: null,
  cursor: 1_764_633_600_000,
  nextAt: 1_764_720_000_000,
  nextWall: 1_764_752_400_000,
  settled: 0,
  missed: 0,
  failures: 0,
  lastJobId: null,
  last: { at: 900, jobId: 'job-0', outcome: 'late' },
  undeliveredAt: null,
  revision: 1,
  ...more,
});
const record = (wall: string, more: Partial<OccurrenceRecord> = {}): OccurrenceRecord => ({
  scheduleId: 'a',
  wall,
  dueAt: 1,
  at: 2,
  outcome: 'fired',
  missedBefore: 0,
  jobId: 'job-1',
  ...more,
});
const put = (schedules: ScheduleStorage, ...all: Schedule[]) =>
  schedules.commit(all.map((one) => ({ schedule: one, occurrence: null, events: [] })));
const ids = (rows: readonly Schedule[]): string[] => rows.map(({ id }) => id);

describe.each(stores)('schedules in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('are read as they were written, whatever their text', async () => {
    const { schedules } = await open();
    const all = unusualTexts.map((text, at) =>
      schedule(`s${at}`, {
        text,
        thread: text,
        end: '2026-12-31T00:00',
        count: 3,
        lastJobId: 'j',
        undeliveredAt: at,
      }),
    );
    expect(await put(schedules, ...all)).toBe('done');
    for (const one of all) expect(await schedules.find(one.id)).toEqual(one);
    expect(await schedules.find('unknown')).toBeNull();
  });

  test('are written all or not at all: a change of another revision is a conflict', async () => {
    const { schedules } = await open();
    await put(schedules, schedule('a'), schedule('b'));
    const changed = { text: 'changed', revision: 2 };
    expect(await put(schedules, schedule('a', changed), schedule('b', { revision: 3 }))).toBe(
      'conflict',
    );
    expect(await put(schedules, schedule('a', { text: 'again' }))).toBe('conflict');
    expect(await put(schedules, schedule('new', { revision: 2 }))).toBe('conflict');
    expect((await schedules.find('a'))?.text).toBe('약 먹기');
    expect(await put(schedules, schedule('a', changed))).toBe('done');
    expect((await schedules.find('a'))?.text).toBe('changed');
  });

  test('are due in the order of their next time, to the millisecond', async () => {
    const { schedules } = await open();
    const all = [
      schedule('later', { nextAt: 3_000 }),
      schedule('b', { nextAt: 2_000 }),
      schedule('a', { nextAt: 2_000 }),
      schedule('first', { nextAt: 1_000 }),
      schedule('paused', { nextAt: null, state: 'paused' }),
    ];
    expect(await schedules.nextDueAt()).toBeNull();
    await put(schedules, ...all);
    expect(ids(await schedules.due(1_999, 10))).toEqual(['first']);
    expect(ids(await schedules.due(2_000, 10))).toEqual(['first', 'a', 'b']);
    expect(ids(await schedules.due(9_000, 2))).toEqual(['first', 'a']);
    expect(ids(await schedules.due(9_000, 9, 'digest'))).toEqual([]);
    expect(ids(await schedules.due(9_000, 2, 'reminder'))).toEqual(['first', 'a']);
    const [next] = await schedules.nextTimes('', 1);
    const { id, zone, nextAt, nextWall } = (await schedules.find(next!.id))!;
    expect(next).toEqual({ id, zone, at: nextAt, wall: nextWall });
    expect(await schedules.nextDueAt()).toBe(1_000);
  });

  test('are listed by person and state, page by page', async () => {
    const { schedules } = await open();
    await put(
      schedules,
      schedule('a'),
      schedule('b', { state: 'paused', nextAt: null }),
      schedule('c', { userId: 'bob' }),
      schedule('d', { state: 'done', nextAt: null }),
      schedule('e', { state: 'cancelled', nextAt: null }),
    );
    expect(ids(await schedules.list({ userId: 'ann' }, '', 10))).toEqual(['a', 'b', 'd', 'e']);
    expect(ids(await schedules.list({ states: ['active', 'paused'] }, '', 2))).toEqual(['a', 'b']);
    expect(ids(await schedules.list({ states: ['active', 'paused'] }, 'b', 2))).toEqual(['c']);
    expect(await schedules.countOpen('ann')).toBe(2);
    expect(await schedules.countOpen('unknown')).toBe(0);
    const { nextAt } = schedule('a');
    const none = { active: 0, paused: 0, due: 0, nextAt: null };
    expect(await schedules.overview(nextAt!, null)).toEqual({
      active: 2,
      paused: 1,
      due: 2,
      nextAt,
    });
    expect(await schedules.overview(nextAt! - 1, 'ann')).toEqual({
      active: 1,
      paused: 1,
      due: 0,
      nextAt,
    });
    expect(await schedules.overview(0, 'unknown')).toEqual(none);
  });

  test('that were changed after a time are found, if active', async () => {
    const { schedules } = await open();
    const all = [schedule('a', { updatedAt: 5 }), schedule('b', { updatedAt: 6 })];
    await put(schedules, ...all, schedule('c', { updatedAt: 9, state: 'done', nextAt: null }));
    expect(ids(await schedules.changedAfter(5, 10))).toEqual(['b']);
  });

  test('keep the first record of an occurrence, with the change that settles it', async () => {
    const { schedules } = await open();
    const commit = (revision: number, occurrence: OccurrenceRecord) =>
      schedules.commit([{ schedule: schedule('a', { revision }), occurrence, events: [] }]);
    expect(await commit(1, record('2026-12-03T09:00:00'))).toBe('done');
    expect(await commit(1, record('2026-12-04T09:00:00'))).toBe('conflict');
    expect(await commit(2, record('2026-12-03T09:00:00', { outcome: 'late' }))).toBe('done');
    expect(await commit(3, record('2026-12-04T09:00:00', { missedBefore: 2 }))).toBe('done');
    expect(await schedules.occurrences('a', 10)).toEqual([
      record('2026-12-04T09:00:00', { missedBefore: 2 }),
      record('2026-12-03T09:00:00'),
    ]);
    expect(await schedules.occurrences('a', 1)).toHaveLength(1);
    expect(await schedules.occurrences('b', 10)).toEqual([]);
  });

  test('have events, stored with the change, in the order of the journal', async () => {
    const { schedules, documents, run } = await open();
    const change = (id: string, revision: number, ...types: ScheduleEventType[]) => ({
      schedule: schedule(id, { revision, userId: id, updatedAt: revision * 1_000 }),
      occurrence: null,
      events: types.map((type) => ({ type, data: { text: unusualTexts.join('') } })),
    });
    await schedules.commit([change('a', 1, 'created'), change('b', 1, 'created')]);
    await documents.commit(changeOf({ events: [eventOf('m', 1)] }));
    expect(await schedules.commit([change('a', 2, 'fired', 'paused')])).toBe('done');
    expect(await schedules.commit([change('b', 9, 'fired')])).toBe('conflict');
    const events = await schedules.events('a', 0, 10);
    expect(events.map(({ id, type, at }) => [id, type, at])).toEqual([
      ['a:1', 'created', '1970-01-01T00:00:01.000Z'],
      ['a:2', 'fired', '1970-01-01T00:00:02.000Z'],
      ['a:3', 'paused', '1970-01-01T00:00:02.000Z'],
    ]);
    for (const one of events) expect(scheduleEventSchema.safeParse(one).success).toBe(true);
    expect(events[0]!.data).toMatchObject({ kind: 'reminder' });
    expect(await schedules.events('a', 2, 10)).toHaveLength(1);
    const rows = await run(
      'select document_id, type from document_event order by document_id, seq',
    );
    expect(
      rows.map(({ document_id, type }) => `${document_id as string} ${type as string}`),
    ).toEqual([
      'a schedule.created',
      'a schedule.fired',
      'a schedule.paused',
      'b schedule.created',
      'm queued',
    ]);
  });

  test('are removed with their occurrences when they ended before a time', async () => {
    const { schedules } = await open();
    const ended = { state: 'done', nextAt: null, updatedAt: 5 } as const;
    await schedules.commit([
      {
        schedule: schedule('a', ended),
        occurrence: record('2026-12-03T09:00:00'),
        events: [{ type: 'fired', data: {} }],
      },
    ]);
    await put(schedules, schedule('b', { ...ended, updatedAt: 10 }), schedule('c'));
    expect(await schedules.prune(10)).toBe(1);
    expect(await schedules.find('a')).toBeNull();
    expect(await schedules.occurrences('a', 10)).toEqual([]);
    expect(await schedules.events('a', 0, 10)).toEqual([]);
    expect(ids(await schedules.list({}, '', 10))).toEqual(['b', 'c']);
  });

  test('on a full disk are refused with a code, and nothing of the change stays', async () => {
    const { schedules, fillDisk } = await open();
    await put(schedules, schedule('a'));
    const free = await fillDisk();
    const change = schedule('a', { text: largeText, revision: 2 });
    await expect(put(schedules, schedule('b'), change)).rejects.toMatchObject({
      code: 'GH_STORE_UNAVAILABLE',
    });
    await free();
    expect(await schedules.find('b')).toBeNull();
    expect(await put(schedules, change)).toBe('done');
  });
});
