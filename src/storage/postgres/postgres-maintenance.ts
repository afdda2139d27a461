/**
 * Maintenance on PostgreSQL: autovacuum reclaims the space of removed rows, and the server recycles its write-ahead log.
 * What is left is the history of ownership, and to measure.
 */
import type { DatabaseMaintenance, ServerState } from '../maintenance.ts';
import type { PostgresDatabase, PreparedStatement } from './postgres-database.ts';
import { guardPostgres } from './postgres-errors.ts';

/**
 * Owners of a lease that are remembered. A write in doubt asks for the owner after its own, and is settled long before a
 * hundred others.
 */
const ownersKept = 100;

const selectState: PreparedStatement<ServerState & { bytes: number }> = {
  name: 'select_server_state',
  // Without the role `pg_monitor` replicas are counted, and their lag is null.
  text: `select pg_database_size(current_database()) as bytes,
      (select coalesce(sum(n_dead_tup), 0)::bigint from pg_stat_user_tables) as "deadRows",
      (select count(*) from pg_stat_activity where datname = current_database()) as connections,
      (select count(*) from pg_stat_replication) as replicas,
      (select max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))::bigint
        from pg_stat_replication) as "replicaLagBytes",
      (select (coalesce(sum(pos) filter (where name like 'part/%'), 0)
        - coalesce(max(pos) filter (where name = 'role/sequencer'), 0))::bigint
        from lease) as "unordered"`,
};

const forgetOwners: PreparedStatement<never> = {
  name: 'prune_lease_history',
  text: `delete from lease_history using lease
    where lease.name = lease_history.name and lease_history.epoch < lease.epoch - $1::bigint`,
};

export const createPostgresMaintenance = (database: PostgresDatabase): DatabaseMaintenance => ({
  async sizes() {
    const [row] = await guardPostgres('The database cannot be read', () =>
      database.run(selectState, []),
    );
    const { bytes, ...server } = row!;
    return { fileBytes: bytes, freeBytes: null, logBytes: null, server };
  },
  async reclaim() {
    await guardPostgres('The history of ownership could not be tidied up', () =>
      database.run(forgetOwners, [ownersKept]),
    );
    return 0;
  },
});
