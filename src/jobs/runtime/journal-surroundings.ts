/** What the journal needs from its surroundings. */
import type { Clock } from '#shared/clock';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import type { JobStorage } from '../job-store-port.ts';
import type { Effects } from './effect-port.ts';
import type { JournalObserver } from './journal-observer.ts';
import type { LiveHub } from './live-hub.ts';

export interface JournalSurroundings {
  storage: JobStorage;
  effects: Effects;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
  observer: JournalObserver;
  /** Another process has taken these partitions; their jobs have left the memory. */
  onFenced: (partitions: readonly number[]) => void;
}
