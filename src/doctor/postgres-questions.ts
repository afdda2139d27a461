/** What the doctor asks a PostgreSQL server: one statement each, and what its answer means. */
import { missingExtension } from '#library/semantic/embedding-port';
import { checkResultsOf, type CheckResult } from '#shared/check-result';

const { fine, fault } = checkResultsOf('database');
const search = checkResultsOf('search');

export interface PostgresFacts {
  /** `host:port/database`. */
  where: string;
  /** A core answers at the configured address. */
  isCoreThere: boolean;
  /** Connections that a core opens, at most. */
  poolSize: number;
  /** The core is one of several workers. */
  isCluster: boolean;
  /** Semantic search is configured. */
  hasSearch: boolean;
  /** Time of this machine around the statement, in ms. */
  sentAt: number;
  answeredAt: number;
}

export interface PostgresQuestion<Row> {
  /** It reads tables of Gatehouse. */
  needsTables?: true;
  /** Of its transaction. Default `read only`; empty: the default of the server. */
  mode?: '';
  /** One statement that returns one row. */
  query: string;
  judge(row: Row, facts: PostgresFacts): CheckResult[];
}

const megabyte = 1024 * 1024;
/** Tokens and drafts have deadlines, and times of jobs are compared with those of this machine. */
const clockDifferenceMaxMs = 1_000;
/** Between two statements of a transaction the core only computes, but its thread may be busy. */
const idleMinMs = 10_000;
/** Migrations and retention take longer than a commit. */
const transactionMinMs = 60_000;

export const serverQuestion: PostgresQuestion<{ version: string; bytes: number }> = {
  query: `select current_setting('server_version') as version,
    pg_database_size(current_database()) as bytes`,
  judge: ({ version, bytes }, { where, sentAt, answeredAt }) => {
    const size = `${(bytes / megabyte).toFixed(1)} MB`;
    const ms = Math.max(0, answeredAt - sentAt);
    return [fine(`${where}, PostgreSQL ${version}, UTF8, ${size}, answers in ${ms} ms`)];
  },
};

interface Rights {
  user: string;
  /** Null: no schema of the search path may be used. */
  schema: string | null;
  create: boolean | null;
  /** Tables of Gatehouse that the user may not read and write. */
  denied: string | null;
  hasTables: boolean;
  isOwner: boolean;
}

const rights: PostgresQuestion<Rights> = {
  // Tables of other programs in the same schema have another owner than the table of migrations.
  query: `with own as (select t.oid, t.relname, t.relowner from pg_class m join pg_class t
      on t.relnamespace = m.relnamespace and t.relowner = m.relowner and t.relkind = 'r'
      where m.oid = to_regclass('gatehouse_migration'))
    select current_user as user, current_schema() as schema,
      has_schema_privilege(current_schema(), 'create') as create,
      exists (select from own) as "hasTables",
      not exists (select from own where not pg_has_role(relowner, 'usage')) as "isOwner",
      (select string_agg(relname, ', ' order by relname) from own where not (
        has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert') and
        has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))) as denied`,
  judge({ user, schema, create, denied, hasTables, isOwner }) {
    const grant = `make ${user} the owner of the database`;
    if (schema === null || (create !== true && !hasTables)) {
      const what = `the user ${user} may not create tables (GH_STORE_READ_ONLY)`;
      return [fault(what, `${grant}, or: grant create, usage on schema public to ${user}`)];
    }
    if (denied !== null) {
      const what = `the user ${user} may not read and write ${denied} (GH_STORE_READ_ONLY)`;
      return [
        fault(
          what,
          `${grant} and of its tables, or grant select, insert, update and delete on them`,
        ),
      ];
    }
    if (create === true && isOwner) return [fine(`the user ${user} may create tables and write`)];
    return [
      fine(
        `the user ${user} may write, but does not own the tables or may not create some`,
        `an upgrade of Gatehouse will fail: ${grant} and of its tables`,
      ),
    ];
  },
};

const strangers: PostgresQuestion<{ names: string | null }> = {
  query: `select string_agg(relname, ', ' order by relname) as names from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = current_schema() and to_regclass('gatehouse_migration') is null
      and relname = any('{job,journal,document,draft,lease,worker}')`,
  judge: ({ names }) =>
    names === null
      ? []
      : [
          fault(
            `has tables of another program: ${names} (GH_STORE_OPEN)`,
            'give Gatehouse a database of its own',
          ),
        ],
};

