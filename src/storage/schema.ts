/** The tables, one comment per column (docs/storage.md lists writers and readers). Times are epoch milliseconds. */
import type { Generated } from 'kysely';

/**
 * One row per accepted message. Written only by the journal, and only when the job is accepted, parks, resumes or ends:
 * its state in between is in its last journal row, and in the view `job_now`.
 */
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
  /** When a parked job must be woken. */
  wake_at: number | null;
  created_at: number;
  updated_at: number;
  /** Null while the job is open. */
  ended_at: number | null;
}

/**
 * The history of each job: one row per machine event, with the state events that it caused. It is the source for replay
 * and for every listing, and the outbox of the relay, all in one insert.
 */
export interface JournalTable {
  /** Global order of the commits; the relay's watermark is a value of it. */
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
  /** JSON array of `{type, state, data}`; `[]` when nothing was published. */
  emitted: string;
}

/** Accepted messages: an idempotency key is used for one job only. */
export interface SubmissionTable {
  key: string;
  job_id: string;
  at: number;
}

/** How far each relay has published the journal. */
export interface RelayTable {
  name: string;
  /** Position of the last row, of the journal or of `document_event`, that the broker has acknowledged. */
  pos: number;
}

/** The delivery of a reply in its chat: the first report of the bridge counts. Written only by messaging. */
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

/** Memos, imported files and drafted documents: one row each. Written only by documents. */
export interface DocumentTable {
  /** Also the rowid in `document_words`. */
  num: Generated<number>;
  /** ULID, public. */
  id: string;
  /** User who may find it; `local` in a shared library. */
  owner: string;
  created_at: number;
  updated_at: number;
  /** Set: it is kept but hidden, and not in `document_words`. */
  deleted_at: number | null;
  /** `memo`, `text`, `file` or `ai_drafted`. */
  content_origin: string;
  /** `draft` or `accepted`; only with `content_origin` `ai_drafted`, which the database checks. */
  md_draft_status: string | null;
  /** `success` when `md_content` is usable. */
  md_status: string | null;
  /** Source of `md_content`: `file`, `ai_draft`. */
  md_extraction_engine: string | null;
  md_generated_at: number | null;
  title: string;
  /** JSON object: `needs_draft`, `drafted_at`, and the origin (`path`, `sha256`). */
  source_metadata: string;
  /** The submitted text. Drafting never changes it. */
  extracted_text: string;
  md_content: string | null;
}

/** Index tokens of documents that are not deleted (FTS5, contentless; docs/tools.md describes their form). */
export interface DocumentWordsTable {
  rowid: number;
  title: string;
  body: string;
  markdown: string;
}

/**
 * The state of drafting of a document. `needs_draft` of the document decides whether there is a row: triggers add it,
 * due at once, and remove it. All else is written only by documents.
 */
export interface DraftTable {
  document_id: string;
  /** Owner of the document, set by the triggers. */
  owner: string;
  /** Characters of its text, set by the triggers. */
  chars: number;
  /** `waiting`, `drafting` (claimed: the attempt counts, even if the process is killed) or `dead`. */
  state: string;
  /** Attempts that were started and not released. */
  attempts: number;
  /** The earliest time for the next claim. */
  due_at: number;
  queued_at: number;
  claimed_at: number | null;
  /** Code of the last failure. */
  last_code: string | null;
  last_error: string | null;
}

/** Events of each document, and their outbox. Written in the transaction of the change. */
export interface DocumentEventTable {
  /** From the same counter as `journal.pos`. */
  pos: number;
  document_id: string;
  /** Owner of the document. */
  user_id: string;
  /** Counts from 1 per document, without a gap. */
  seq: number;
  type: string;
  state: string;
  at: number;
  /** JSON object. */
  data: string;
}

/** Every `md_content` that a document has had, by drafting or by its owner's edit. */
export interface DocumentVersionTable {
  document_id: string;
  /** Counts from 1 per document. */
  version: number;
  /** `draft` (a model) or `edit` (a person). */
  made_by: string;
  /** `draft`, `accepted`, `rejected` or `replaced`. */
  status: string;
  at: number;
  /** Of the text that it was made from. */
  text_sha256: string;
  md_content: string;
}

/**
 * Finished sections of a long memo whose draft is not finished. Removed by triggers with the draft's row, or when the
 * text changes.
 */
export interface DraftSectionTable {
  document_id: string;
  /** From 0. */
  section: number;
  /** Of the request to the model: another text, split or prompt makes another section. */
  request_sha256: string;
  md_content: string;
}

/** Settings that survive a restart: `paused_at`. */
export interface DraftSettingTable {
  name: string;
  value: string;
}

/** The embedding model of all vectors: one row. Written only by semantic search. */
export interface EmbeddingSpaceTable {
  id: number;
  model: string;
  /** Numbers per vector; null until the first vector is stored. */
  dim: number | null;
}

/** A chunk of a document with its vector. Removed by triggers when its document changes. */
export interface DocumentChunkTable {
  num: Generated<number>;
  /** `document.num`. */
  document: number;
  /** As in `document`: a search reads the vectors of one owner. */
  owner: string;
  /** Start in the text, in UTF-16 code units. */
  start: number;
  length: number;
  /** Little-endian floats. */
  vector: Buffer;
}

