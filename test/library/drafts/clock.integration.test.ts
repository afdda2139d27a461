/** A wrong wall clock that is corrected: memos queued under the wrong time are drafted all the same. */
import { expect, test } from 'vitest';
import { openLibrary } from '../library-fixture.ts';
import { openDrafts } from './drafts-fixture.ts';

const dayMs = 24 * 60 * 60_000;
const text = '오늘 회의에서 정한 것을 여기에 적어 둔다.';

test('a memo that was promoted while the clock was days ahead is drafted after the next start', async () => {
  let aheadMs = 3 * dayMs;
  const setting = await openDrafts({}, { clock: { now: () => Date.now() + aheadMs } });
  const { call, promoted, waitForEvent: told, fixture } = setting;
  await call('POST', '/drafts/pause');
  const id = await promoted(text);
  aheadMs = 0;
  await fixture.restart();
  await call('POST', '/drafts/resume');
  await told(id, 'drafted');
});

test('promoting a memo that waits for its first attempt makes it due', async () => {
  let aheadMs = 3 * dayMs;
  const setting = await openDrafts({}, { clock: { now: () => Date.now() + aheadMs } });
  const { call, promoted, promote, overview, events } = setting;
  await call('POST', '/drafts/pause');
  const id = await promoted(text);
  aheadMs = 0;
  await promote(id);
  const [waiting] = (await overview()).waiting;
  expect(Date.parse(waiting!.due_at!)).toBeLessThanOrEqual(Date.now());
  expect(await events(id)).toHaveLength(1);
});

test('a due time later than any valid delay is moved to now, and every other due time is kept', async () => {
  const { storage, library, close } = await openLibrary();
  const { drafts } = storage;
  const times: [queuedAt: number, dueAt: number][] = [
    [500, 900],
    [500, 1_200],
    [1_100, 1_200],
    [500, 5_000],
  ];
  const ids: string[] = [];
  for (const [queuedAt, dueAt] of times) {
    const metadata = { needs_draft: true };
    const { id } = await library.create('u', { text, origin: 'memo', metadata });
    ids.push(id);
    await library.commit(id, async (changes) =>
      changes.saveDraft({ ...(await changes.findDraft(id))!, queuedAt, dueAt }),
    );
  }
  await drafts.rescheduleFutureDates(1_000, 1_000);
  const records = await Promise.all(ids.map((id) => drafts.find(id)));
  expect(records.map((record) => [record!.queuedAt, record!.dueAt])).toEqual([
    [500, 900],
    [500, 1_200],
    [1_000, 1_000],
    [500, 1_000],
  ]);
  await close();
});
