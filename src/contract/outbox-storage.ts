/** The journal as an outbox: what was committed and must be told, and what became of replies in their chats. */
import type { OutboxEvent } from './document-event.ts';

/** One row that told the world something: of the journal, or of what happened to a document. */
export interface OutboxRow {
  /** Its place in the order of all commits; grows. */
  pos: number;
  /** Type of the machine event that caused it; `document` for a document. */
  cause: string;
  /** Where in the channel the question came from. */
  thread?: string | null;
  /** As it came with the job's message. */
  traceparent?: string | null;
  events: OutboxEvent[];
}

/** The journal as an outbox. Calls are synchronous, indexed and cheap. All of them throw when the disk fails. */
export interface OutboxStorage {
  /**
   * The rows with events among the next `limit` rows after `pos`, in order; `upTo` is the last row looked at.
   * `channels` present: only jobs of these, and no documents.
   */
  after(
    pos: number,
    limit: number,
    channels?: readonly string[],
  ): { rows: OutboxRow[]; upTo: number };
  /** The row that holds an event of a job or a document, and which of its events it is; null when there is none. */
  positionOf(id: string, seq: number): { pos: number; index: number; count: number } | null;
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): number;
  /** As last marked; 0 when never. */
  watermark(name: string): number;
  /** Durable when it returns. */
  mark(name: string, pos: number): void;
  /** Rows after `pos` (about, where some were removed), the last of them, and the time (epoch ms) of the oldest. */
  backlog(pos: number): { rows: number; upTo: number; oldestAt: number | null };
  userOf(jobId: string): string | null;
}

/** What became of a reply in its chat. */
export interface Delivery {
  reply_id: string;
  job_id: string;
  channel: string;
  status: 'sent' | 'uncertain' | 'dead';
  parts: number;
  error: string | null;
  /** Epoch ms. */
  at: number;
}

export interface Deliveries {
  /** A reply keeps the first report that was made of it. Durable when it returns. */
  record(report: Delivery): 'stored' | 'known';
  has(replyId: string): boolean;
  /** Oldest first. */
  ofJob(jobId: string): Delivery[];
}