/** Documents that an earlier version indexed, and that are not checked yet. Filled by migrations. */
export interface DocumentWordsBacklogTable {
  /** `document.num`. */
  document: number;
}

/** Documents whose vectors must be made. Filled by triggers in the transaction that changes a document. */
export interface EmbeddingBacklogTable {
  /** Never used again: a new ticket means that the document has changed meanwhile. */
  ticket: Generated<number>;
  document: number;
  /** 1: the model refused the document. */
  set_aside: number;
}

/** Entries of the local calendar: one row per UID. Written only by the calendar tool. */
export interface CalendarEventTable {
  num: Generated<number>;
  /** User who sees it; `local` in a shared calendar. */
  owner: string;
  /** Unique with the owner: a repeated write finds the existing row. */
  uid: string;
  /** First start in local time of the entry's own zone: epoch ms as if in UTC. */
  first_wall: number;
  /** Last end, likewise; a time beyond every query when the entry has no end. */
  last_wall: number;
  created_at: number;
  updated_at: number;
  /** The calendar object as received. */
  ics: string;
  /** `ics`, parsed: JSON. */
  entry: string;
}

/** Schedules of all people: one row each, also the ones that have ended. Written only by src/schedules. */
export interface ScheduleTable {
  id: string;
  user_id: string;
  channel: string;
  thread: string | null;
  kind: string;
  text: string;
  /** JSON. */
  rule: string;
  /** IANA name. */
  zone: string;
  start_wall: string | null;
  end_wall: string | null;
  count: number | null;
  catch_up: string;
  catch_up_ms: number;
  pause_on_failures: number;
  created_by: string;
  created_at: number;
  updated_at: number;
  state: string;
  pause_reason: string | null;
  /** Wall time of the zone, as ms in UTC, up to which all occurrences are settled. */
  cursor_wall: number;
  /** Epoch ms; null unless active. */
  next_at: number | null;
  /** Its wall time, as ms in UTC. */
  next_wall: number | null;
  settled: number;
  missed: number;
  failures: number;
  last_job_id: string | null;
  revision: number;
  /** When the last message of it reached no channel of its person; null: it reached one. */
  undelivered_at: number | null;
  /** Null: `skip`, the only policy of earlier versions. */
  overlap: string | null;
  /** JSON: its last occurrence. Null: none, or one of an earlier version. */
  last: string | null;
}

/** Settled occurrences: unique by schedule and scheduled wall time. */
export interface ScheduleOccurrenceTable {
  schedule_id: string;
  wall: string;
  due_at: number;
  at: number;
  outcome: string;
  missed_before: number;
  job_id: string;
}

/** Facts that people have asked to remember, and what is left of forgotten ones. Written only by src/memory. */
export interface MemoryFactTable {
  id: string;
  user_id: string;
  /** As the person wrote it; empty once it is erased. */
  text: string;
  /** SHA-256 of the folded text: a person has each fact once. Null once it is forgotten. */
  digest: string | null;
  created_by: string;
  /** Of the message that it came with. */
  channel: string | null;
  job_id: string | null;
  created_at: number;
  /** Null: it is remembered. */
  forgotten_at: number | null;
  /** Job whose message asked to forget it. */
  forgotten_by: string | null;
  revision: number;
}

/** Terms by which a question finds facts that are remembered. */
export interface MemoryTermTable {
  user_id: string;
  term: string;
  /** Of the fact: the newest ones are found first. */
  created_at: number;
  fact: string;
}

/** Browsers in which somebody is signed in. Written only by src/sessions. */
export interface SessionTable {
  id: string;
  /** SHA-256 of the token that is in the cookie. */
  token_hash: string;
  /** Null: the operator. */
  user_id: string | null;
  /**
   * HMAC-SHA256 of the key that it was made with, under the token: who has only the database cannot try keys against it.
   * Null: it was made with an invite code.
   */
  key_proof: string | null;
  /** Of the browser and its system. */
  device: string;
  created_at: number;
  /** To some minutes. */
  used_at: number;
  expires_at: number;
}

/** One-time codes that are not used yet. Written only by src/sessions. */
export interface InviteTable {
  id: string;
  /** SHA-256 of the code. */
  code_hash: string;
  user_id: string;
  created_at: number;
  expires_at: number;
  /** Wrong codes that anybody has tried since it was made. */
  wrong_tries: number;
}

/** The view of every job in its current state. */
export type LatestJobView = Omit<JobTable, 'num' | 'input' | 'machine_version'> & { num: number };

export interface Schema {
  job_now: LatestJobView;
  document: DocumentTable;
  document_words: DocumentWordsTable;
  document_words_backlog: DocumentWordsBacklogTable;
  draft: DraftTable;
  document_event: DocumentEventTable;
  document_version: DocumentVersionTable;
  draft_setting: DraftSettingTable;
  draft_section: DraftSectionTable;
  embedding_space: EmbeddingSpaceTable;
  document_chunk: DocumentChunkTable;
  embedding_backlog: EmbeddingBacklogTable;
  calendar_event: CalendarEventTable;
  schedule: ScheduleTable;
  schedule_occurrence: ScheduleOccurrenceTable;
  memory_fact: MemoryFactTable;
  memory_term: MemoryTermTable;
  session: SessionTable;
  invite: InviteTable;
  relay: RelayTable;
  delivery: DeliveryTable;
  job: JobTable;
  journal: JournalTable;
  submission: SubmissionTable;
}
