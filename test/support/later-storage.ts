/** A storage that answers like one on a server: every call takes some turns of the event loop, writes more than reads. */
import assert from 'node:assert/strict';
import type { JobStorage } from '#jobs/job-store-port';

export const storageAnswers = ['in the same tick', 'later'] as const;
export type StorageAnswers = (typeof storageAnswers)[number];

export function laterStorage(real: JobStorage): JobStorage {
  let calls = 0;
  let isCommitting = false;
  const later = async <Value>(work: () => Value): Promise<Awaited<Value>> => {
    calls += 1;
    for (let turns = calls % 4; turns > 0; turns -= 1) await new Promise(setImmediate);
    return await work();
  };
  return {
    async commit(changes) {
      assert(!isCommitting, 'the journal commits once at a time');
      isCommitting = true;
      try {
        // The answer comes later than the write, as over a network.
        await later(() => real.commit(changes));
        await later(() => undefined);
      } finally {
        isCommitting = false;
      }
    },
    find: (jobId) => later(() => real.find(jobId)),
    rows: (num, part) => later(() => real.rows(num, part)),
    partitionOf: (userId) => real.partitionOf(userId),
    owns: (partition) => real.owns(partition),
    openJobs: (parts) => later(() => real.openJobs(parts)),
    lastCommitAt: (parts) => later(() => real.lastCommitAt(parts)),
    dueJobs: (now) => later(() => real.dueJobs(now)),
    nextWakeAt: (now) => later(() => real.nextWakeAt(now)),
    jobOfKey: (key) => later(() => real.jobOfKey(key)),
    runningJob: (conversation) => later(() => real.runningJob(conversation)),
    waitingJob: (conversation) => later(() => real.waitingJob(conversation)),
  };
}
