/**
 * A PostgreSQL database as the target of a copy. While the table `gatehouse_copy` is there, no core opens the database; its
 * last transaction removes it.
 */
import { GatehouseError, messageOf } from '#shared/errors';
import { partitionLease, partitionOf, sequencerLease } from '../postgres/partition.ts';
import type { PostgresDatabase, PostgresOptions } from '../postgres/postgres-database.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import type { EventRangeTable } from '../postgres/schema.ts';
import { topLevelState } from '../state-value.ts';
import {
  copyMark,
  numbersType,
  nameOfRow,
  placedTables,
  type Cell,
  type CopiedRow,
  type RowBatch,
  type RowKey,
  type TableShape,
} from './copied-tables.ts';
import type { CopySource, CopyTarget, Counters } from './copy-side.ts';
import { RangeBuilder } from './place-ranges.ts';
import {
  asCopyError,
  columnTypes,
  type Connection,
  inTransaction,
  openForCopy,
  readingSide,
} from './postgres-side.ts';

/** Pseudo table of the progress: the order of events, which all placed rows need. */
const orderStep = 'event_range';

/** @throws GH_STORE_TARGET when it is not empty, GH_STORE_LOCKED, and the errors of `openPostgres` */
export async function openPostgresTarget(
  options: PostgresOptions,
  from: string,
  tables: readonly TableShape[],
): Promise<CopyTarget> {
  const { database } = await openForCopy(options, { schema: 'migrate' });
  const guarded = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw asCopyError(error, database.where);
    }
  };
  try {
    await guarded(() => markCopy(database, from, tables));
  } catch (error) {
    await database.close();
    throw error;
  }
  const inserts = new Map<string, Promise<Insert>>();
  return {
    ...readingSide(database),
    progress: () => guarded(() => readProgress(database)),
    begin: (table, source) =>
      guarded(async () => {
        if (placedTables.includes(table.name)) await buildOrder(database, source);
        await database.run({ name: '', text: `delete from ${table.name}` }, []);
      }),
    async write(table, batch) {
      const made = inserts.get(table.name) ?? insertOf(database, table);
      inserts.set(table.name, made);
      await writeBatch(database, await made, batch);
    },
    end: (table) =>
      guarded(async () => void (await database.run(saveProgress, [table.name, null, true]))),
    finish: (counters) => guarded(() => finish(database, tables, counters)),
    close: () => database.close(),
  };
}

const saveProgress = {
  name: '',
  text: `insert into ${copyMark} (name, last, done) values ($1, $2, $3)
    on conflict (name) do update
      set last = coalesce(excluded.last, ${copyMark}.last), done = excluded.done`,
};

async function markCopy(
  database: PostgresDatabase,
  from: string,
  tables: readonly TableShape[],
): Promise<void> {
  await inTransaction(database, 'begin', async (client) => {
    await client.query(
      `create table if not exists ${copyMark} (name text primary key, last text, done boolean not null)`,
    );
    await client.query(`lock table ${copyMark}`);
    const { rows } = await client.query<{ last: string }>(
      `select last from ${copyMark} where name = ''`,
    );
    if (rows[0]?.last === from) return;
    const refuse = (why: string): GatehouseError =>
      new GatehouseError('GH_STORE_TARGET', `${database.where}: ${why}`);
    if (rows[0] !== undefined) {
      throw refuse(
        `is an interrupted copy of ${rows[0].last}; go on with that one, or drop and create the database`,
      );
    }
    for (const name of [...tables.map((table) => table.name), orderStep]) {
      const { rowCount } = await client.query(`select 1 from ${name} limit 1`);
      if (rowCount === 0) continue;
      throw refuse(`is not empty (${name} has rows), and is left as it is; create a new database`);
    }
    await client.query(`insert into ${copyMark} (name, last, done) values ('', $1, false)`, [from]);
  });
}

