/**
 * The journal as a transactional outbox on PostgreSQL. A position is a place in the global order, which the sequencer
 * gives: without gaps, in the order of commits within a partition.
 */
import type { Promised } from '#shared/maybe-promise';
import { stateEventsOf } from '#shared/wire/state-event';
import type { JobEmitted } from '#machines/job-types';
import { storedEventOf } from '#storage/document-event-row';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { EventRangeTable } from '#storage/postgres/schema';
import type { EventLogRow, EventLogStorage } from '../../event-log-port.ts';
import {
  eventLogStatements as statements,
  type EventRecord,
  type PlacedDocumentEvent,
} from './event-log-statements.ts';
import { sliceRanges } from './event-range-slice.ts';

export function createPostgresEventLogStore(database: PostgresDatabase): Promised<EventLogStorage> {
  const all = <Row>(
    statement: { name: string; text: string },
    ...values: unknown[]
  ): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run<Row>(statement, values));
  const first = async <Row>(
    statement: { name: string; text: string },
    ...values: unknown[]
  ): Promise<Row | undefined> => (await all<Row>(statement, ...values))[0];

  const totals = async (): Promise<Totals> => (await first<Totals>(statements.totals))!;
  const oldestAfter = (place: number): Promise<{ pos: number; at: number } | undefined> =>
    first(statements.oldest, place);

  return {
    async after(pos, limit, channels) {
      // Each range has one place at least: more than these are not needed.
      const ranges = await all<EventRangeTable>(statements.ranges, pos, limit + 1);
      const { slices, upTo } = sliceRanges(ranges, pos, limit);
      const columns = (['part', 'from', 'to', 'shift'] as const).map((name) =>
        slices.map((slice) => slice[name]),
      );
      if (slices.length === 0) return { rows: [], upTo };
      if (channels !== undefined) {
        const rows = await all<EventRecord>(statements.rowsOf, ...columns, [...channels]);
        return { rows: rows.map(outboxRow), upTo };
      }
      const rows = (await all<EventRecord>(statements.rows, ...columns)).map(outboxRow);
      const documents = await all<PlacedDocumentEvent>(statements.documents, ...columns);
      if (documents.length === 0) return { rows, upTo };
      const merged = [...rows, ...documents.map(documentRow)];
      return { rows: merged.sort((a, b) => a.pos - b.pos), upTo };
    },
    async positionOf(id, seq) {
      if (!Number.isSafeInteger(seq)) return null;
      const document = await first<{ pos: number }>(statements.documentAt, storableText(id), seq);
      if (document !== undefined) return { pos: document.pos, index: 0, count: 1 };
      const row = await first<RowPlace>(statements.rowOf, storableText(id), seq);
      if (row === undefined) return null;
      const index = seq - row.seq;
      return index < row.events ? { pos: row.pos, index, count: row.events } : null;
    },
    async positionAt(at) {
      // `at` grows with the place, but for the delay between the commits of two partitions.
      let [low, high] = [0, (await totals()).placed];
      if (at === Infinity) return high;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const next = await oldestAfter(middle);
        if (next !== undefined && next.at < at) low = next.pos;
        else high = middle;
      }
      return low;
    },
    watermark: async (name) => (await first<{ pos: number }>(statements.watermark, name))?.pos ?? 0,
    saveWatermark: async (name, pos) => void (await all(statements.mark, name, pos)),
    async backlog(pos) {
      // Includes what the sequencer has not seen yet: those rows will have the next places.
      const { committed } = await totals();
      const oldest = await oldestAfter(pos);
      if (oldest !== undefined) {
        return { rows: committed - oldest.pos + 1, upTo: committed, oldestAt: oldest.at };
      }
      const waiting = await first<{ at: number | null }>(statements.oldestWithoutPlace);
      const oldestAt = waiting?.at ?? null;
      if (oldestAt === null || committed <= pos) return { rows: 0, upTo: pos, oldestAt: null };
      return { rows: committed - pos, upTo: committed, oldestAt };
    },
    userOf: async (jobId) =>
      (await first<{ user_id: string }>(statements.userOf, storableText(jobId)))?.user_id ?? null,
  };
}

interface Totals {
  /** Positions of all partitions. */
  committed: number;
  /** Of these, with a place. */
  placed: number;
}

interface RowPlace {
  pos: number;
  seq: number;
  events: number;
}

/** Null when the column holds no JSON object: a damaged row is skipped, otherwise no later event would be published. */
function parsed<Value>(json: string): Value | null {
  try {
    return JSON.parse(json) as Value | null;
  } catch {
    return null;
  }
}

function outboxRow(record: EventRecord): EventLogRow {
  const event = parsed<{ type?: string }>(record.event);
  const input = parsed<{ thread?: string; traceparent?: string }>(record.input);
  const emitted = parsed<JobEmitted[]>(record.emitted) ?? [];
  return {
    pos: record.pos,
    triggerType: event?.type ?? '',
    thread: input?.thread ?? null,
    via: emitted[0]?.via ?? null,
    traceparent: input?.traceparent ?? null,
    events: stateEventsOf(
      { jobId: record.job_id, userId: record.user_id, channel: record.channel },
      { at: record.at, seq: record.seq, emitted },
    ),
  };
}

const documentRow = ({ place, ...row }: PlacedDocumentEvent): EventLogRow => ({
  pos: place,
  ...storedEventOf(row),
});
