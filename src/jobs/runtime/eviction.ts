/** Jobs of partitions that another process has taken over leave the memory; it continues them from what is on disk. */
import type { JournalParts } from './journal-parts.ts';

/** Aborts their effects. Their results are dropped. */
export function abortEffectsOf(parts: JournalParts, partitions: ReadonlySet<number>): void {
  for (const key of effectKeysOf(parts, partitions)) parts.runner.abort(key);
}

export const effectKeysOf = (parts: JournalParts, partitions: ReadonlySet<number>): string[] =>
  jobsOf(parts, partitions).flatMap(({ state }) => state.effects.map(({ key }) => key));

/** Only between two turns: a turn may have changed a job in memory and not yet on disk. */
export function forgetJobsOf(parts: JournalParts, partitions: ReadonlySet<number>): void {
  const { activeJobs, scheduler, storage, timers } = parts;
  abortEffectsOf(parts, partitions);
  // Waiting jobs first: the slot of a running job must not go to them.
  for (const { jobId, userId } of scheduler.waiters()) {
    if (partitions.has(storage.partitionOf(userId))) scheduler.release(jobId);
  }
  for (const job of jobsOf(parts, partitions)) {
    for (const timer of job.state.timers) timers.clear(timer);
    activeJobs.evict(job.id);
    scheduler.release(job.id);
  }
}

const jobsOf = ({ activeJobs, storage }: JournalParts, partitions: ReadonlySet<number>) =>
  [...activeJobs.all()].filter(({ input }) => partitions.has(storage.partitionOf(input.userId)));
