/** The reads of the event log on PostgreSQL. JSON is parsed by the reader: PostgreSQL refuses some escapes of it. */
import type { PreparedStatement } from '#storage/postgres/postgres-database';
import type { DocumentEventTable, JobTable, JournalTable } from '#storage/schema';
import type { EventRangeTable } from '#storage/postgres/schema';

/** `pos` is the place in the global order. */
export type EventRecord = Pick<JournalTable, 'at' | 'seq' | 'event' | 'emitted'> &
  Pick<JobTable, 'user_id' | 'channel' | 'input'> & { pos: number; job_id: string };

const slices = `unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[])
  as slice (part, pos_from, pos_to, shift)`;

const rows = (filter: string): string => `
  select journal.pos + slice.shift as pos, journal.at, journal.seq, journal.event,
      journal.emitted, job.id as job_id, job.user_id, job.channel, job.input
    from ${slices}
    join journal on journal.part = slice.part
      and journal.pos between slice.pos_from and slice.pos_to
    join job on job.num = journal.job
    where journal.events > 0 ${filter}
    order by 1`;

/** The range of the position `row`, which has no place before the sequencer has seen it. */
const placeOfRow = `join lateral (
  select seq_from - pos_from as shift, pos_from + count as pos_end from event_range
    where event_range.part = row.part and event_range.pos_from <= row.pos
    order by event_range.pos_from desc limit 1) as range on row.pos < range.pos_end`;

/** The first range that ends after the place `$1`, or begins with it. */
const firstRange = `coalesce((select max(seq_from) from event_range where seq_from <= $1 + 1), 0)`;

export const eventLogStatements = {
  ranges: {
    name: 'event_ranges',
    text: `select seq_from, part, pos_from, count from event_range
      where seq_from >= ${firstRange} order by seq_from limit $2`,
  } satisfies PreparedStatement<EventRangeTable>,
  rows: { name: 'event_rows', text: rows('') },
  rowsOf: {
    name: 'event_rows_of',
    text: rows(`and (job.channel = any($5) or position('"via":{' in journal.emitted) > 0)`),
  },
  documents: {
    name: 'event_documents',
    text: `select document_event.*, document_event.pos + slice.shift as place
      from ${slices}
      join document_event on document_event.part = slice.part
        and document_event.pos between slice.pos_from and slice.pos_to
      order by place`,
  },
  documentAt: {
    name: 'event_document_at',
    text: `select row.pos + range.shift as pos from document_event as row ${placeOfRow}
      where row.document_id = $1 and row.seq = $2::bigint`,
  },
  rowOf: {
    name: 'event_row_of',
    text: `select row.pos + range.shift as pos, row.seq, row.events from (
        select journal.part, journal.pos, journal.seq, journal.events from journal
          join job on job.num = journal.job
          where job.id = $1 and journal.seq <= $2::bigint and journal.events > 0
          order by journal.n desc limit 1) as row ${placeOfRow}`,
  },
  // Removed rows keep their places: a range may have none left.
  oldest: {
    name: 'event_oldest',
    text: `select row.pos + range.seq_from - range.pos_from as pos, row.at
      from event_range as range
      join lateral (
        select pos, at from journal where part = range.part
          and pos between greatest(range.pos_from, $1 + 1 - range.seq_from + range.pos_from)
            and range.pos_from + range.count - 1
        union all
        select pos, at from document_event where part = range.part
          and pos between greatest(range.pos_from, $1 + 1 - range.seq_from + range.pos_from)
            and range.pos_from + range.count - 1
        order by pos limit 1) as row on true
      where range.seq_from >= ${firstRange}
      order by range.seq_from limit 1`,
  },
  totals: {
    name: 'event_totals',
    text: `select coalesce(sum(pos) filter (where name like 'part/%'), 0)::bigint as committed,
        coalesce(max(pos) filter (where name = 'role/sequencer'), 0) as placed from lease`,
  },
  oldestWithoutPlace: {
    name: 'event_oldest_without_place',
    text: `select min(row.at) as at
      from (select substring(name from 6)::smallint as part, pos from lease
        where name like 'part/%' and pos > 0) as partition
      left join lateral (select pos_from + count - 1 as upto from event_range
        where event_range.part = partition.part order by pos_from desc limit 1) as ranged on true
      join lateral (select at from journal
        where journal.part = partition.part and journal.pos > coalesce(ranged.upto, 0)
        order by journal.pos limit 1) as row on true`,
  },
  watermark: { name: 'select_watermark', text: 'select pos from relay where name = $1' },
  mark: {
    name: 'save_watermark',
    text: `insert into relay (name, pos) values ($1, $2)
      on conflict (name) do update set pos = excluded.pos`,
  },
  userOf: { name: 'select_user', text: 'select user_id from job where id = $1' },
};

export interface PlacedDocumentEvent extends DocumentEventTable {
  place: number;
}
