/**
 * Copies a quiet database from SQLite to PostgreSQL or back (docs/operations.md).
 *
 * C1. Each batch is one transaction with its progress: after any interruption the same call goes on.
 * C2. The target is a database that a core opens only after all rows of both were read again and are equal.
 * C3. The source is not changed; on PostgreSQL its leases are taken and its last positions get their places.
 * C4. Positions of events stay the same, so that watermarks and subscribers go on where they were.
 */
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { exponentialBackoffMs } from '#shared/backoff';
import { GatehouseError } from '#shared/errors';
import type { PostgresOptions } from '../postgres/postgres-database.ts';
import { isPostgresAddress, parsePostgresAddress } from '../postgres/postgres-address.ts';
import { isConnectionLost } from '../postgres/postgres-errors.ts';
import type { CopiedRow, RowBatch, TableShape } from './copied-tables.ts';
import type { CopySource, CopyTarget } from './copy-side.ts';
import { openPostgresSource } from './postgres-source.ts';
import { asCopyError } from './postgres-side.ts';
import { openPostgresTarget } from './postgres-target.ts';
import { openSqliteSource } from './sqlite-source.ts';
import { openSqliteTarget } from './sqlite-target.ts';

export interface CopyOptions {
  /** Paths or addresses `postgres://…`, one of each. */
  from: string;
  to: string;
  postgres?: Omit<PostgresOptions, 'url'>;
  signal?: AbortSignal;
  onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  step: 'copy' | 'verify';
  table: string;
  rows: number;
  /** Of the table. */
  rowsMax: number;
}

/** Characters that PostgreSQL cannot store, and that became U+FFFD in the copy. */
export interface ChangedTexts {
  /** `table.column` */
  column: string;
  characters: number;
  rows: number;
  /** Keys of the first rows. */
  examples: string[];
}

export interface CopyReport {
  from: string;
  to: string;
  /** Equal on both sides. */
  tables: { name: string; rows: number; checksum: string }[];
  changed: ChangedTexts[];
}

/** Without progress for so long a lost connection ends the copy. */
const repeatForMs = 10_000;
const examplesMax = 3;

/**
 * @throws GH_STORE_TARGET, GH_STORE_LOCKED, GH_STORE_OLDER, GH_STORE_NEWER, GH_STORE_COPY, and what opening a database throws
 */
export async function copyDatabase(options: CopyOptions): Promise<CopyReport> {
  const source = await openSource(options);
  let target: CopyTarget | null = null;
  try {
    target = await openTarget(options, source);
    const run = { ...options, source, target };
    for (const table of source.tables) await repeated((onBatch) => copyRows(run, table, onBatch));
    const tables: CopyReport['tables'] = [];
    const changed: ChangedTexts[] = [];
    for (const table of source.tables) {
      const verified = await repeated((onBatch) => verify(run, table, onBatch));
      tables.push(verified.table);
      changed.push(...verified.changed);
    }
    await repeated(() => finish(run));
    return { from: source.where, to: target.where, tables, changed };
  } catch (error) {
    throw asCopyError(error, target?.where ?? source.where);
  } finally {
    await target?.close().catch(() => undefined);
    await source.close();
  }
}

type CopyRun = CopyOptions & { source: CopySource; target: CopyTarget };

async function openSource({ from, to, postgres }: CopyOptions): Promise<CopySource> {
  if (isPostgresAddress(from) === isPostgresAddress(to)) {
    const both = isPostgresAddress(from)
      ? 'are PostgreSQL databases: use pg_dump and pg_restore'
      : 'are SQLite files: use gatehouse backup and gatehouse restore';
    throw new GatehouseError('GH_STORE_TARGET', `FROM and TO ${both}`);
  }
  return isPostgresAddress(from)
    ? await openPostgresSource({ ...postgres, url: from })
    : openSqliteSource(from);
}

function openTarget({ from, to, postgres }: CopyOptions, source: CopySource): Promise<CopyTarget> {
  // The host in use may change between two runs.
  const name = isPostgresAddress(from) ? nameOfAddress(from) : source.where;
  return isPostgresAddress(to)
    ? openPostgresTarget({ ...postgres, url: to }, name, source.tables)
    : openSqliteTarget(to, name);
}

function nameOfAddress(url: string): string {
  const { hosts, database } = parsePostgresAddress(url);
  return `${hosts.map(({ host, port }) => `${host}:${port}`).join()}/${database}`;
}

