/**
 * Removes ranges of the order of events whose rows were all removed (retention). The last range of each partition stays:
 * the sequencer goes on behind it. Places are never used again, so that positions of subscribers stay valid.
 */
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';

const batchRanges = 500;

/** Oldest rows of the ranges of a batch, by their partitions and positions. */
const oldestRow = (table: string): string => `left join lateral (
  select at from ${table} where part = batch.part
    and pos between batch.pos_from and batch.pos_from + batch.count - 1
    order by pos limit 1) as ${table} on true`;

const removeEmptyRanges = {
  name: 'prune_ranges',
  text: `with batch as (
      select seq_from, part, pos_from, count from event_range
        where seq_from > $2 order by seq_from limit $3),
    aged as (
      select seq_from, part, pos_from, least(journal.at, document_event.at) as at
        from batch ${oldestRow('journal')} ${oldestRow('document_event')}),
    gone as (
      delete from event_range where seq_from = any(array(
        select seq_from from aged where at is null and exists (
          select 1 from event_range as later
            where later.part = aged.part and later.pos_from > aged.pos_from)))
      returning seq_from)
    select count(*) as ranges, coalesce(max(seq_from), 0) as last,
        (select count(*) from gone) as removed, coalesce(bool_or(at >= $1), false) as is_young
      from aged`,
};

/** Resolves with the number of ranges removed; stops at rows that are not older than `endedBefore` (epoch ms). */
export const pruneEventRanges = (
  database: PostgresDatabase,
  endedBefore: number,
): Promise<number> =>
  guardPostgres('The order of events could not be tidied up', async () => {
    let [removed, after] = [0, 0];
    for (;;) {
      const [batch] = await database.run<{
        ranges: number;
        last: number;
        removed: number;
        is_young: boolean;
      }>(removeEmptyRanges, [endedBefore, after, batchRanges]);
      removed += batch!.removed;
      after = batch!.last;
      if (batch!.is_young || batch!.ranges < batchRanges) return removed;
    }
  });
