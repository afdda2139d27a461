/** What becomes of the messages of schedules that their chat refuses. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';
import { openSchedules, reminder, type ScheduleFixture } from '#test/support/schedules';

let folder: ReturnType<typeof scratchFolder>;
let open: ScheduleFixture;

beforeEach(async () => {
  folder = scratchFolder();
  open = await openSchedules(`${folder.path}/gatehouse.db`, '2026-12-02T10:00+09:00');
});
afterEach(async () => {
  await open.close();
  folder.remove();
});

/** Fires the reminder; returns its id and job. */
async function fire(change = {}): Promise<{ id: string; jobId: string }> {
  const { id } = await open.schedules.create(reminder(change));
  await open.at('2026-12-03T09:00+09:00');
  return { id, jobId: (await open.schedules.get(id)).lastJobId! };
}
const lastSeq = (jobId: string): number => open.journal.storage.find(jobId)!.head.seq;
const report = (
  jobId: string,
  status: 'sent' | 'uncertain' | 'dead',
  seq = lastSeq(jobId),
): Promise<void> =>
  open.followDelivery({ jobId, seq, status, error: status === 'sent' ? null : 'no such channel' });
const jobs = () =>
  open.journal.database.connection
    .prepare<[], { id: string; conversation: string }>(
      'select id, conversation from job order by num',
    )
    .all();

test('a message that its chat refuses goes to the next place once, and says so', async () => {
  open.places.push({ channel: 'synology', thread: 'dm' }, { channel: 'synology', thread: null });
  const { id, jobId } = await fire();
  await report(jobId, 'dead');
  await report(jobId, 'dead');
  expect(jobs().map(({ conversation }) => conversation)).toEqual([
    'synology/dm:ann',
    'synology:ann',
  ]);
  expect(open.messages().at(-1)).toBe(
    'fired: ⏰ 약 먹기\n(이 알림은 synology(으)로 보낼 수 없어 여기로 보냅니다.)',
  );
  expect((await open.events(id)).map(({ type }) => type)).toEqual([
    'created',
    'fired',
    'redirected',
  ]);
  expect((await open.schedules.get(id)).undeliveredAt).toBeNull();
});

test('a message that no place takes is told by an event and a mark, until one arrives', async () => {
  open.places.push({ channel: 'synology', thread: null });
  const { id, jobId } = await fire({ rule: { cron: '0 9 * * *' }, text: 'Take the pill' });
  await report(jobId, 'dead');
  await report(jobs().at(-1)!.id, 'dead');
  expect(jobs()).toHaveLength(2);
  expect(await open.schedules.get(id)).toMatchObject({ undeliveredAt: open.clock.now() });
  expect((await open.events(id)).at(-1)).toMatchObject({
    type: 'undelivered',
    jobId: jobs().at(-1)!.id,
  });
  await open.at('2026-12-04T09:00+09:00');
  await report((await open.schedules.get(id)).lastJobId!, 'sent');
  expect((await open.schedules.get(id)).undeliveredAt).toBeNull();
});

test('a message that may have arrived goes nowhere else', async () => {
  open.places.push({ channel: 'synology', thread: null });
  const { id, jobId } = await fire();
  await report(jobId, 'uncertain');
  expect(jobs()).toHaveLength(1);
  expect((await open.events(id)).at(-1)).toMatchObject({ type: 'uncertain', jobId });
});

test('a notice on the way, and a message of no schedule, change nothing', async () => {
  open.places.push({ channel: 'synology', thread: null });
  const { id, jobId } = await fire();
  await report(jobId, 'dead', lastSeq(jobId) - 1);
  await open.journal.submit({ jobId: 'mine' });
  await report('mine', 'dead', 1);
  await report('unknown', 'dead', 1);
  expect(jobs()).toHaveLength(2);
  expect((await open.events(id)).at(-1)!.type).toBe('fired');
});

test('a message for a chat that was removed goes to another place and says so, also one that a model answers', async () => {
  open.gone.add('synology');
  open.places.push({ channel: 'synology', thread: 'dm' }, { channel: 'other', thread: null });
  const { id, jobId } = await fire();
  expect(jobs().map(({ conversation }) => conversation)).toEqual(['other:ann']);
  expect(open.messages()).toEqual([
    'fired: ⏰ 약 먹기\n(이 알림은 synology(으)로 보낼 수 없어 여기로 보냅니다.)',
  ]);
  expect((await open.events(id)).slice(1)).toMatchObject([
    { type: 'fired', jobId },
    { type: 'redirected', jobId },
  ]);
  await open.schedules.create(
    reminder({ kind: 'prompt', text: '날씨 알려줘', rule: { once: '2026-12-03T10:00' } }),
  );
  await open.at('2026-12-03T10:00+09:00');
  expect(open.messages().slice(1)).toEqual([
    'fired: 날씨 알려줘\n(이 알림은 synology(으)로 보낼 수 없어 여기로 보냅니다.)',
    'fired: null',
  ]);
});

test('a message for a chat that was removed waits in it where the person has no other place, with an event and a mark', async () => {
  open.gone.add('synology');
  const { id, jobId } = await fire({ rule: { cron: '0 9 * * *' } });
  expect(jobs().map(({ conversation }) => conversation)).toEqual(['synology/dm:ann']);
  expect((await open.events(id)).at(-1)).toMatchObject({ type: 'undelivered', jobId });
  expect((await open.schedules.get(id)).undeliveredAt).toBe(Date.parse('2026-12-03T09:00+09:00'));
  // The chat is back.
  open.gone.clear();
  await report(jobId, 'sent');
  expect((await open.schedules.get(id)).undeliveredAt).toBeNull();
});