async function readProgress(database: PostgresDatabase) {
  const rows = await database.run<{ name: string; last: string | null; done: boolean }>(
    { name: '', text: `select name, last, done from ${copyMark} where name <> ''` },
    [],
  );
  return new Map(
    rows.map(({ name, last, done }) => [
      name,
      { last: last === null ? null : (JSON.parse(last) as RowKey), isDone: done },
    ]),
  );
}

/** One transaction: the ranges of all places, and the positions of all leases. */
async function buildOrder(database: PostgresDatabase, source: CopySource): Promise<void> {
  if ((await readProgress(database)).has(orderStep)) return;
  const { journal: last } = await source.counters();
  const builder = new RangeBuilder();
  await inTransaction(database, 'begin', async (client) => {
    let ranges: EventRangeTable[] = [];
    const flush = async (): Promise<void> => {
      const columns = (['seq_from', 'part', 'pos_from', 'count'] as const).map((name) =>
        ranges.map((range) => range[name]),
      );
      await client.query(
        `insert into event_range (seq_from, part, pos_from, count)
          select * from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::integer[])`,
        columns,
      );
      ranges = [];
    };
    for (const { pos, user } of source.places?.() ?? []) {
      const complete = builder.add(pos, user);
      if (complete !== null) ranges.push(complete);
      if (ranges.length === 5_000) await flush();
    }
    ranges.push(...builder.end(last));
    await flush();
    const positions = [...builder.positions].map(([part, pos]) => [partitionLease(part), pos]);
    const leases = [...positions, [sequencerLease, last]];
    await client.query(
      `update lease set pos = given.pos from unnest($1::text[], $2::bigint[]) as given (name, pos)
        where lease.name = given.name`,
      [leases.map(([name]) => name), leases.map(([, pos]) => pos)],
    );
    await client.query(saveProgress.text, [orderStep, null, true]);
  });
}

interface Insert {
  table: TableShape;
  text: string;
  columns: ((row: CopiedRow) => unknown)[];
}

/** Rows as one array per column: a statement has 65,535 parameters at most. */
async function insertOf(database: PostgresDatabase, table: TableShape): Promise<Insert> {
  const types = await columnTypes(database, table.name);
  const indexOf = (name: string): number => table.columns.findIndex((one) => one.name === name);
  const isPlaced = placedTables.includes(table.name);
  const names = table.columns.map(({ name }) => name);
  const columns: Insert['columns'] = table.columns.map(
    ({ name }, index) =>
      (row) =>
        storedCell(row[index]!, types.get(name)),
  );
  if (table.name === 'journal') {
    names.push('state', 'events');
    columns.push(
      (row) => stateOf(String(row[indexOf('value')])),
      (row) => eventsOf(String(row[indexOf('emitted')])),
    );
  } else if (types.has('part') && !isPlaced) {
    const user = Math.max(indexOf('user_id'), indexOf('owner'));
    names.push('part');
    columns.push((row) => partitionOf(String(row[user])));
  }
  // An array of arrays would have to have rows of one length.
  const typeOf = (name: string): string =>
    types.get(name) === numbersType ? 'text' : types.get(name)!;
  const arrays = names.map((name, index) => `$${index + 1}::${typeOf(name)}[]`).join(', ');
  const aliases = names.map((name) => `"${name}"`);
  if (!isPlaced) {
    const values = names.map((name) =>
      types.get(name) === numbersType ? `line."${name}"::real[]` : `line."${name}"`,
    );
    const text = `insert into ${table.name} (${aliases.join()})
      select ${values.join()} from unnest(${arrays}) as line (${aliases.join()})`;
    return { table, columns, text };
  }
  const values = aliases.map((name) => {
    if (name === '"pos"') return 'line.pos - range.seq_from + range.pos_from';
    if (name !== '"state"' || table.name !== 'journal') return `line.${name}`;
    return `coalesce(line.state, (select state from job where num = line.job), '')`;
  });
  const text = `insert into ${table.name} (${aliases.join()}, part)
    select ${values.join()}, range.part from unnest(${arrays}) as line (${aliases.join()})
      cross join lateral (select seq_from, pos_from, part from event_range
        where seq_from <= line.pos order by seq_from desc limit 1) as range`;
  return { table, columns, text };
}

