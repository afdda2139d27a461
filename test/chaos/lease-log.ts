/**
 * A record of every change of a lease, made by a trigger of the database at the end of the transaction of the change. A
 * commit changes the lease of its partition, so the record says which owner wrote which positions, and how many rows it
 * stored at them, whatever the programs believe.
 */
import type { PostgresServer } from '#test/support/postgres-server';
import type { PartitionsSeen } from './observations.ts';

const install = `
create table storm_lease_step (
  n bigserial primary key, name text not null, worker text, epoch bigint not null,
  pos_before bigint not null, pos_after bigint not null, stored bigint not null);
create function storm_lease_step() returns trigger language plpgsql security definer as $$
declare
  stored bigint := 0;
begin
  if new.name like 'part/%' and new.pos > old.pos then
    select count(*) into stored from (
      select part, pos from public.journal union all select part, pos from public.document_event
    ) as placed
      where part = substring(new.name from 6)::smallint and pos > old.pos and pos <= new.pos;
  end if;
  insert into public.storm_lease_step (name, worker, epoch, pos_before, pos_after, stored)
    values (new.name, new.worker, new.epoch, old.pos, new.pos, stored);
  return null;
end $$;
create constraint trigger storm_lease_step after update on lease deferrable initially deferred
  for each row when (new.* is distinct from old.*) execute function storm_lease_step();`;

export async function installLeaseLog(server: PostgresServer, database: string): Promise<void> {
  await server.run(install, database);
}

const steps = `select name as lease, worker, epoch::int, pos_before::int as "posBefore",
  pos_after::int as "posAfter", stored::int from storm_lease_step order by n`;
const rows = `select part::int, pos::int, 'journal' as "table" from journal
  union all select part::int, pos::int, 'document_event' from document_event`;
const ranges = `select seq_from::int as "seqFrom", part::int, pos_from::int as "posFrom", count::int
  from event_range order by seq_from`;
const ends = 'select name as lease, pos::int from lease';

export async function readPartitions(
  server: PostgresServer,
  database: string,
): Promise<PartitionsSeen> {
  const all = async (sql: string) => (await server.run(sql, database)).rows;
  return {
    steps: (await all(steps)) as PartitionsSeen['steps'],
    rows: (await all(rows)) as PartitionsSeen['rows'],
    ranges: (await all(ranges)) as PartitionsSeen['ranges'],
    ends: (await all(ends)) as PartitionsSeen['ends'],
  };
}
