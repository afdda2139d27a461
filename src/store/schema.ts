/**
 * The tables, one comment per column (docs/storage.md has who writes and who reads them).
 * Times are epoch milliseconds.
 */
import type { Generated } from 'kysely';

/** One row per accepted message. Written only by the journal. */
export interface JobTable {
  /** Orders jobs by acceptance; the journal's rows refer to it. */
  num: Generated<number>;
  /** ULID, public. */
  id: string;
  user_id: string;
  channel: string;
  /** Jobs of one conversation run in order; also the key of its history. */
  conversation: string;
  message: string;
  /** JSON of the machine's input: with it and the journal's rows the job can be replayed. */
  input: string;
  machine_version: number;
  /** Top-level state of the machine. */
  state: string;
  outcome: string | null;
  reply: string | null;
  /** Number of the last journal row. */
  n: number;
  /** `seq` of the last state event. */
  seq: number;
  /** JSON snapshot, only while the job waits for a person and is not in memory. */
  snapshot: string | null;
  /** When a job that is not in memory must be woken. */
  wake_at: number | null;
  created_at: number;
  updated_at: number;
  /** Null while the job is open. */
  ended_at: number | null;
}

/**
 * What happened to each job: one row per machine event, with the state events that it caused. It is the
 * history for replay, the source of every listing, and the outbox of the relay, all in one insert.
 */
export interface JournalTable {
  /** Global order; the relay's watermark is a value of it. */
  pos: Generated<number>;
  job: number;
  /** Counts the machine events of the job from 1. */
  n: number;
  at: number;
  /** JSON of the machine event. */
  event: string;
  /** State value after the event, as JSON. */
  value: string;
  /** `seq` of the first state event in `emitted`. */
  seq: number;
  /** JSON array of `{type, state, data}`; `[]` where the world was told nothing. */
  emitted: string;
}

/** Which message was already accepted: an idempotency key is good for one job. */
export interface SubmissionTable {
  key: string;
  job_id: string;
  at: number;
}

/** How far each relay has published the journal. */
export interface RelayTable {
  name: string;
  /** `journal.pos` of the last row that the broker has acknowledged. */
  pos: number;
}

/** What became of a reply in its chat: the first report that a bridge gave of it. Written only by messaging. */
export interface DeliveryTable {
  /** The id of the state event that the reply was made from. */
  reply_id: string;
  job_id: string;
  channel: string;
  /** `sent`, `uncertain` (the chat may show it or not; never sent again) or `dead` (given up). */
  status: string;
  /** Posts that the reply took, or had taken when it was given up. */
  parts: number;
  error: string | null;
  at: number;
}

export interface Schema {
  relay: RelayTable;
  delivery: DeliveryTable;
  job: JobTable;
  journal: JournalTable;
  submission: SubmissionTable;
}
