/**
 * Doctor check of a PostgreSQL database: the server, the schema, and what `postgresQuestions` ask. It changes nothing; a
 * temporary table is made in a transaction that is rolled back.
 */
import type { Config } from '#app/config/config';
import type { PostgresSettings } from '#app/config/database-settings';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { systemClock, type Clock } from '#shared/clock';
import { remedies } from '#shared/error-remedies';
import { messageOf } from '#shared/errors';
import { assertNoOpenCopy, countMissingMigrations } from '#storage/postgres/migrate';
import { openPostgres, type PostgresDatabase } from '#storage/postgres/postgres-database';
import {
  classifyPostgresError,
  isConnectionLost,
  sqlStateOf,
} from '#storage/postgres/postgres-errors';
import { parsePostgresAddress } from '#storage/postgres/postgres-address';
import { clusterQuestions } from './cluster-questions.ts';
import {
  postgresQuestions,
  serverQuestion,
  type PostgresFacts,
  type PostgresQuestion,
} from './postgres-questions.ts';

const { fine, fault } = checkResultsOf('database');

/** For all questions, and for the answer to one. A server that hangs must not keep the doctor. */
const timeLimitMs = 10_000;
const answerTimeoutMs = 5_000;

type Client = Awaited<ReturnType<PostgresDatabase['pool']['connect']>>;

/** No result with SQLite. `isCoreThere`: a core answers at the configured address. `clock`: of this machine. */
export async function checkPostgres(
  { database: settings, search, cluster }: Config,
  isCoreThere: boolean,
  clock: Clock = systemClock,
): Promise<CheckResult[]> {
  if (typeof settings === 'string') return [];
  const facts = {
    isCoreThere,
    poolSize: settings.poolSize,
    isCluster: cluster !== null,
    hasSearch: search.embeddings !== null,
  };
  try {
    const database = await openPostgres({
      ...settings,
      applicationName: 'gatehouse doctor',
      // One for the questions, and one for the schema.
      poolSize: 2,
      answerTimeoutMs,
      schema: 'leave',
    });
    try {
      return await checkServer(database, facts, clock);
    } finally {
      await database.close();
    }
  } catch (error) {
    return [refusal(error, hostsOf(settings))];
  }
}

function hostsOf({ url }: PostgresSettings): string {
  const { hosts, database } = parsePostgresAddress(url);
  return `${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}/${database}`;
}

/** The error as a result: its message ends with what to do, or its code says it. */
function refusal(error: unknown, where: string): CheckResult {
  // Timeout of a lock, and of a statement.
  if (['55P03', '57014'].includes(sqlStateOf(error))) {
    const advice = 'look in pg_stat_activity which program locks the tables or keeps it busy';
    return fault(`${where}: a statement had no answer in time (${messageOf(error)})`, advice);
  }
  const { code, message } = classifyPostgresError(error, where);
  const [what = '', ...advice] = message.split('; ');
  return fault(`${what} (${code})`, advice.join('; ') || remedies[code]);
}

async function checkServer(
  database: PostgresDatabase,
  facts: Omit<PostgresFacts, 'sentAt' | 'answeredAt' | 'where'>,
  clock: Clock,
): Promise<CheckResult[]> {
  const { where } = database;
  const client = await database.pool.connect();
  const deadline = performance.now() + timeLimitMs;
  let failure: unknown;
  const results: CheckResult[] = [];
  const collect = async (check: () => Promise<CheckResult[]>): Promise<void> => {
    if (failure !== undefined) return;
    try {
      if (performance.now() > deadline) throw new Error(`no answer within ${timeLimitMs} ms`);
      results.push(...(await check()));
    } catch (error) {
      if (isConnectionLost(error)) failure = error;
      const result = refusal(error, where);
      // One cause may end several checks.
      if (results.every(({ what }) => what !== result.what)) results.push(result);
    }
  };
  const put = ({ mode, query, judge }: PostgresQuestion<never>): Promise<void> =>
    collect(async () => {
      const { row, ...times } = await ask(client, mode ?? 'read only', query, clock);
      return judge(row as never, { ...facts, ...times, where });
    });
  try {
    await put(serverQuestion);
    const missing = await checkSchema(database, collect);
    const questions = facts.isCluster
      ? [...postgresQuestions, ...clusterQuestions]
      : postgresQuestions;
    for (const question of questions) {
      if (question.needsTables !== true || missing !== null) await put(question);
    }
  } finally {
    database.pool.release(client, failure);
  }
  return results;
}

/** Pushes its results to `collect`. Null: there are no tables that the other checks can read. */
async function checkSchema(
  { query, where }: PostgresDatabase,
  collect: (check: () => Promise<CheckResult[]>) => Promise<void>,
): Promise<number | null> {
  let missing: number | null = null;
  await collect(async () => {
    const count = await countMissingMigrations(query, where);
    await assertNoOpenCopy(query, where);
    if (count === null) return [fine('the schema is made at the first start')];
    missing = count;
    if (count === 0) return [fine('the schema is of this version')];
    const upgrade = 'the next start upgrades it: make a backup first (pg_dump)';
    return [fine(`the schema is of an older version, migrations to run: ${count}`, upgrade)];
  });
  return missing;
}

/** A program that locks the tables, or a busy server, must not keep the doctor. */
const limits = `set local lock_timeout = '1s'; set local statement_timeout = '4s'`;

/** One row, in a transaction that keeps nothing. */
async function ask(client: Client, mode: string, query: string, clock: Clock) {
  await client.query(`begin transaction ${mode}; ${limits}`);
  try {
    const sentAt = clock.now();
    const { rows } = await client.query(query);
    return { row: rows[0] as unknown, sentAt, answeredAt: clock.now() };
  } finally {
    await client.query('rollback');
  }
}
