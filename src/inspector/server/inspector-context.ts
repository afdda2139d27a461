/** What the inspector needs from the core, and what its modules share. */
import type { JobService } from '#shared/wire/job-service';
import type { LiveHub } from '#jobs/runtime/live-hub';
import type { Clock } from '#shared/clock';
import type { ApiKey, Caller } from '#shared/api-keys';
import type { Log } from '#shared/log';
import type { SessionAccess } from '#http/server/session-access';
import type { Site } from '#http/server/site';
import type { QueuePosition } from '#machines/job-types';
import type { JobStorage } from '#jobs/job-store-port';
import type { GateSampler } from './gate-sampler.ts';
import type { ExternalMessage, PageMessage } from '../page-messages.ts';
import type { ExternalActorFeed } from '../stately/stately-messages.ts';
import type { Redaction } from './redact.ts';
import type { TimeSlicer } from './cooperative-scheduler.ts';
import type { StatelyPublisher } from '../stately/stately-publisher.ts';

export interface InspectorOptions {
  jobService: JobService;
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe' | 'textSoFar'>;
  /** The queue position of an open job; null where it does not wait. */
  queueOf(jobId: string): QueuePosition | null;
  /** The objects of `GET /backends`. */
  gates(): object[];
  /**
   * The object of `GET /drafts`, plus the drafts that wait for a decision as `drafted`; of one user, or (null) of all.
   */
  drafts(userId: string | null): Promise<object>;
  /** While this value is unchanged, so is the result of `drafts`. It is cheap; `drafts` reads the database. */
  draftsVersion(): string;
  clock: Clock;
  log: Log;
  /** Empty: loopback only, no key required. */
  apiKeys: readonly ApiKey[];
  /** Left out: no sessions. */
  sessions?: SessionAccess | null;
  /** Left out: browsers see the server at its own address. */
  site?: Site;
  /** The rate limiter that the HTTP server uses too. Left out: no limits. */
  limits?: {
    /** @throws GatehouseError with the HTTP status of the refusal */
    checkKey(
      peer: { remoteAddress?: string | undefined },
      caller: Caller | null,
      key: string,
    ): void;
    /** @throws GatehouseError with the HTTP status of the refusal */
    chargeUser(user: string, requests: number): void;
  };
  /** For tests: how long a client may take to receive one piece of a long response. */
  readerTimeoutMs?: number;
  /** Minimum redaction for all pages and clients; a page may request more, never less. Default `none`. */
  redaction?: Redaction;
}

export interface InspectorContext extends InspectorOptions {
  slices: TimeSlicer;
  gateSampler: GateSampler;
  externalActors: ExternalActorFeed;
  statelyPublisher: StatelyPublisher;
}

/** What one viewer may see. */
export interface Viewer {
  /** Null: the jobs of all users. */
  user: string | null;
  redaction: Redaction;
}

/** The connection to one viewer. */
export interface Connection {
  send(message: PageMessage | ExternalMessage): void;
  /** Resolves when the message has been sent, or the client has disconnected. */
  sendAndWait(message: PageMessage): Promise<void>;
}
