/** The live draft actor over a real database, with a model whose calls end when the test ends them. */
import { expect, onTestFinished, test } from 'vitest';
import type { Backend, ModelOutcome } from '#shared/model/model';
import { createDraftQueue } from '#library/drafts/draft-queue';
import { createDraftWorker } from '#library/drafts/draft-worker';
import { systemClock } from '#shared/clock';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
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
  const { library, storage, close } = await openLibrary();
  onTestFinished(close);
  const { drafts } = storage;
  const common = {
    clock: systemClock,
    faults: noFaultInjection,
    log: silentLog(),
    intervalMs: 60_000,
  };
  const queue = createDraftQueue({
    ...common,
    library,
    drafts,
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
    pausedAt: null,
    savePausedAt: async () => undefined,
    window: { isOpen: () => true, opensInMs: () => 0 },
    batch: 5,
    progressMs: 1_000,
  });
  for (const text of ['하나', '둘', '셋']) {
    await library.create('u', { text, origin: 'memo', metadata: { needs_draft: true } });
  }
  drafter.start();
  await until(() => ends.length === 1);
  for (let times = 0; times < 3; times += 1) {
    await drafter.pause();
    await drafter.resume();
    await yieldToEventLoop();
  }
  expect(ends).toHaveLength(1);
  ends[0]!(cancelled);
  await until(() => ends.length === 2);
  expect(await drafts.claimed()).toMatchObject([{ attempts: 1 }]);
  expect(await drafts.list('u', 'waiting', 10)).toHaveLength(2);
  const stopped = drafter.stop();
  ends[1]!(cancelled);
  await stopped;
  expect(await drafts.claimed()).toEqual([]);
  const waiting = await drafts.list(null, 'waiting', 10);
  expect(waiting.map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
});
