/**
 * The journal as an outbox: what has been committed and must still be told, and what became of replies.
 * Reads the journal's rows, writes only the watermarks and the delivery reports.
 */
import { sql } from 'kysely';
import { stateEventsOf, type StateEvent } from '../contract/state-event.ts';
import type { JobEmitted } from '../../machines/job-types.ts';
import type { Database } from './database.ts';
import { bound, preparer } from './prepared.ts';
import type { DeliveryTable } from './schema.ts';

const noEvents = sql.lit('[]');
const one = sql.lit(1);

/** One journal row that told the world something. */
export interface OutboxRow {
  pos: number;
  /** Type of the machine event that caused it. */
  cause: string;
  events: StateEvent[];
}

interface OutboxRecord {
  pos: number;
  cause: string;
  at: number;
  seq: number;
  emitted: string;
  job_id: string;
  user_id: string;
  channel: string;
}

/** What one publisher of the journal needs. Positions are values of `journal.pos`; 0 is before the first. */
export interface OutboxStore {
  /**
   * The rows with events among the next `limit` rows after `pos`, in order; `upTo` is the last row looked at.
   * `channels` present: only jobs of these.
   */
  after(
    pos: number,
    limit: number,
    channels?: readonly string[],
  ): { rows: OutboxRow[]; upTo: number };
  /** The row that holds a state event, and which of its events it is; null when there is none. */
  positionOf(jobId: string, seq: number): { pos: number; index: number; count: number } | null;
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): number;
  /** As last marked; 0 when never. */
  watermark(name: string): number;
  /** Durable when it returns. */
  mark(name: string, pos: number): void;
  /** Rows after `pos` (about, where some were removed), the last of them, and the time of the oldest. */
  backlog(pos: number): { rows: number; upTo: number; oldestAt: number | null };
  userOf(jobId: string): string | null;
}

export function createOutboxStore(database: Database): OutboxStore {
  const statements = prepare(database);
  const lastPos = (): number => statements.lastPos.get()?.pos ?? 0;

  return {
    after(pos, limit, channels) {
      const upTo = statements.boundary.get(pos, limit - 1)?.pos ?? Math.max(lastPos(), pos);
      const rows =
        channels === undefined
          ? statements.rows.all(pos, upTo)
          : statements.rowsOf.all(pos, upTo, JSON.stringify(channels));
      return { rows: rows.map(outboxRow), upTo };
    },
    positionOf(jobId, seq) {
      const row = statements.rowOf.get(jobId, seq);
      if (row === undefined) return null;
      const [index, count] = [seq - row.seq, row.count];
      return index < count ? { pos: row.pos, index, count } : null;
    },
    positionAt(at) {
      // `at` grows with `pos`, so that the place is found without an index on it.
      let [low, high] = [0, lastPos()];
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const next = statements.oldest.get(middle);
        if (next !== undefined && next.at < at) low = next.pos;
        else high = middle;
      }
      return low;
    },
    watermark: (name) => statements.watermark.get(name)?.pos ?? 0,
    mark: (name, pos) => void statements.mark.run(name, pos),
    backlog(pos) {
      const oldest = statements.oldest.get(pos);
      if (oldest === undefined) return { rows: 0, upTo: pos, oldestAt: null };
      const upTo = lastPos();
      return { rows: upTo - oldest.pos + 1, upTo, oldestAt: oldest.at };
    },
    userOf: (jobId) => statements.userOf.get(jobId)?.user_id ?? null,
  };
}

export interface DeliveryRecord extends Omit<DeliveryTable, 'status'> {
  status: 'sent' | 'uncertain' | 'dead';
}

export interface DeliveryStore {
  /** A reply keeps the first report that was made of it. Durable when it returns. */
  record(report: DeliveryRecord): 'stored' | 'known';
  has(replyId: string): boolean;
  ofJob(jobId: string): DeliveryRecord[];
}

export function createDeliveryStore(database: Database): DeliveryStore {
  const { query } = database;
  const prepared = preparer(database);
  const insert = prepared(
    query
      .insertInto('delivery')
      .values({
        reply_id: bound,
        job_id: bound,
        channel: bound,
        status: bound,
        parts: bound,
        error: bound,
        at: bound,
      })
      .onConflict((conflict) => conflict.column('reply_id').doNothing()),
  );
  const known = prepared(
    query.selectFrom('delivery').select('reply_id').where('reply_id', '=', bound),
  );
  const ofJob = prepared<DeliveryRecord>(
    query.selectFrom('delivery').selectAll().where('job_id', '=', bound).orderBy('at'),
  );
  return {
    record({ reply_id, job_id, channel, status, parts, error, at }) {
      const { changes } = insert.run(reply_id, job_id, channel, status, parts, error, at);
      return changes === 1 ? 'stored' : 'known';
    },
    has: (replyId) => known.get(replyId) !== undefined,
    ofJob: (jobId) => ofJob.all(jobId),
  };
}

function prepare(database: Database) {
  const { query } = database;
  const prepared = preparer(database);
  const rows = query
    .selectFrom('journal')
    .innerJoin('job', 'job.num', 'journal.job')
    .select(['journal.pos', 'journal.at', 'journal.seq', 'journal.emitted'])
    .select(['job.id as job_id', 'job.user_id', 'job.channel'])
    .select(sql<string>`json_extract(journal.event, '$.type')`.as('cause'))
    .where('journal.pos', '>', bound)
    .where('journal.pos', '<=', bound)
    .where('journal.emitted', '<>', noEvents)
    .orderBy('journal.pos');
  return {
    boundary: prepared<{ pos: number }>(
      query
        .selectFrom('journal')
        .select('pos')
        .where('pos', '>', bound)
        .orderBy('pos')
        .limit(one)
        .offset(bound),
    ),
    lastPos: prepared<{ pos: number | null }>(
      query.selectFrom('journal').select((row) => row.fn.max('pos').as('pos')),
    ),
    oldest: prepared<{ pos: number; at: number }>(
      query
        .selectFrom('journal')
        .select(['pos', 'at'])
        .where('pos', '>', bound)
        .orderBy('pos')
        .limit(one),
    ),
    rows: prepared<OutboxRecord>(rows),
    rowsOf: prepared<OutboxRecord>(
      rows.where('job.channel', 'in', sql<never>`(select value from json_each(?))`),
    ),
    rowOf: prepared<{ pos: number; seq: number; count: number }>(
      query
        .selectFrom('journal')
        .innerJoin('job', 'job.num', 'journal.job')
        .select(['journal.pos', 'journal.seq'])
        .select(sql<number>`json_array_length(journal.emitted)`.as('count'))
        .where('job.id', '=', bound)
        .where('journal.seq', '<=', bound)
        .where('journal.emitted', '<>', noEvents)
        .orderBy('journal.n', 'desc')
        .limit(one),
    ),
    watermark: prepared<{ pos: number }>(
      query.selectFrom('relay').select('pos').where('name', '=', bound),
    ),
    mark: prepared(
      query
        .insertInto('relay')
        .values({ name: bound, pos: bound })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((row) => ({ pos: row.ref('excluded.pos') })),
        ),
    ),
    userOf: prepared<{ user_id: string }>(
      query.selectFrom('job').select('user_id').where('id', '=', bound),
    ),
  };
}

const outboxRow = (record: OutboxRecord): OutboxRow => ({
  pos: record.pos,
  cause: record.cause,
  events: stateEventsOf(
    { jobId: record.job_id, userId: record.user_id, channel: record.channel },
    {
      at: record.at,
      seq: record.seq,
      emitted: JSON.parse(record.emitted) as JobEmitted[],
    },
  ),
});
