/** The live draft actor over a real database, with a model whose calls end when the test ends them. */
import { expect, onTestFinished, test } from 'vitest';
import type { Backend, ModelOutcome } from '#shared/model/model';
import { createDocumentOutbox } from '#library/document-outbox';
import { createDraftQueue } from '#library/drafts/draft-queue';
import { createDraftWorker } from '#library/drafts/draft-worker';
import { systemClock } from '#shared/clock';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { createDocumentEventStore } from '#library/store/document-event-store';
import { createDraftStore } from '#library/store/draft-store';
import { openLibrary } from '../library-fixture.ts';
import { yieldToEventLoop, until } from '#test/support/journal';

const cancelled: ModelOutcome = {
  ok: false,
  backend: 'b',
  errorReason: 'cancelled',
  message: 'cancelled',
  status: null,
  partialText: '',
  retryAfterMs: null,
  timings: { queueMs: 0, firstTokenMs: null, totalMs: 0 },
};

test('the draft worker claims one memo at a time, however often it is paused and resumed while a call ends', async () => {
  const { database, library, storage, close } = await openLibrary();
  onTestFinished(close);
  const drafts = createDraftStore(database);
  const events = createDocumentEventStore(database);
  const outbox = createDocumentOutbox({ library, events, live: () => undefined });
  const common = {
    clock: systemClock,
    faults: noFaultInjection,
    log: silentLog(),
    intervalMs: 60_000,
  };
  const queue = createDraftQueue({
    ...common,
    library,
    documents: storage,
    drafts,
    outbox,
    minChars: 1,
    maxAttempts: 3,
  });
  const ends: ((outcome: ModelOutcome) => void)[] = [];
  const backend = {
    id: 'b',
    run: () => new Promise<ModelOutcome>((resolve) => void ends.push(resolve)),
  } as unknown as Backend;
  const drafter = createDraftWorker({
    ...common,
    queue,
    backend: () => backend,
    drafts,
    window: { isOpen: () => true, opensInMs: () => 0 },
    batch: 5,
    progressMs: 1_000,
  });
  for (const text of ['하나', '둘', '셋']) {
    library.create('u', { text, origin: 'memo', metadata: { needs_draft: true } });
  }
  drafter.start();
  await until(() => ends.length === 1);
  for (let times = 0; times < 3; times += 1) {
    drafter.pause();
    drafter.resume();
    await yieldToEventLoop();
  }
  expect(ends).toHaveLength(1);
  ends[0]!(cancelled);
  await until(() => ends.length === 2);
  expect(drafts.claimed()).toMatchObject([{ attempts: 1 }]);
  expect(drafts.list('u', 'waiting', 10)).toHaveLength(2);
  const stopped = drafter.stop();
  ends[1]!(cancelled);
  await stopped;
  expect(drafts.claimed()).toEqual([]);
  expect(drafts.list(null, 'waiting', 10).map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
});