const write: PostgresQuestion<never> = {
  mode: '',
  // The right to create temporary tables is not needed otherwise.
  query: `do $$ begin
    if current_setting('transaction_read_only') = 'on' then
      raise exception 'transactions are read-only' using errcode = '25006';
    end if;
    if has_database_privilege(current_database(), 'temp') then
      create temporary table gatehouse_doctor (n integer) on commit drop;
      insert into gatehouse_doctor values (1);
    end if;
  end $$`,
  judge: () => [],
};

const losses: Record<string, string> = {
  fsync: 'a crash of its machine may lose accepted messages or damage the database',
  full_page_writes: 'a crash of its machine may damage the database',
  synchronous_commit: 'a crash of the server may lose what other programs have committed',
};

const durability: PostgresQuestion<{ off: string[]; commit: string; standbys: string }> = {
  // `reset_val`: Gatehouse sets synchronous_commit for its own sessions.
  query: `select array(select name::text from pg_settings where name = any('{fsync,full_page_writes,synchronous_commit}')
      and reset_val = 'off' order by name) as off,
    (select reset_val from pg_settings where name = 'synchronous_commit') as commit,
    current_setting('synchronous_standby_names') as standbys`,
  judge({ off, commit, standbys }) {
    const results = off.map((name) => {
      const own = name === 'synchronous_commit' ? '; Gatehouse sets it for its own commits' : '';
      return fine(`${name} is off on the server`, `${losses[name]}${own}: set ${name} = on`);
    });
    if (commit === 'local' && standbys !== '') {
      results.push(
        fine(
          'synchronous_commit is local on the server: no commit waits for the synchronous standby',
          'a failover may lose accepted messages: set synchronous_commit = on',
        ),
      );
    }
    const all = 'fsync, full_page_writes and synchronous_commit are not off';
    return results.length > 0 ? results : [fine(all)];
  },
};

interface Replicas {
  connected: number;
  /** Of them, those whose state this user may see, and those that commits wait for. */
  visible: number;
  synchronous: number;
  standbys: string;
}

const replicas: PostgresQuestion<Replicas> = {
  // Without the role `pg_monitor` the state of a replica is null, but the replica is counted.
  query: `select count(*) as connected, count(sync_state) as visible,
      count(*) filter (where sync_state in ('sync', 'quorum')) as synchronous,
      current_setting('synchronous_standby_names') as standbys from pg_stat_replication`,
  judge({ connected, visible, synchronous, standbys }, { isCluster }) {
    if (standbys !== '' && connected === 0) {
      return [
        fault(
          `synchronous_standby_names is ${standbys}, and no standby is connected: no commit ends`,
          'start the standby, or clear synchronous_standby_names on the server',
        ),
      ];
    }
    if (connected === 0) {
      const advice =
        'when this server is lost, so is all that it has: set up a synchronous standby';
      return isCluster ? [fine('no standby is connected', advice)] : [];
    }
    const isNoneSynchronous = visible === connected && synchronous === 0;
    if (standbys !== '' && isNoneSynchronous) {
      return [
        fault(
          `synchronous_standby_names is ${standbys}, and no connected standby has such a name: no commit ends`,
          'set application_name in primary_conninfo of the standby, or name it in synchronous_standby_names',
        ),
      ];
    }
    if (standbys !== '')
      return [fine(`replicas connected: ${connected}, synchronous: ${standbys}`)];
    const what = `replicas connected: ${connected}, none is synchronous`;
    const advice =
      'a failover to one may lose accepted messages: name it in synchronous_standby_names, or do not promote it';
    return isCluster ? [fault(`${what}: a failover is unsafe`, advice)] : [fine(what, advice)];
  },
};

interface Connections {
  max: number;
  user: number;
  database: number;
  others: number;
}

const connections: PostgresQuestion<Connections> = {
  // `reserved_connections` exists from version 16 on. The user's own connections may be those of the running core.
  // Processes of the server have no database; of other users' connections only this is visible to all.
  query: `select current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int as max,
    (select rolconnlimit from pg_roles where rolname = current_user) as user,
    (select datconnlimit from pg_database where datname = current_database()) as database,
    (select count(*) from pg_stat_activity
      where datid is not null and usename <> current_user) as others`,
  judge({ max, user, database, others }, { poolSize }) {
    const limit = Math.min(...[max, user, database].filter((one) => one >= 0));
    const what = `${limit} connections allowed, ${others} in use by other users, poolSize ${poolSize}`;
    const advice = 'increase max_connections or the limit of the user, or lower database.poolSize';
    if (limit < poolSize) return [fault(what, advice)];
    return [fine(what, max - others < poolSize ? advice : undefined)];
  },
};

