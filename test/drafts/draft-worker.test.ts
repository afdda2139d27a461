/** The live draft actor over a real database, with a model that ends when the test lets it. */
import { expect, onTestFinished, test } from 'vitest';
import type { Backend, ModelOutcome } from '../../src/contract/model.ts';
import { createDocumentOutbox } from '../../src/documents/document-outbox.ts';
import { createDraftQueue } from '../../src/documents/draft-queue.ts';
import { createDraftWorker } from '../../src/documents/draft-worker.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { noFaultInjection } from '../../src/lib/fault-points.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createDocumentEventStore } from '../../src/store/document-event-store.ts';
import { createDraftStore } from '../../src/store/draft-store.ts';
import { openLibrary } from '../documents/library-fixture.ts';
import { yieldToEventLoop, until } from '../support/journal.ts';

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

test('however often it is paused while a call ends, it claims one memo at a time', async () => {
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
