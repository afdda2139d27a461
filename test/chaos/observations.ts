/** The observations of a storm from outside: all input of the audit, as plain data. */
import type { JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import type { RunsView, ScheduleView } from '#shared/wire/schedule-service';
import type { TimeSpan } from './managed-process.ts';

/** One message of a user or client. */
export interface Sent {
  via: 'chat' | 'http' | 'nats';
  /** The user id in Gatehouse. */
  userId: string;
  /** The number of the message among those of its user, from 1. */
  n: number;
  /** Null if the text must have no addition: a consent, a question that a rule decides. */
  mark: string | null;
  text: string;
  /** `word`: may have been applied to an existing job. `tooLong`: becomes no job. */
  kind: 'question' | 'word' | 'tooLong';
  /** Sent only after the previous message was accepted, so that the order is defined. */
  inOrder: boolean;
  /** Set when the sender has received the acceptance; with the job id if the response contained it. */
  accepted: { jobId: string | null } | null;
}

export interface ObservedJob {
  view: JobView;
  /** The events of the journal, in order. */
  events: StateEvent[];
}

/** More concurrent requests at a model server than its concurrency allows. */
export interface Overlap {
  model: string;
  /** Epoch ms. */
  at: number;
  overlapMs: number;
  running: number;
  /** All requests of this server come through a gate proxy. */
  isBehindProxy: boolean;
}

/** One change of a lease, in the order of the commits. */
export interface LeaseStep {
  lease: string;
  /** Null: given up. */
  worker: string | null;
  epoch: number;
  posBefore: number;
  posAfter: number;
  /** Rows at the positions between, when the commit ended. */
  stored: number;
}

/** What a PostgreSQL database says about the owners of its partitions. */
export interface PartitionsSeen {
  steps: LeaseStep[];
  /** Stored rows that have a position. */
  rows: { part: number; pos: number; table: string }[];
  /** In the global order. */
  ranges: { seqFrom: number; part: number; posFrom: number; count: number }[];
  /** The last positions. */
  ends: { lease: string; pos: number }[];
}

export interface CancelSeen {
  jobId: string;
  /** The time from the request to the response 202. */
  tookMs: number;
  /** True if no fault was active before and after the request. */
  isCalm: boolean;
}

export interface ExplicitSeen {
  asked: string;
  status: number;
  /** Null without an answer. */
  servedBy: string | null;
  errorReason: string | null;
}

export interface MemoSeen {
  id: string;
  text: string;
  /** Null: the memo does not exist. */
  found: string | null;
  status: string | null;
}

export interface BridgeHealth {
  inbox: number;
  outbox: number;
  unreported: number;
  uncertain: number;
  dead: number;
}

/** A schedule that the core has accepted. Times are epoch ms of the real clock. */
export interface MadeSchedule {
  id: string;
  text: string;
  repeats: boolean;
  acceptedAt: number;
  /** When the client began to cancel it; null: it ends by itself. */
  endedAt: number | null;
  /** Whether it was paused: times in between are not due. */
  wasPaused: boolean;
  /** Jobs of runs by hand that the core has named. */
  startedByHand: string[];
}

export interface ScheduleSeen extends MadeSchedule {
  view: ScheduleView;
  runs: RunsView['runs'];
}

export interface Observations {
  sent: Sent[];
  /** In the order in which the core accepted them. */
  jobs: ObservedJob[];
  /** Per user of the chat: the texts of the bots, oldest first. */
  shown: Map<string, string[]>;
  /** State events, each once, in the order in which the subscriber received them. */
  streamed: StateEvent[];
  /** Events that the subscriber received out of order. */
  streamFaults: string[];
  /** Ids of the events that a second reader found in the whole stream. */
  rebuilt: Set<string>;
  /** Per job: the events that a client received on SSE. */
  followed: Map<string, StateEvent[]>;
  /** Per user: titles of the calendar's entries. */
  calendars: Map<string, string[]>;
  /** Marks of drafts that their owner may have confirmed. */
  consented: Set<string>;
  cancels: CancelSeen[];
  explicit: ExplicitSeen[];
  memos: MemoSeen[];
  overlaps: Overlap[];
  /** When a worker was stopped with its connections open. */
  stops: TimeSpan[];
  /** Null: the database is a SQLite file. */
  partitions: PartitionsSeen | null;
  /** Jobs whose replay differs from the stored state, with the reason. */
  replayFaults: string[];
  replayed: number;
  logFaults: string[];
  logLines: number;
  /** Programs that ended unexpectedly. */
  died: string[];
  bridge: BridgeHealth;
  /** The work that was unfinished at the timeout; empty when the system is idle. */
  unrest: string[];
  schedules: ScheduleSeen[];
  /** Responses to requests that must be refused. */
  refusals: { what: string; expected: number[]; status: number }[];
}
