/** The parts that the modules of the journal share. journal.ts puts them together. */
import type { Clock } from '#shared/clock';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import type { JobStorage } from '../job-store-port.ts';
import type { ActiveJobCache } from './active-jobs.ts';
import type { Effects } from './effect-port.ts';
import type { EffectRunner } from './effect-runner.ts';
import type { JobMachineRunner } from './job-machine-runner.ts';
import type { JobScheduler } from './job-scheduler.ts';
import type { JobTimers } from './job-timers.ts';
import type { JournalObserver } from './journal-observer.ts';
import type { LiveHub } from './live-hub.ts';
import type { Mailbox } from './mailbox.ts';
import type { QueuePositionNotifier } from './queue-position-notifier.ts';

/** What surrounds the journal. */
export interface JournalSurroundings {
  storage: JobStorage;
  effects: Effects;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
  observer: JournalObserver;
}

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
