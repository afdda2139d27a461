/**
 * The tables, one comment per column (docs/storage.md has who writes and who reads them).
 * Times are epoch milliseconds.
 */
import type { Generated } from 'kysely';

/**
 * One row per accepted message. Written only by the journal, and only when the job is accepted, parks, is taken
 * up again and ends: what it is doing in between is in its last journal row, and in the view `job_now`.
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
  /** Position of the last row, of the journal or of `document_event`, that the broker has acknowledged. */
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

/** Memos, imported files and drafted documents: one row each. Written only by documents. */
export interface DocumentTable {
  /** Also the row of `document_words`. */
  num: Generated<number>;
  /** ULID, public. */
  id: string;
  /** Who may find it; `local` in a shared archive. */
  owner: string;
  created_at: number;
  updated_at: number;
  /** Set: it is kept but found no more, and not in `document_words`. */
  deleted_at: number | null;
  /** `memo`, `text`, `file` or `ai_drafted`. */
  content_origin: string;
  /** `draft` or `accepted`; only with `content_origin` `ai_drafted`, which the database checks. */
  md_draft_status: string | null;
  /** `success` where `md_content` is good. */
  md_status: string | null;
  /** What made `md_content`: `file`, `ai_draft`. */
  md_extraction_engine: string | null;
  md_generated_at: number | null;
  title: string;
  /** JSON object: `needs_draft`, `drafted_at`, and where it came from (`path`, `sha256`). */
  source_metadata: string;
  /** The text as it was given. Drafting never changes it. */
  extracted_text: string;
  md_content: string | null;
}

/** The words of documents that are not deleted (FTS5, contentless; docs/tools.md has the form of the words). */
export interface DocumentWordsTable {
  rowid: number;
  title: string;
  body: string;
  markdown: string;
}

/**
 * How drafting of a document stands. That it is wanted at all says `needs_draft` of the document: triggers of that
 * add the row, due at once, and take it away. All else is written only by documents.
 */
export interface DraftTable {
  document_id: string;
  /** Of the document, as it is there: set by the triggers. */
  owner: string;
  /** Characters of its text, likewise. */
  chars: number;
  /** `waiting`, `drafting` (claimed: the attempt counts, also if the process is killed) or `dead`. */
  state: string;
  /** Attempts that were begun and not given back. */
  attempts: number;
  /** Not claimed before. */
  due_at: number;
  queued_at: number;
  claimed_at: number | null;
  /** Of the last failure. */
  last_code: string | null;
  last_error: string | null;
}

/** What happened to each document, and the outbox of it. Written in the transaction of the change. */
export interface DocumentEventTable {
  /** Of the same counter as `journal.pos`. */
  pos: number;
  document_id: string;
  /** Owner of the document. */
  user_id: string;
  /** Counts from 1 per document, without a hole. */
  seq: number;
  type: string;
  state: string;
  at: number;
  /** JSON object. */
  data: string;
}

/** Every `md_content` that a document has had by drafting or by its owner's edit. */
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

/** Finished sections of a long memo whose draft is not finished. Removed by triggers with the draft's row, or its text. */
export interface DraftSectionTable {
  document_id: string;
  /** From 0. */
  section: number;
  /** Of what the model was asked: another text, cut or prompt makes another section. */
  request_sha256: string;
  md_content: string;
}

/** What must be known over a restart: `paused`. */
export interface DraftSettingTable {
  name: string;
  value: string;
}

/** The model that all vectors belong to: one row. Written only by search by meaning. */
export interface EmbeddingSpaceTable {
  id: number;
  model: string;
  /** Numbers in a vector; null until the first has come. */
  dim: number | null;
}

/** A piece of a document with its vector. Removed by triggers when its document changes. */
export interface DocumentChunkTable {
  num: Generated<number>;
  /** `document.num`. */
  document: number;
  /** As in `document`: a search reads the vectors of one owner. */
  owner: string;
  /** Where it stands in the text, in UTF-16 code units. */
  start: number;
  length: number;
  /** Little-endian floats. */
  vector: Buffer;
}

/** Documents whose words were indexed by an earlier version, and are still to be looked at. Filled by migrations. */
export interface DocumentWordsBacklogTable {
  /** `document.num`. */
  document: number;
}

/** Documents whose vectors are to be made. Filled by triggers in the transaction that changes a document. */
export interface EmbeddingBacklogTable {
  /** Never used again: another one means that the document has changed meanwhile. */
  ticket: Generated<number>;
  document: number;
  /** 1: the model refuses it. */
  set_aside: number;
}

/** Entries of the local calendar: one row per UID. Written only by the calendar tool. */
export interface CalendarEventTable {
  num: Generated<number>;
  /** Who sees it; `local` in a shared calendar. */
  owner: string;
  /** With the owner unique: a repeated write finds itself there. */
  uid: string;
  /** First start, on the wall of the entry's own zone: epoch ms as if in UTC. */
  first_wall: number;
  /** Last end, likewise; a time that no question reaches where the entry has no end. */
  last_wall: number;
  created_at: number;
  updated_at: number;
  /** The calendar object as it came. */
  ics: string;
  /** What `ics` was read as: JSON. */
  entry: string;
}

/** The view that shows every job as it is now. */
export type JobNowView = Omit<JobTable, 'num' | 'input' | 'machine_version'> & { num: number };

export interface Schema {
  job_now: JobNowView;
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
  relay: RelayTable;
  delivery: DeliveryTable;
  job: JobTable;
  journal: JournalTable;
  submission: SubmissionTable;
}
