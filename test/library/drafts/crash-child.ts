/**
 * A real core that drafts one memo and kills itself at a named point.
 *
 *   node crash-child.ts DATABASE MODEL-URL [POINT [TIMES [long]]]
 *
 * TIMES: the process kills itself when it reaches the point for this many-th time (default 1).
 * Prints `settled` once no memo waits for its draft and no draft runs.
 */
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import { silentLog } from '#shared/log';
import { crashMemo, longCrashMemo } from './crash-memo.ts';

const [database = '', baseUrl = '', point = '', times = '1', size = ''] = process.argv.slice(2);
let left = Number(times);

const core = await startCore({
  config: configSchema.parse({
    server: { port: 0 },
    database,
    nats: { mode: 'off' },
    backends: [{ id: 'drafter', baseUrl, model: 'm' }],
    drafts: { intervalMs: 100, maxAttempts: 3 },
  }),
  log: silentLog(),
  faults: {
    reach(at) {
      if (at === point) left -= 1;
      if (left === 0) process.kill(process.pid, 'SIGKILL');
    },
  },
});
const { memos, draftOverview } = core.drafts;
if ((await memos.list('local', { limit: 1 })).length === 0) {
  const { id } = await memos.create('local', { text: size === 'long' ? longCrashMemo : crashMemo });
  await memos.promote('local', id);
}
for (;;) {
  const { waiting, running, state } = await draftOverview();
  if (waiting.length === 0 && running === null && state === 'waiting') break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
console.log('settled');
await core.stop();
