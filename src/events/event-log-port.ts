/** The journal as a transactional outbox: committed events to publish, and the delivery reports of replies. */
import type { ReplyPlace } from '#machines/job-types';
import type { OutgoingEvent } from '#shared/wire/document-event';
import type { Delivery } from '#shared/wire/delivery-report';
import type { MaybePromise } from '#shared/maybe-promise';

/** A stored row with events to publish: of the journal, or of the history of a document or schedule. */
export interface EventLogRow {
  /** Position in commit order; increasing. */
  pos: number;
  /** Type of the machine event that caused the row; `document` or `schedule` for their rows. */
  triggerType: string;
  /** Thread of the channel that the message came from. */
  thread?: string | null;
  /** Where the person has spoken last about the job, if that is another place than that of the job. */
  via?: ReplyPlace | null;
  /** Trace context that came with the job's message. */
  traceparent?: string | null;
  events: OutgoingEvent[];
}

/** The journal as an outbox. Calls are indexed and cheap. A call that fails throws, or rejects, alike. */
export interface EventLogStorage {
  /**
   * Rows with events among the next `limit` rows after `pos`, in order; `upTo` is the last row scanned. With
   * `channels`: only jobs of these channels, rows with `via`, and no documents or schedules.
   */
  after(
    pos: number,
    limit: number,
    channels?: readonly string[],
  ): MaybePromise<{ rows: EventLogRow[]; upTo: number }>;
  /** Row of an event of a job, document or schedule, and the index of the event in the row; null if there is none. */
  positionOf(id: string, seq: number): MaybePromise<EventPosition | null>;
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): MaybePromise<number>;
  /** The last saved position; 0 if none was saved. */
  watermark(name: string): MaybePromise<number>;
  /** Durable when it returns or resolves. */
  saveWatermark(name: string, pos: number): MaybePromise<void>;
  /** Rows after `pos` (approximate after deletions), the last of them, and the time (epoch ms) of the oldest. */
  backlog(pos: number): MaybePromise<EventBacklog>;
  userOf(jobId: string): MaybePromise<string | null>;
}

/** The row of an event, and the index of the event among the `count` events of the row. */
export interface EventPosition {
  pos: number;
  index: number;
  count: number;
}

export interface EventBacklog {
  rows: number;
  upTo: number;
  oldestAt: number | null;
}

/** A call that fails throws, or rejects, alike. */
export interface DeliveryReportStorage {
  /** The first report of a reply is kept. Durable when it returns or resolves. */
  record(report: Delivery): MaybePromise<'stored' | 'known'>;
  has(replyId: string): MaybePromise<boolean>;
  /** Oldest first. */
  ofJob(jobId: string): MaybePromise<Delivery[]>;
}