const timeouts: PostgresQuestion<{ idle: number; transaction: number }> = {
  // In ms; 0: none. Gatehouse sets statement_timeout, lock_timeout and idle_session_timeout for its own sessions.
  query: `select coalesce(max(reset_val::int) filter (where name = 'idle_in_transaction_session_timeout'), 0) as idle,
      coalesce(max(reset_val::int) filter (where name = 'transaction_timeout'), 0) as transaction
    from pg_settings where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')`,
  judge({ idle, transaction }) {
    const short = (name: string, ms: number, min: number): CheckResult[] =>
      ms === 0 || ms >= min
        ? []
        : [
            fine(
              `${name} is ${ms} ms: the server may end transactions of Gatehouse`,
              `set it to ${min / 1_000}s or more, or to 0, for this user: alter role … set ${name} = …`,
            ),
          ];
    return [
      ...short('idle_in_transaction_session_timeout', idle, idleMinMs),
      ...short('transaction_timeout', transaction, transactionMinMs),
    ];
  },
};

const serverClock: PostgresQuestion<{ now: number }> = {
  query: `select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`,
  judge({ now }, { sentAt, answeredAt }) {
    // The server read its clock between the two times.
    const ahead = now > answeredAt ? now - answeredAt : Math.min(0, now - sentAt);
    const seconds = (Math.abs(ahead) / 1_000).toFixed(1);
    if (Math.abs(ahead) <= clockDifferenceMaxMs) return [fine('its clock agrees with this one')];
    const what = `the clock of the server is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} this one`;
    return [fine(what, 'let both machines take their time from one source (NTP)')];
  },
};

interface Extension {
  installed: string | null;
  available: string | null;
  /** A superuser may create it, and with a trusted one also who may create in the database. */
  creatable: boolean;
}

const vectors: PostgresQuestion<Extension> = {
  query: `select (select extversion from pg_extension where extname = 'vector') as installed,
    (select default_version from pg_available_extensions where name = 'vector') as available,
    (select rolsuper from pg_roles where rolname = current_user) or exists (
      select from pg_available_extension_versions where name = 'vector' and trusted
        and has_database_privilege(current_database(), 'create')) as creatable`,
  judge({ installed, available, creatable }, { hasSearch }) {
    if (!hasSearch) return [];
    if (installed !== null) return [search.fine(`pgvector ${installed} is there`)];
    const off = 'search by meaning is off';
    if (available === null) {
      const advice =
        'install the package postgresql-VERSION-pgvector on the server, or set search.embeddings to null';
      return [
        search.fault(
          `pgvector is not installed on the server: ${off} (${missingExtension})`,
          advice,
        ),
      ];
    }
    if (creatable) return [search.fine(`pgvector ${available}: the core creates it at its start`)];
    const advice = 'run as superuser in this database: create extension vector';
    return [
      search.fault(`pgvector: the user may not create it: ${off} (${missingExtension})`, advice),
    ];
  },
};

const order: PostgresQuestion<{ open: number; unordered: number }> = {
  needsTables: true,
  query: `select (select count(*) from job where ended_at is null) as open,
    (select (coalesce(sum(pos) filter (where name like 'part/%'), 0)
      - coalesce(max(pos) filter (where name = 'role/sequencer'), 0))::bigint from lease) as unordered`,
  judge({ open, unordered }, { isCoreThere }) {
    const advice = isCoreThere
      ? 'if this number stays, see the log of the core: subscribers do not get these events'
      : 'the next start gives them a place';
    const what = `${open} open jobs, ${unordered} events without a place in the order`;
    return [fine(what, unordered > 0 ? advice : undefined)];
  },
};

interface Leases {
  all: number;
  /** Without a worker, or of one that is marked gone. */
  free: number;
  owners: number;
}

const leases: PostgresQuestion<Leases> = {
  needsTables: true,
  query: `select count(*) as all, count(*) filter (where worker.id is null) as free,
      count(distinct worker.id) as owners
    from lease left join worker on worker.id = lease.worker and not gone`,
  judge({ all, free, owners }, { isCoreThere, isCluster }) {
    // Then it is asked in detail.
    if (isCluster) return [];
    const what = `${all} leases, ${free} without an owner, workers: ${owners}`;
    const advice = 'if this stays, the messages of these partitions wait: see the log of the core';
    return [fine(what, free > 0 && isCoreThere ? advice : undefined)];
  },
};

/** After `serverQuestion`, in the order of their results. */
export const postgresQuestions: readonly PostgresQuestion<never>[] = [
  rights,
  strangers,
  write,
  durability,
  replicas,
  connections,
  timeouts,
  serverClock,
  order,
  leases,
  vectors,
];
