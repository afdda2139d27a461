/**
 * The journal as a transactional outbox: committed events that must be published, and the delivery reports of replies.
 * Reads the rows of the journal and of `document_event`, which share one counter: their positions are in the order of
 * their commits. Writes only the watermarks and the delivery reports.
 */
import { sql } from 'kysely';
import type { DeliveryReportStorage, EventLogRow, EventLogStorage } from '../event-log-port.ts';
import type { SameTick } from '#shared/maybe-promise';
import type { Delivery } from '#shared/wire/delivery-report';
import { stateEventsOf } from '#shared/wire/state-event';
import type { JobEmitted } from '#machines/job-types';
import type { Database } from '#storage/database';
import { storedEventOf } from '#storage/document-event-row';
import { param, statementCompiler } from '#storage/compile-statement';
import type { DocumentEventTable } from '#storage/schema';

const noEvents = sql.lit('[]');
/** Part of the JSON of rows with `via`. A text cannot have it: its quotes are escaped. */
const viaMark = '"via":{';
const one = sql.lit(1);

interface EventLogRecord {
  pos: number;
  /** Null when the row is damaged. */
  cause: string | null;
  at: number;
  seq: number;
  emitted: string;
  job_id: string;
  user_id: string;
  channel: string;
  thread?: string | null;
  traceparent: string | null;
}

export function createEventLogStore(database: Database): SameTick<EventLogStorage> {
  const statements = prepare(database);
  const lastPos = (): number => statements.lastPos.get()?.pos ?? 0;
  const oldestAfter = (pos: number) => statements.oldest.get(pos, pos);

  return {
    after(pos, limit, channels) {
      const upTo = statements.boundary.get(pos, pos, limit - 1)?.pos ?? Math.max(lastPos(), pos);
      if (channels !== undefined) {
        const rows = statements.rowsOf.all(pos, upTo, JSON.stringify(channels));
        return { rows: rows.map(outboxRow), upTo };
      }
      const rows = statements.rows.all(pos, upTo).map(outboxRow);
      const documents = statements.documents.all(pos, upTo);
      if (documents.length === 0) return { rows, upTo };
      const all = [...rows, ...documents.map(documentRow)];
      return { rows: all.sort((a, b) => a.pos - b.pos), upTo };
    },
    positionOf(id, seq) {
      const document = statements.documentAt.get(id, seq);
      if (document !== undefined) return { pos: document.pos, index: 0, count: 1 };
      const row = statements.rowOf.get(id, seq);
      if (row === undefined) return null;
      const [index, count] = [seq - row.seq, row.count];
      return index < count ? { pos: row.pos, index, count } : null;
    },
    positionAt(at) {
      // `at` grows with `pos`, so that a binary search works without an index on `at`.
      let [low, high] = [0, lastPos()];
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const next = oldestAfter(middle);
        if (next !== undefined && next.at < at) low = next.pos;
        else high = middle;
      }
      return low;
    },
    watermark: (name) => statements.watermark.get(name)?.pos ?? 0,
    saveWatermark: (name, pos) => void statements.mark.run(name, pos),
    backlog(pos) {
      const oldest = oldestAfter(pos);
      if (oldest === undefined) return { rows: 0, upTo: pos, oldestAt: null };
      const upTo = lastPos();
      return { rows: upTo - oldest.pos + 1, upTo, oldestAt: oldest.at };
    },
    userOf: (jobId) => statements.userOf.get(jobId)?.user_id ?? null,
  };
}

