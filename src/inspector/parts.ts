/** What the inspector needs of the rest of the core, and what its own parts share. */
import type { JobDoor } from '../contract/door.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { ApiKey, Caller } from '../lib/key-ring.ts';
import type { Log } from '../lib/log.ts';
import type { QueueFacts } from '../../machines/job-types.ts';
import type { JobStorage } from '../store/job-storage.ts';
import type { GateHistory } from './gate-history.ts';
import type { Guests } from './guests.ts';
import type { Redaction } from './redaction.ts';
import type { Slices } from './slices.ts';
import type { StatelyFeed } from './stately-feed.ts';

export interface InspectorOptions {
  door: JobDoor;
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe' | 'textSoFar'>;
  /** Where an open job waits. */
  queueOf(jobId: string): QueueFacts | null;
  /** The objects of `GET /backends`. */
  gates(): Record<string, unknown>[];
  /** The object of `GET /drafts`, and as `drafted` the drafts that wait for a decision; of one user, or (null) of all. */
  drafts(userId: string | null): object;
  /** The same as before: `drafts` would say the same. Costs nothing, where that reads the database. */
  draftsVersion(): string;
  clock: Clock;
  log: Log;
  /** Empty: loopback only, no key asked. */
  apiKeys: readonly ApiKey[];
  /** Who guesses keys or asks for much here is counted with those who do at the other doors. Left out: nobody is. */
  limits?: {
    /** @throws GatehouseError with the status of the refusal */
    checkKey(
      peer: { remoteAddress?: string | undefined },
      caller: Caller | null,
      key: string,
    ): void;
    /** @throws GatehouseError with the status of the refusal */
    chargePerson(user: string, requests: number): void;
  };
  /** For tests: how long a reader may take for one piece of what it asked for. */
  patienceMs?: number;
  /** What every page and client gets; a page may ask for less, never for more. Default `none`. */
  redaction?: Redaction;
}

export interface InspectorParts extends InspectorOptions {
  slices: Slices;
  history: GateHistory;
  guests: Guests;
  feed: StatelyFeed;
}

/** What one onlooker may see. */
export interface View {
  /** Null: everybody's jobs. */
  user: string | null;
  redaction: Redaction;
}

type Told = { type: string; [field: string]: unknown };

/** To one onlooker. */
export interface Wire {
  send(message: Told): void;
  /** Resolves when the reader has taken it, or is gone. */
  deliver(message: Told): Promise<void>;
}
