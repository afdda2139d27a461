interface Waiter {
  jobId: string;
  conversation: string;
  userId: string;
  /** When its turn is, ms. */
  turnAt: number;
  isBackground: boolean;
}

/** The scheduler in its simplest form, as a model for property tests: a list that is sorted again each time. */
export function referenceScheduler(maxConcurrent: number, delayMs: number) {
  const holders: { jobId: string; conversation: string }[] = [];
  const waiters: Waiter[] = [];
  const inOrder = (): Waiter[] => waiters.toSorted((one, other) => one.turnAt - other.turnAt);
  const started: string[] = [];
  const startReady = (): void => {
    while (holders.length < maxConcurrent) {
      const isFree = (waiter: Waiter): boolean =>
        !holders.some(({ conversation }) => conversation === waiter.conversation) &&
        waiters.find(({ conversation }) => conversation === waiter.conversation) === waiter;
      const waiter = inOrder().find(isFree);
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
    inOrder,
    started,
    enqueue(
      waiter: Pick<Waiter, 'jobId' | 'conversation' | 'userId' | 'isBackground'>,
      now: number,
    ) {
      // A job of a person takes the background jobs along that it has to wait for.
      for (const before of waiters) {
        const isAhead = !waiter.isBackground && before.conversation === waiter.conversation;
        if (isAhead) before.turnAt = Math.min(before.turnAt, now);
      }
      waiters.push({ ...waiter, turnAt: now + (waiter.isBackground ? delayMs : 0) });
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