function storedCell(cell: Cell, type: string | undefined): unknown {
  if (type === 'bool') return cell === null ? null : cell === 1;
  if (type !== numbersType || !Buffer.isBuffer(cell)) return cell;
  const numbers = Array.from({ length: cell.length / 4 }, (_, index) =>
    cell.readFloatLE(index * 4),
  );
  return `{${numbers.map((number) => (Object.is(number, -0) ? '-0' : String(number))).join()}}`;
}

/** Null for a damaged row: it has the state of its job. */
function stateOf(value: string): string | null {
  try {
    return topLevelState(JSON.parse(value));
  } catch {
    return null;
  }
}

/** A damaged row has one: it keeps its place among the events of its job. */
function eventsOf(emitted: string): number {
  try {
    const events = JSON.parse(emitted) as unknown;
    return Array.isArray(events) ? events.length : 0;
  } catch {
    return 1;
  }
}

async function writeBatch(
  database: PostgresDatabase,
  { table, text, columns }: Insert,
  { rows, last }: RowBatch,
): Promise<void> {
  const valuesOf = (some: CopiedRow[]): unknown[] => columns.map((column) => some.map(column));
  try {
    await inTransaction(database, 'begin', async (client) => {
      await client.query(text, valuesOf(rows));
      await client.query(saveProgress.text, [table.name, JSON.stringify(last), false]);
    });
  } catch (error) {
    if (!/^2[23]/.test(sqlStateOf(error))) throw error;
    await inTransaction(database, 'begin', (client) =>
      findRefused(client, table, rows, text, valuesOf),
    );
    throw error;
  }
}

/** @throws GH_STORE_COPY that names the row which the server refuses */
async function findRefused(
  client: Connection,
  table: TableShape,
  rows: readonly CopiedRow[],
  text: string,
  valuesOf: (rows: CopiedRow[]) => unknown[],
): Promise<void> {
  for (const row of rows) {
    await client.query(text, valuesOf([row])).catch((error: unknown) => {
      throw new GatehouseError(
        'GH_STORE_COPY',
        `${nameOfRow(table, row)}: the server refuses this row (${messageOf(error)}); correct or remove it, then run it again`,
        { cause: error },
      );
    });
  }
}

async function finish(
  database: PostgresDatabase,
  tables: readonly TableShape[],
  { tickets }: Counters,
): Promise<void> {
  await inTransaction(database, 'begin', async (client) => {
    const { rows } = await client.query<{ name: string; column: string }>(
      `select table_name as name, column_name as column from information_schema.columns
        where table_schema = current_schema() and is_identity = 'YES' and table_name = any($1)`,
      [tables.map(({ name }) => name)],
    );
    for (const { name, column } of rows) {
      const least = name === 'embedding_backlog' ? tickets : 0;
      // The next number follows the greatest one; of an empty table it is 1.
      await client.query(
        `select setval(pg_get_serial_sequence($1, $2), greatest(last, 1), last > 0)
          from (select greatest(coalesce(max("${column}"), 0), $3::bigint) as last from ${name}) as of`,
        [name, column, least],
      );
    }
    await client.query(`delete from document_words_backlog`);
    await client.query(
      `insert into document_words_backlog select num from document where deleted_at is null`,
    );
    // It is gone when the answer of this transaction was lost, and the step runs again.
    await client.query(`drop table if exists ${copyMark}`);
  });
  // The planner knows nothing of rows that were just written; autovacuum would update its statistics later.
  await database.run({ name: '', text: 'analyze' }, []).catch(() => undefined);
}
