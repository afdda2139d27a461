/** The scheduler in its simplest form, as a model for property tests: a list with linear search. */
export function referenceScheduler(maxConcurrent: number) {
  const holders: { jobId: string; conversation: string }[] = [];
  const waiters: { jobId: string; conversation: string; userId: string }[] = [];
  const started: string[] = [];
  const startReady = (): void => {
    while (holders.length < maxConcurrent) {
      const isFree = ({ conversation }: { conversation: string }): boolean =>
        !holders.some((holder) => holder.conversation === conversation);
      const waiter = waiters.find(isFree);
      if (waiter === undefined) return;
      waiters.splice(waiters.indexOf(waiter), 1);
      holders.push(waiter);
      started.push(waiter.jobId);
    }
  };
  const dropFrom = (list: { jobId: string }[], jobId: string): void => {
    const index = list.findIndex((one) => one.jobId === jobId);
    if (index >= 0) list.splice(index, 1);
  };
  return {
    holders,
    waiters,
    started,
    enqueue(jobId: string, conversation: string, userId: string) {
      waiters.push({ jobId, conversation, userId });
      startReady();
    },
    adopt: (jobId: string, conversation: string) => void holders.push({ jobId, conversation }),
    release(jobId: string) {
      const isHolder = holders.some((one) => one.jobId === jobId);
      dropFrom(waiters, jobId);
      dropFrom(holders, jobId);
      if (isHolder) startReady();
    },
  };
}
