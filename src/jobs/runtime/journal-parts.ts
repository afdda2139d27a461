/** The parts that the modules of the journal share. journal.ts puts them together. */
import type { ActiveJobCache } from './active-jobs.ts';
import type { EffectRunner } from './effect-runner.ts';
import type { JobMachineRunner } from './job-machine-runner.ts';
import type { JobScheduler } from './job-scheduler.ts';
import type { JobTimers } from './job-timers.ts';
import type { JournalSurroundings } from './journal-surroundings.ts';
import type { Mailbox } from './mailbox.ts';
import type { QueuePositionNotifier } from './queue-position-notifier.ts';

export interface JournalParts extends JournalSurroundings {
  machine: JobMachineRunner;
  activeJobs: ActiveJobCache;
  scheduler: JobScheduler;
  timers: JobTimers;
  runner: EffectRunner;
  positionNotifier: QueuePositionNotifier;
  mailbox: Mailbox;
  /** False once the journal stops. */
  isOpen(): boolean;
}
