/**
 * A process that runs a steady flow of jobs over a real database and relays their events. It kills itself at the
 * n-th time that the relay reaches a named fault point.
 *
 *   node chaos-child.ts DATABASE URL TOTAL [POINT N]
 *
 * Continues the work of an earlier process. Prints `out N` for every 100 published events, and `done` when all jobs
 * have ended and the broker has acknowledged all their events.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FaultInjector } from '#shared/fault-points';
import { openMessagingFixture } from './messaging-fixture.ts';

const [path = '', url = '', total = '', point = '', nth = ''] = process.argv.slice(2);

let hits = 0;
const faults: FaultInjector = {
  reach(at) {
    if (at !== point) return;
    hits += 1;
    if (hits === Number(nth)) process.kill(process.pid, 'SIGKILL');
  },
};

const { journal, jobService, database, messaging, close } = await openMessagingFixture({
  path,
  config: { url },
  faults,
});

const submitted = await database.query
  .selectFrom('job')
  .select((row) => row.fn.countAll<number>().as('count'))
  .executeTakeFirstOrThrow();

let reported = 0;
const report = (): void => {
  const { events } = messaging.status().counts;
  if (events < reported + 100) return;
  reported = events;
  console.log(`out ${events}`);
};

for (let n = submitted.count; n < Number(total); n += 1) {
  await jobService.submit({
    message: `hello ${n}`,
    user_id: `u${n % 5}`,
    idempotency_key: `k${n}`,
  });
  // Not faster than the relay: every process must have events to publish.
  while ((await messaging.backlog()).backlog > 500) await nextTurn();
  report();
}
while (journal.stats.loaded > 0 || !(await messaging.flush())) {
  report();
  await nextTurn();
}
console.log('done');
await close();
