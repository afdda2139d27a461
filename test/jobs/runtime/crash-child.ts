/**
 * A process that runs one job over a real database and kills itself at a named point.
 *
 *   node crash-child.ts DATABASE EFFECT-LOG SCENARIO JOB POINT DETAIL
 */
import { runCrashJob } from './crash-job.ts';

const [database = '', effectLog = '', scenario = '', jobId = '', point, detail] =
  process.argv.slice(2);

await runCrashJob({
  database,
  effectLog,
  scenario,
  jobId,
  faults: {
    reach(at, what) {
      if (at === point && what === detail) process.kill(process.pid, 'SIGKILL');
    },
  },
});
