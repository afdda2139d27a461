/**
 * Gives the positions of all partitions that were committed and have no place in the global order yet a range each. The
 * lease of the sequencer counts the positions that have one: its row lock puts the ranges in the order of their commits,
 * and a reader sees no range before all ranges before it. Returns the last place that is given.
 */
export const appendRanges = `
create function append_ranges(by_worker text, by_epoch bigint)
returns bigint language plpgsql as $$
declare
  last bigint;
begin
  select pos into last from lease
    where name = 'role/sequencer' and worker = by_worker and epoch = by_epoch for update;
  if not found then
    raise exception 'the lease role/sequencer has another owner' using errcode = 'GH001';
  end if;
  with grown as (
    select partition.part, partition.pos, coalesce(ranged.upto, 0) as ranged
      from (select substring(name from 6)::smallint as part, pos from lease
        where name like 'part/%' and pos > 0) as partition
      left join lateral (select pos_from + count - 1 as upto from event_range
        where event_range.part = partition.part order by pos_from desc limit 1) as ranged on true
  ), fresh as (
    insert into event_range (seq_from, part, pos_from, count)
      select last + 1 + coalesce(sum(pos - ranged) over (order by part
          rows between unbounded preceding and 1 preceding), 0), part, ranged + 1, pos - ranged
        from grown where pos > ranged
      returning count
  )
  select last + coalesce(sum(count), 0) into last from fresh;
  update lease set pos = last where name = 'role/sequencer' and pos <> last;
  return last;
end $$`;
