/** What the inspector needs of the rest of the core, and what its own parts share. */
import type { JobDoor } from '../contract/door.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { QueueFacts } from '../../machines/job-types.ts';
import type { JobStorage } from '../store/job-storage.ts';
import type { GateHistory } from './gate-history.ts';
import type { Guests } from './guests.ts';
import type { Redaction } from './redaction.ts';
import type { StatelyFeed } from './stately-feed.ts';

export interface InspectorOptions {
  door: JobDoor;
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe' | 'textSoFar'>;
  /** Where an open job waits. */
  queueOf(jobId: string): QueueFacts | null;
  /** The objects of `GET /backends`. */
  gates(): Record<string, unknown>[];
  clock: Clock;
  log: Log;
  /** Empty: loopback only, no key asked. */
  apiKeys: readonly string[];
  /** What every page and client gets; a page may ask for less, never for more. Default `none`. */
  redaction?: Redaction;
}

export interface InspectorParts extends InspectorOptions {
  history: GateHistory;
  guests: Guests;
  feed: StatelyFeed;
}
