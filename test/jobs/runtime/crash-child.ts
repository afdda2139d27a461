/**
 * A process that runs one job over a real database and kills itself at a named point.
 *
 *   node crash-child.ts DATABASE EFFECT-LOG SCENARIO [POINT DETAIL]
 *
 * Every effect is written to the log when it begins, before it does anything.
 * Prints `ended` once the job has ended.
 */
import { appendFileSync } from 'node:fs';
import { systemClock } from '#shared/clock';
import { silentLog } from '#shared/log';
import type { Effects } from '#jobs/runtime/effect-port';
import { createJournal } from '#jobs/runtime/journal';
import { createLiveHub } from '#jobs/runtime/live-hub';
import { openDatabase } from '#storage/database';
import { createJobStore } from '#jobs/store/job-store';
import { effectOutputs, jobInput, limits } from '#test/support/jobs';

const [path = '', effectLog = '', scenario = '', point = '', detail = ''] = process.argv.slice(2);

const toTools = {
  by: 'classifier',
  action: 'tools',
  calls: [{ tool: 'calendar', operation: 'x', params: {} }],
};
const unavailable = { code: 'GH_BACKEND_UNAVAILABLE', message: 'refused' };

/** The output of each effect in each scenario; `null` fails, `'never'` does not end by itself. */
const answers: Record<string, Record<string, unknown>> = {
  reason: {
    classify: { decision: { by: 'classifier', action: 'route' }, backend: 'small' },
    reason: effectOutputs['reason']![0],
  },
  fallback: {
    classify: { decision: { by: 'classifier', action: 'route' }, backend: 'small' },
    reason: null,
    answer: effectOutputs['answer']![0],
  },
  tools: {
    classify: { decision: toTools, backend: 'small' },
    runTools: effectOutputs['runTools']![0],
    word: effectOutputs['word']![0],
  },
  draft: {
    classify: { decision: toTools, backend: 'small' },
    runTools: effectOutputs['runTools']![2],
    execute: effectOutputs['execute']![0],
  },
  timeout: { classify: 'never', answer: effectOutputs['answer']![0] },
  cancel: { classify: 'never' },
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const effects: Effects = {
  admit: {
    isScheduled: true,
    run: () => ({ ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } }),
  },
  ...Object.fromEntries(
    ['classify', 'runTools', 'word', 'execute', 'reason', 'answer'].map((src) => [
      src,
      {
        async run({ key }: { key: string }) {
          appendFileSync(effectLog, `${key}\n`);
          const output = answers[scenario]![src];
          if (output === 'never') await new Promise(() => undefined);
          else await wait(1);
          return output === null
            ? { ok: false as const, failure: unavailable }
            : { ok: true as const, output };
        },
      },
    ]),
  ),
};

const database = await openDatabase({ path });
const storage = createJobStore(database);
const hub = createLiveHub();
const journal = createJournal({
  storage,
  effects,
  hub,
  clock: systemClock,
  log: silentLog(),
  maxConcurrent: 10,
  maxQueued: 10,
  heartbeatMs: 60_000,
  faults: {
    reach(at, what) {
      if (at === point && what === detail) process.kill(process.pid, 'SIGKILL');
    },
  },
});
await journal.resume();
if (storage.find('job-1') === null) {
  const short = { ...limits, ...(scenario === 'timeout' ? { classifyTimeoutMs: 50 } : {}) };
  await journal.submit({
    input: jobInput({ limits: short }),
    conversation: 'http:ann',
    idempotencyKey: 'post-1',
  });
}
for (;;) {
  const head = storage.find('job-1')!.head;
  if (head.endedAt !== null) break;
  if (head.state === 'confirm-draft' && head.snapshot !== null) {
    await journal.send('job-1', { type: 'confirm', by: 'ann' }).catch(() => undefined);
  }
  if (scenario === 'cancel' && head.state === 'classify') {
    await journal.send('job-1', { type: 'cancel', by: 'ann' }).catch(() => undefined);
  }
  await wait(1);
}
console.log('ended');
await journal.stop(0);
await database.close();
