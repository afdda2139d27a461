/**
 * A process with ten schedules that kills itself at a fault point.
 *
 *   node crash-child.ts DATABASE NOW [POINT AFTER]
 *
 * Settles what is due at NOW (ISO 8601). With POINT it ends with SIGKILL when it has passed the point AFTER times.
 */
import { noFaultInjection } from '#shared/fault-points';
import { openSchedules, reminder } from '#test/support/schedules';

const [path = '', now = '', point = '', after = '0'] = process.argv.slice(2);
let left = Number(after);
const faults =
  point === ''
    ? noFaultInjection
    : {
        reach(reached: string) {
          if (reached === point && left-- === 0) process.kill(process.pid, 'SIGKILL');
        },
      };
const open = await openSchedules(path, now, faults);
for (let n = 0; n < 10; n += 1) {
  const rule = { cron: `${n} * * * *` };
  const text = `reminder ${n}`;
  await open.schedules.create({ ...reminder({ rule, text, zone: 'UTC' }), idempotencyKey: text });
}
await open.close();
console.log('settled');
