/**
 * What messaging needs of the rest of the system, as narrow as it needs it, and what it gives back.
 * The composition root hands in the store, the door and the live hub, which fit these shapes.
 */
import type { JobDoor } from '../contract/door.ts';
import type { DocumentEvent } from '../contract/document-event.ts';
import type { Deliveries, OutboxStorage } from '../contract/outbox-storage.ts';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';

/** Tells of every commit, and every piece of an answer, in this process. */
export interface LiveSource {
  /** `jobId` null: of every job. Returns the way out. */
  subscribe(
    jobId: null,
    listener: {
      event(event: StateEvent): void;
      token(chunk: TokenChunk): void;
      document(event: DocumentEvent): void;
    },
  ): () => void;
  /** The answer so far as one chunk, or null where none is being written. */
  textSoFar(jobId: string): TokenChunk | null;
}

/** The section `nats` of the configuration. */
export interface MessagingConfig {
  /** `auto`: `url` where there is one, else a server of our own, else none. */
  mode: 'auto' | 'external' | 'child' | 'off';
  /** One server or several of one cluster, with commas between; `tls://` insists on encryption. */
  url: string | null;
  prefix: string;
  user: string | null;
  password: string | null;
  token: string | null;
  credsFile: string | null;
  /** PEM files, where the server's certificate is not from a public authority or it asks for ours. */
  caFile?: string | null;
  certFile?: string | null;
  keyFile?: string | null;
}

export interface MessagingOptions {
  config: MessagingConfig;
  door: JobDoor;
  outbox: OutboxStorage;
  live: LiveSource;
  deliveries: Deliveries;
  log: Log;
  faults: Faults;
  /** The folder of the database: a server of our own keeps its data in `nats/` under it. */
  dataFolder: string;
  /** Chats that a bridge serves. Default: `synology`. */
  channels?: readonly string[];
  /** Our version, shown by the micro service. Three numbers. */
  version?: string;
  /** The program to start as a server of our own, and the port it should try first; 0 takes any. */
  ownServer?: { command?: string; port?: number };
  timings?: Partial<MessagingTimings>;
}

export interface MessagingTimings {
  /** Waits between attempts grow from here … */
  retryMs: number;
  /** … to here. Longer leaves people waiting after an outage, shorter fills logs and sockets during one. */
  retryMsMax: number;
  /** An idle relay looks this often whether its stream is still what it was: a wiped one is filled again. */
  auditMs: number;
  /**
   * A message of the work queue that was handed out comes again when nothing was heard of it for so long: after a
   * crash people wait for this. Shorter than a stall of ours, it comes while we still have it.
   */
  ackWaitMs: number;
  /** A submit that could not be accepted is tried again after waits that grow from here … */
  submitRetryMs: number;
  /** … to here. */
  submitRetryMsMax: number;
  /** How long a submit may be put off (queue full, disk full) before its sender is told no. */
  submitPatienceMs: number;
}

export const defaultTimings: MessagingTimings = {
  retryMs: 250,
  retryMsMax: 5_000,
  auditMs: 15_000,
  ackWaitMs: 5_000,
  submitRetryMs: 1_000,
  submitRetryMsMax: 5_000,
  submitPatienceMs: 3_600_000,
};

export interface BusProblem {
  code: ErrorCode;
  message: string;
}

export interface MessagingStatus {
  bus: 'connected' | 'connecting' | 'off';
  /** Without credentials; null when there is no server to speak of. */
  url: string | null;
  /** Journal rows that subscribers have not been told yet. */
  backlog: number;
  /** Age of the oldest of them. */
  oldestMs: number | null;
  /** What is wrong now; null when nothing is. */
  lastError: BusProblem | null;
  server: { kind: 'own' | 'external'; version: string; pid: number | null } | null;
  /** Streams whose settings differ from ours in a way that does no harm. */
  notes: string[];
  /** Since the start of the process. */
  counts: MessagingCounts;
}

export interface MessagingCounts {
  /** State events on the event stream. */
  events: number;
  replies: number;
  tokenFrames: number;
  requests: number;
  requestErrors: number;
  /** Durable submits that were accepted. */
  submits: number;
  deliveries: number;
  /** Messages that nobody can process, put aside in their own stream. */
  deadLetters: number;
}

export interface Messaging {
  /** Returns at once: with no server in reach everything else runs, and the outbox keeps what must be told. */
  start(): void;
  /** Takes no more work, ends what is being done, tells what can still be told (both bounded), then lets go. */
  stop(): Promise<void>;
  status(): MessagingStatus;
  /** Resolves true when all that was committed before the call is on the broker, false when it is out of reach. */
  flush(): Promise<boolean>;
}