export function createDeliveryStore(database: Database): SameTick<DeliveryReportStorage> {
  const { query } = database;
  const compile = statementCompiler(database);
  const insert = compile(
    query
      .insertInto('delivery')
      .values({
        reply_id: param,
        job_id: param,
        channel: param,
        status: param,
        parts: param,
        error: param,
        at: param,
      })
      .onConflict((conflict) => conflict.column('reply_id').doNothing()),
  );
  const known = compile(
    query.selectFrom('delivery').select('reply_id').where('reply_id', '=', param),
  );
  const ofJob = compile<Delivery>(
    query.selectFrom('delivery').selectAll().where('job_id', '=', param).orderBy('at'),
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

/** Null when the column holds no JSON: a damaged row is skipped, otherwise no later event would be published. */
const fieldOf = <Value>(column: string, field: string) =>
  sql<Value>`case when json_valid(${sql.ref(column)})
    then json_extract(${sql.ref(column)}, ${sql.lit(`$.${field}`)}) end`;

function prepare(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  const rows = query
    .selectFrom('journal')
    .innerJoin('job', 'job.num', 'journal.job')
    .select(['journal.pos', 'journal.at', 'journal.seq', 'journal.emitted'])
    .select(['job.id as job_id', 'job.user_id', 'job.channel'])
    .select(fieldOf<string | null>('journal.event', 'type').as('cause'))
    .select(fieldOf<string | null>('job.input', 'traceparent').as('traceparent'))
    .where('journal.pos', '>', param)
    .where('journal.pos', '<=', param)
    .where('journal.emitted', '<>', noEvents)
    .orderBy('journal.pos');
  return {
    // `union all` in the order of both keys: rows are read one by one from the two tables, nothing is sorted.
    boundary: connection.prepare<[number, number, number], { pos: number }>(
      `select pos from journal where pos > ? union all select pos from document_event where pos > ?
        order by pos limit 1 offset ?`,
    ),
    lastPos: connection.prepare<[], { pos: number | null }>(
      `select max(coalesce((select max(pos) from journal), 0),
                  coalesce((select max(pos) from document_event), 0)) as pos`,
    ),
    oldest: connection.prepare<[number, number], { pos: number; at: number }>(
      `select pos, at from journal where pos > ?
        union all select pos, at from document_event where pos > ? order by pos limit 1`,
    ),
    ...prepareDocuments(database),
    rows: compile<EventLogRecord>(rows),
    rowsOf: compile<EventLogRecord>(
      rows
        .select(fieldOf<string | null>('job.input', 'thread').as('thread'))
        .where((row) =>
          row.or([
            row('job.channel', 'in', sql<never>`(select value from json_each(?))`),
            sql<boolean>`instr(journal.emitted, ${sql.lit(viaMark)}) > 0`,
          ]),
        ),
    ),
    rowOf: compile<{ pos: number; seq: number; count: number }>(
      query
        .selectFrom('journal')
        .innerJoin('job', 'job.num', 'journal.job')
        .select(['journal.pos', 'journal.seq'])
        .select(sql<number>`json_array_length(journal.emitted)`.as('count'))
        .where('job.id', '=', param)
        .where('journal.seq', '<=', param)
        .where('journal.emitted', '<>', noEvents)
        .orderBy('journal.n', 'desc')
        .limit(one),
    ),
    watermark: compile<{ pos: number }>(
      query.selectFrom('relay').select('pos').where('name', '=', param),
    ),
    mark: compile(
      query
        .insertInto('relay')
        .values({ name: param, pos: param })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((row) => ({ pos: row.ref('excluded.pos') })),
        ),
    ),
    userOf: compile<{ user_id: string }>(
      query.selectFrom('job').select('user_id').where('id', '=', param),
    ),
  };
}

function prepareDocuments(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    documents: compile<DocumentEventTable>(
      query
        .selectFrom('document_event')
        .selectAll()
        .where('pos', '>', param)
        .where('pos', '<=', param)
        .orderBy('pos'),
    ),
    documentAt: compile<{ pos: number }>(
      query
        .selectFrom('document_event')
        .select('pos')
        .where('document_id', '=', param)
        .where('seq', '=', param),
    ),
  };
}

function parseEmitted(json: string): JobEmitted[] {
  try {
    return JSON.parse(json) as JobEmitted[];
  } catch {
    return [];
  }
}

function outboxRow(record: EventLogRecord): EventLogRow {
  const emitted = parseEmitted(record.emitted);
  return {
    pos: record.pos,
    triggerType: record.cause ?? '',
    thread: record.thread ?? null,
    via: emitted[0]?.via ?? null,
    traceparent: record.traceparent,
    events: stateEventsOf(
      { jobId: record.job_id, userId: record.user_id, channel: record.channel },
      { at: record.at, seq: record.seq, emitted },
    ),
  };
}

const documentRow = (row: DocumentEventTable): EventLogRow => ({
  pos: row.pos,
  ...storedEventOf(row),
});
