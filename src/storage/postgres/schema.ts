/** The tables on PostgreSQL: those of SQLite with a partition, and those of ownership and of the order of events. */
import type {
  DocumentChunkTable,
  DocumentEventTable,
  JobTable,
  JournalTable,
  Schema,
} from '../schema.ts';

/** A process that writes. */
export interface WorkerTable {
  id: string;
  /** Grows while the worker lives. */
  beat: number;
  gone: boolean;
  /** Of the configuration; empty, or not the name of another worker that is not gone. */
  name: string;
  /** It has had no connection to the message server for a while: others take its leases. */
  isolated: boolean;
  machine_version: number;
  /** JSON: `WorkerInfo`. */
  info: string;
  /** Its wall clock minus that of the database, at its last beat. */
  clock_ms: number | null;
}

/** The right to write one partition, or to do one task: lock, fence and position in one row. */
export interface LeaseTable {
  /** `part/0` to `part/63`, `role/sequencer`. */
  name: string;
  worker: string | null;
  /** Grows with each owner: a commit of an earlier owner is refused. */
  epoch: number;
  /** The last position that was committed; of the sequencer, the last place in the global order. */
  pos: number;
  machine_version: number;
}

/** The owners of each lease: the positions after `pos_from` are those of this owner, up to that of the next epoch. */
export interface LeaseHistoryTable {
  name: string;
  epoch: number;
  worker: string;
  pos_from: number;
}

/** Places of `count` positions of one partition in the global order of events, without gaps. */
export interface EventRangeTable {
  seq_from: number;
  part: number;
  pos_from: number;
  count: number;
}

/** Tokens of a document. */
interface DocumentWordsTable {
  document: number;
  /** 0: all of a document; from 1: the pieces of a long one. */
  piece: number;
  owner: string;
  words: string;
}

export interface PostgresJournalTable extends Omit<JournalTable, 'pos'> {
  part: number;
  /** Counts from 1 per partition, without gaps. */
  pos: number;
  /** Top-level state after the event. */
  state: string;
  /** Number of entries of `emitted`. */
  events: number;
}

export interface PostgresSchema extends Omit<
  Schema,
  'job' | 'journal' | 'document_event' | 'document_words' | 'document_chunk'
> {
  job: JobTable & { part: number };
  journal: PostgresJournalTable;
  document_event: DocumentEventTable & { part: number };
  document_words: DocumentWordsTable;
  document_chunk: Omit<DocumentChunkTable, 'vector'> & { vector: number[] };
  worker: WorkerTable;
  lease: LeaseTable;
  lease_history: LeaseHistoryTable;
  event_range: EventRangeTable;
}
