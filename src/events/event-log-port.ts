/** The journal as a transactional outbox: committed events to publish, and the delivery reports of replies. */
import type { OutgoingEvent } from '#shared/wire/document-event';
import type { Delivery } from '#shared/wire/delivery-report';

/** A stored row with events to publish: of the journal, or of a document's history. */
export interface EventLogRow {
  /** Position in commit order; increasing. */
  pos: number;
  /** Type of the machine event that caused the row; `document` for a document. */
  triggerType: string;
  /** Thread of the channel that the message came from. */
  thread?: string | null;
  /** Trace context that came with the job's message. */
  traceparent?: string | null;
  events: OutgoingEvent[];
}

/** The journal as an outbox. Calls are synchronous, indexed and cheap. All of them throw when the disk fails. */
export interface EventLogStorage {
  /**
   * Rows with events among the next `limit` rows after `pos`, in order; `upTo` is the last row scanned. With
   * `channels`: only jobs of these channels, and no documents.
   */
  after(
    pos: number,
    limit: number,
    channels?: readonly string[],
  ): { rows: EventLogRow[]; upTo: number };
  /** Row of a job's or document's event, and the index of the event in the row; null if there is none. */
  positionOf(id: string, seq: number): { pos: number; index: number; count: number } | null;
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): number;
  /** The last saved position; 0 if none was saved. */
  watermark(name: string): number;
  /** Durable when it returns. */
  saveWatermark(name: string, pos: number): void;
  /** Rows after `pos` (approximate after deletions), the last of them, and the time (epoch ms) of the oldest. */
  backlog(pos: number): { rows: number; upTo: number; oldestAt: number | null };
  userOf(jobId: string): string | null;
}

export interface DeliveryReportStorage {
  /** The first report of a reply is kept. Durable on return. */
  record(report: Delivery): 'stored' | 'known';
  has(replyId: string): boolean;
  /** Oldest first. */
  ofJob(jobId: string): Delivery[];
}
