/** A stored job as frames: complete, checked against the stored rows, and usable for "what if". */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chartOf } from '#inspector/charts/chart-model';
import { createTracingRunner } from '#inspector/server/replay-frame';
import { openJournalReader } from '#inspector/server/journal-reader';
import { choicesAt, tryEvent } from '#inspector/server/what-if';
import { jobMachine } from '#machines/job';
import { jobInput } from '#test/support/jobs';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';

let fixture: InspectorFixture;
beforeEach(async () => {
  fixture = await openInspector();
});
afterEach(() => fixture.close());

const arrows = new Set([...chartOf(jobMachine).edges.map(({ key }) => key), 'job/start']);

test('a job has one frame per row, each with the transitions that it took', async () => {
  const jobId = await fixture.send('왜 하늘은 파래?');
  await fixture.finish(jobId, '산란 때문입니다');
  const job = await openJournalReader(fixture.storage, jobId);
  const frames = await job.readNext();
  expect(frames.map(({ n }) => n)).toEqual(frames.map((_, index) => index + 1));
  const taken = frames.flatMap(({ edges }) => edges);
  expect(taken).toEqual([
    'job/start',
    'job.ack→job.classify:done',
    'job.classify→job.route:done',
    'job.route→job.reason:always',
    'job.reason→job.done:done',
  ]);
  expect(frames.at(-1)).toMatchObject({ isEnded: true, active: ['job', 'job.done'] });
  expect(await job.verify()).toEqual({ ok: true, rows: frames.length, differs: [], reworded: [] });
});

test('P4: a parked job replays to its stored snapshot in every field', async () => {
  const jobId = await fixture.send('내일 3시 치과 잡아줘');
  await fixture.draft(jobId);
  expect(fixture.storage.find(jobId)?.head.snapshot).not.toBeNull();
  const job = await openJournalReader(fixture.storage, jobId);
  await job.readNext();
  expect(await job.verify()).toMatchObject({ ok: true, differs: [] });
  fixture.database.connection
    .prepare("update job set snapshot = replace(snapshot, '15:00', '16:00') where id = ?")
    .run(jobId);
  expect(await job.verify()).toMatchObject({ ok: false, differs: ['snapshot'] });
});

test.each([
  ['update journal set value = \'"done"\' where n = 2', 'row 2'],
  ['update journal set event = \'{"type":"cancel","by":"x"}\' where n = 2', 'row 2'],
  ["update job set reply = 'another'", 'reply'],
])('the check of a job reports a change of its stored rows: %s', async (change, differs) => {
  const jobId = await fixture.send('왜?');
  await fixture.finish(jobId, '그래서');
  fixture.database.connection.prepare(change).run();
  const job = await openJournalReader(fixture.storage, jobId);
  await job.readNext();
  expect((await job.verify())?.ok).toBe(false);
  expect((await job.verify())?.differs.join()).toContain(differs);
});

test('a reply in the wording of an older version is shown as stored, and the check lists it as reworded', async () => {
  const jobId = await fixture.send('왜?');
  await fixture.journal.send(jobId, { type: 'cancel', by: 'ann' });
  fixture.database.connection.exec(
    `update journal set emitted = replace(emitted, '요청을 취소했습니다.', '취소되었습니다.');
     update job set reply = '취소되었습니다.'`,
  );
  const job = await openJournalReader(fixture.storage, jobId);
  const frames = await job.readNext();
  const last = frames.at(-1)!;
  expect(last.emitted.at(-1)?.data['reply']).toBe('취소되었습니다.');
  expect(await job.verify()).toMatchObject({ ok: true, differs: [], reworded: [last.n] });
});

test('a reader continues after its last frame', async () => {
  const jobId = await fixture.send('왜?');
  const job = await openJournalReader(fixture.storage, jobId);
  const first = await job.readNext();
  expect(await job.readNext()).toEqual([]);
  await fixture.finish(jobId, '그래서');
  const second = await job.readNext();
  expect(second[0]!.n).toBe(first.at(-1)!.n + 1);
  const fresh = await openJournalReader(fixture.storage, jobId);
  expect([...first, ...second]).toEqual(await fresh.readNext());
});

describe('what if', () => {
  test('applies another event to a copy, and the job stays as it is', async () => {
    const jobId = await fixture.send('왜?');
    const before = fixture.storage.rows(fixture.storage.find(jobId)!.num);
    const job = await openJournalReader(fixture.storage, jobId);
    await job.readNext();
    const result = tryEvent(job, before.length, { type: 'cancel', by: 'me' }, 1);
    expect(result).toMatchObject({ ok: true, isHandled: true, frame: { value: 'cancelled' } });
    expect(fixture.storage.rows(fixture.storage.find(jobId)!.num)).toEqual(before);
    expect(fixture.started.map(({ src }) => src)).toEqual(['classify']);
  });

  test('offers only events that the job handles', async () => {
    const jobId = await fixture.send('내일 3시 치과 잡아줘');
    await fixture.draft(jobId);
    const job = await openJournalReader(fixture.storage, jobId);
    for (const { n } of await job.readNext()) {
      for (const event of choicesAt(job, n)) {
        expect(tryEvent(job, n, event, 1), JSON.stringify(event)).toMatchObject({
          ok: true,
          isHandled: true,
        });
      }
    }
  });

  test('reports an event that the machine cannot handle, and does not throw', async () => {
    const jobId = await fixture.send('왜?');
    const job = await openJournalReader(fixture.storage, jobId);
    await job.readNext();
    expect(tryEvent(job, 2, { type: 'nonsense' }, 1)).toMatchObject({ ok: true, isHandled: false });
    expect(tryEvent(job, 99, { type: 'cancel' }, 1)).toMatchObject({ ok: false });
  });
});

test('every transition of a random history is on the chart', () => {
  const events = ['cancel', 'confirm', 'reject', 'gate.granted'].map((type) => ({ type, by: 'x' }));
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), (picks) => {
      const machine = createTracingRunner();
      let { snapshot } = machine.initialTransition(jobInput());
      for (const pick of picks) {
        if (snapshot.status !== 'active') break;
        const ids = Object.keys(snapshot.children);
        const done = ids.flatMap((id) => [
          { type: `xstate.error.actor.${id}`, error: { code: 'GH_X', message: 'x' } },
          ...(id === 'classify'
            ? ['route', 'system_status'].map((action) => ({
                type: 'xstate.done.actor.classify',
                output: { decision: { by: 'classifier', action }, backend: null },
              }))
            : []),
          ...(id === 'admit'
            ? [{ type: 'xstate.done.actor.admit', output: { now: '', decision: null } }]
            : []),
        ]);
        const all = [...events, ...done];
        ({ snapshot } = machine.transition(snapshot, all[pick % all.length]!));
        expect(machine.takenEdges().filter((key) => !arrows.has(key))).toEqual([]);
      }
    }),
    { numRuns: 200 },
  );
});