/** Runs a step again when a connection was lost, until it makes no progress for a while. */
async function repeated<Value>(step: (onBatch: () => void) => Promise<Value>): Promise<Value> {
  let deadline = performance.now() + repeatForMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await step(() => {
        deadline = performance.now() + repeatForMs;
        attempt = 0;
      });
    } catch (error) {
      if (!isTemporary(error) || performance.now() > deadline) throw error;
    }
    await sleep(exponentialBackoffMs(attempt, 50, 1_000));
  }
}

const isTemporary = (error: unknown): boolean =>
  error instanceof GatehouseError ? error.code === 'GH_STORE_UNREACHABLE' : isConnectionLost(error);

/** Goes on after the last batch that is in the target. */
async function copyRows(run: CopyRun, table: TableShape, onBatch: () => void): Promise<void> {
  const { source, target } = run;
  const before = (await target.progress()).get(table.name);
  if (before?.isDone) return;
  if (before === undefined) await target.begin(table, source);
  const rowsMax = await source.count(table);
  let rows = before === undefined ? 0 : await target.count(table);
  for await (const batch of source.read(table, before?.last ?? null)) {
    assertRunning(run);
    await target.write(table, batch);
    rows += batch.rows.length;
    onBatch();
    run.onProgress?.({ step: 'copy', table: table.name, rows, rowsMax });
  }
  await target.end(table);
}

function assertRunning({ signal }: CopyOptions): void {
  if (signal?.aborted !== true) return;
  throw new GatehouseError(
    'GH_STORE_COPY',
    'interrupted: run the same command again, and it goes on where it stopped',
  );
}

async function finish({ source, target }: CopyRun): Promise<void> {
  await source.assertQuiet();
  await target.finish(await source.counters());
}

interface VerifiedTable {
  table: CopyReport['tables'][number];
  changed: ChangedTexts[];
}

/** Reads all rows of a table from both databases again. @throws GH_STORE_COPY when they differ */
async function verify(
  run: CopyRun,
  table: TableShape,
  onBatch: () => void,
): Promise<VerifiedTable> {
  const { source, target } = run;
  const { name } = table;
  const changed = new Map<string, ChangedTexts>();
  const onChanged = (column: string, row: CopiedRow, count: number): void => {
    const entry = changed.get(column) ?? {
      column: `${name}.${column}`,
      characters: 0,
      rows: 0,
      examples: [],
    };
    entry.characters += count;
    entry.rows += 1;
    const key = table.key.map((one) => row[table.columns.findIndex((each) => each.name === one)]);
    if (entry.examples.length < examplesMax) entry.examples.push(key.join(' '));
    changed.set(column, entry);
  };
  const [ours, theirs] = [new TableDigest(), new TableDigest()];
  const rowsMax = (await source.count(table)) * 2;
  const addTo = async (digest: TableDigest, batches: AsyncIterable<RowBatch>): Promise<void> => {
    for await (const { rows } of batches) {
      assertRunning(run);
      digest.add(rows);
      onBatch();
      run.onProgress?.({ step: 'verify', table: name, rows: ours.rows + theirs.rows, rowsMax });
    }
  };
  await addTo(ours, source.read(table, null, onChanged));
  await addTo(theirs, target.read(table, null));
  if (ours.rows !== theirs.rows || ours.checksum !== theirs.checksum) {
    const why =
      ours.rows === theirs.rows
        ? `${ours.rows} rows on both sides, with different content`
        : `${ours.rows} rows in ${source.where}, ${theirs.rows} in ${target.where}`;
    throw new GatehouseError(
      'GH_STORE_COPY',
      `${name}: ${why}; the source has changed since the copy began: empty the target, and run it again`,
    );
  }
  return {
    table: { name, rows: ours.rows, checksum: ours.checksum },
    changed: [...changed.values()],
  };
}

/** Independent of the order of rows: where texts were changed, two databases sort them differently. */
class TableDigest {
  rows = 0;
  #sum = 0n;

  add(rows: RowBatch['rows']): void {
    this.rows += rows.length;
    for (const row of rows) {
      const cells = row.map((cell) => (Buffer.isBuffer(cell) ? [cell.toString('base64')] : cell));
      this.#sum += BigInt(`0x${hash('sha256', JSON.stringify(cells), 'hex')}`);
    }
  }

  get checksum(): string {
    return BigInt.asUintN(256, this.#sum).toString(16).padStart(64, '0');
  }
}
