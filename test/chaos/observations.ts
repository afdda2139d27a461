/** What a storm has left behind, seen from outside: all that the audit looks at, as plain data. */
import type { JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';

/** One message that somebody sent. */
export interface Sent {
  via: 'chat' | 'http' | 'nats';
  /** The id of the person in Gatehouse. */
  userId: string;
  /** Counts this person's messages from 1. */
  n: number;
  /** Null where the text is one that has to stand alone: a word of consent, a question that rules know. */
  mark: string | null;
  text: string;
  /** `word`: may have been a word to a job that was there. `tooLong`: becomes no job. */
  kind: 'question' | 'word' | 'tooLong';
  /** Sent only after the one before was accepted, so that the order is known. */
  inOrder: boolean;
  /** Set once its sender was told that it is accepted; the name of the job where that was told. */
  accepted: { jobId: string | null } | null;
}

export interface ObservedJob {
  view: JobView;
  /** As the journal lists them. */
  events: StateEvent[];
}

/** Two requests at once at a server that has one place. */
export interface Overlap {
  model: string;
  /** Epoch ms. */
  at: number;
  overlapMs: number;
  running: number;
}

export interface CancelSeen {
  jobId: string;
  /** 202 and the time from the request to the answer. */
  tookMs: number;
  /** Nothing was wrong with anything meanwhile. */
  isCalm: boolean;
}

export interface ExplicitSeen {
  asked: string;
  status: number;
  /** Null where there was no answer. */
  servedBy: string | null;
  errorReason: string | null;
}

export interface MemoSeen {
  id: string;
  text: string;
  /** Null: it is not there. */
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

export interface Observations {
  sent: Sent[];
  /** In the order in which the core took them. */
  jobs: ObservedJob[];
  /** Per person of the chat: what the bots said, oldest first. */
  shown: Map<string, string[]>;
  /** State events as the subscriber first saw each, in that order. */
  streamed: StateEvent[];
  /** Faults of the order in which the subscriber saw them. */
  streamFaults: string[];
  /** Ids of events that a second reader found in the stream from its start. */
  rebuilt: Set<string>;
  /** What a client saw on SSE. */
  followed: Map<string, StateEvent[]>;
  /** Per person: texts of the calendar's entries. */
  calendars: Map<string, string[]>;
  /** Marks of drafts that their owner may have agreed to. */
  consented: Set<string>;
  cancels: CancelSeen[];
  explicit: ExplicitSeen[];
  memos: MemoSeen[];
  overlaps: Overlap[];
  /** Jobs whose stored rows do not give their stored state again, and why. */
  replayFaults: string[];
  replayed: number;
  logFaults: string[];
  logLines: number;
  /** Programs that ended without having been asked to. */
  died: string[];
  bridge: BridgeHealth;
  /** What had not come to rest when the time was over. Empty when all is quiet. */
  unrest: string[];
  /** Answers of doors to what must be refused. */
  refusals: { what: string; expected: number[]; status: number }[];
}
