/**
 * Gives what is stored under one user id to another, on SQLite and PostgreSQL, while no core runs.
 *
 * 1. One transaction: all ids or none. Repeated, it finds nothing to do.
 * 2. Nothing is lost: an entry that the other user has in another form stays where it is, and is reported.
 * 3. Rows of the journal, and on PostgreSQL their partitions and positions, stay as they are: only ended jobs are moved.
 */
import { sql, type Kysely } from 'kysely';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Persons } from '#shared/persons';
import { fenceOwners } from '../copy/postgres-source.ts';
import { openForCopy } from '../copy/postgres-side.ts';
import { openDatabase } from '../database.ts';
import { leaveWorkers } from '../postgres/leases.ts';
import { assertNoOpenCopy } from '../postgres/migrate.ts';
import type { PostgresOptions } from '../postgres/postgres-database.ts';
import { classifyPostgresError } from '../postgres/postgres-errors.ts';
import type { Schema } from '../schema.ts';
import { readUserData } from './user-data.ts';

/** User ids. */
export interface AdoptedIds {
  from: string;
  to: string;
}

export interface AdoptedData extends AdoptedIds {
  jobs: number;
  documents: number;
  calendarEntries: number;
  schedules: number;
  facts: number;
  /** Entries and facts that the new owner had already, word for word: one of each is left. */
  doubles: number;
  /** UIDs of calendar entries that stay: the new owner has another entry with this UID. */
  leftEntries: string[];
}

/** Jobs that are read in one go. */
const jobsAtOnce = 500;
/** Of one statement: those on documents may take minutes. */
const answerTimeoutMs = 30 * 60_000;

/**
 * @throws GH_STORE_LOCKED while a core runs, GH_PERSON_BUSY for an open job of one of the ids, and what opening the database
 *   throws; nothing is changed then
 */
export async function adoptUserData(
  database: string | PostgresOptions,
  ids: readonly AdoptedIds[],
  persons: Pick<Persons, 'conversationOf'>,
): Promise<AdoptedData[]> {
  return typeof database === 'string'
    ? adoptOnSqlite(database, ids, persons)
    : adoptOnPostgres(database, ids, persons);
}

async function adoptOnSqlite(
  path: string,
  ids: readonly AdoptedIds[],
  persons: Pick<Persons, 'conversationOf'>,
): Promise<AdoptedData[]> {
  const database = await openDatabase({ path });
  try {
    return await database.query
      .transaction()
      .execute((query) => adoptAll({ query, persons, isPostgres: false }, ids));
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    const what = `${path}: the data could not be adopted (${messageOf(error)})`;
    throw new GatehouseError('GH_STORE_UNAVAILABLE', what, { cause: error });
  } finally {
    await database.close();
  }
}

async function adoptOnPostgres(
  options: PostgresOptions,
  ids: readonly AdoptedIds[],
  persons: Pick<Persons, 'conversationOf'>,
): Promise<AdoptedData[]> {
  const { database } = await openForCopy({ ...options, answerTimeoutMs }, { schema: 'check' });
  try {
    await assertNoOpenCopy(database.query, database.where);
    // A core that lost its connection, and still runs, can commit nothing from here on.
    const { worker } = await fenceOwners(database);
    try {
      return await database.query.transaction().execute(async (transaction) => {
        await sql`set local statement_timeout = 0`.execute(transaction);
        // The tables have all columns of SQLite's.
        const query = transaction as unknown as Kysely<Schema>;
        return adoptAll({ query, persons, isPostgres: true }, ids);
      });
    } finally {
      await leaveWorkers(database, worker);
    }
  } catch (error) {
    throw classifyPostgresError(error, database.where);
  } finally {
    await database.close();
  }
}

interface Adoption {
  query: Kysely<Schema>;
  persons: Pick<Persons, 'conversationOf'>;
  isPostgres: boolean;
}

async function adoptAll(adoption: Adoption, ids: readonly AdoptedIds[]): Promise<AdoptedData[]> {
  const adopted: AdoptedData[] = [];
  for (const one of ids) adopted.push(await adoptOne(adoption, one));
  return adopted;
}

async function adoptOne(adoption: Adoption, ids: AdoptedIds): Promise<AdoptedData> {
  const { query } = adoption;
  for (const id of [ids.from, ids.to]) {
    const { openJobs } = await readUserData(query, id);
    if (openJobs > 0) throw busy(id, openJobs);
  }
  const jobs = await adoptJobs(adoption, ids);
  const documents = await adoptDocuments(adoption, ids);
  const calendar = await adoptCalendar(adoption, ids);
  const memory = await adoptMemory(adoption, ids);
  const schedules = await run(
    adoption,
    sql`update schedule set user_id = ${ids.to} where user_id = ${ids.from}`,
  );
  // Of documents, facts and schedules.
  await run(
    adoption,
    sql`update document_event set user_id = ${ids.to} where user_id = ${ids.from}`,
  );
  return {
    ...ids,
    jobs,
    documents,
    calendarEntries: calendar.moved,
    schedules,
    facts: memory.moved,
    doubles: calendar.doubles + memory.doubles,
    leftEntries: calendar.left,
  };
}

export const busy = (id: string, openJobs: number): GatehouseError =>
  new GatehouseError(
    'GH_PERSON_BUSY',
    `${id} has ${openJobs} open jobs; start the core, let them end, or answer or cancel them, and stop it again`,
  );

/** Resolves with the number of rows. */
async function run({ query }: Adoption, statement: ReturnType<typeof sql>): Promise<number> {
  return Number((await statement.execute(query)).numAffectedRows ?? 0);
}

/** Each job gets its owner, the conversation of its place, and the owner in its input, with which it is replayed. */
async function adoptJobs({ query, persons }: Adoption, { from, to }: AdoptedIds): Promise<number> {
  for (let [moved, after] = [0, 0]; ;) {
    const jobs = await query
      .selectFrom('job')
      .select(['num', 'conversation', 'input'])
      .where('user_id', '=', from)
      .where('num', '>', after)
      .orderBy('num')
      .limit(jobsAtOnce)
      .execute();
    for (const { num, conversation, input } of jobs) {
      const changed = {
        user_id: to,
        conversation: conversationFor(conversation, { from, to }, persons),
        input: inputFor(input, to),
      };
      await query.updateTable('job').set(changed).where('num', '=', num).execute();
    }
    moved += jobs.length;
    if (jobs.length < jobsAtOnce) return moved;
    after = jobs.at(-1)!.num;
  }
}

/** The part before the user id is the channel, or the channel and the thread. */
function conversationFor(
  conversation: string,
  { from, to }: AdoptedIds,
  persons: Pick<Persons, 'conversationOf'>,
): string {
  const end = `:${from}`;
  if (!conversation.endsWith(end)) return conversation;
  const path = conversation.slice(0, -end.length);
  const slash = path.indexOf('/');
  const channel = slash < 0 ? path : path.slice(0, slash);
  const thread = slash < 0 ? undefined : path.slice(slash + 1);
  return persons.conversationOf({ channel, thread, userId: to });
}

/** A damaged input stays as it is: no reader takes the owner from it. */
function inputFor(input: string, userId: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(input) as Record<string, unknown>), userId });
  } catch {
    return input;
  }
}

/** The vectors are made again: triggers see to that. */
async function adoptDocuments(adoption: Adoption, { from, to }: AdoptedIds): Promise<number> {
  if (adoption.isPostgres) {
    await run(adoption, sql`update document_words set owner = ${to} where owner = ${from}`);
  }
  await run(adoption, sql`update draft set owner = ${to} where owner = ${from}`);
  return run(adoption, sql`update document set owner = ${to} where owner = ${from}`);
}

async function adoptCalendar(adoption: Adoption, { from, to }: AdoptedIds) {
  const theirs = sql`select 1 from calendar_event as own
    where own.owner = ${to} and own.uid = calendar_event.uid`;
  const doubles = await run(
    adoption,
    sql`delete from calendar_event
      where owner = ${from} and exists (${theirs} and own.ics = calendar_event.ics)`,
  );
  const moved = await run(
    adoption,
    sql`update calendar_event set owner = ${to} where owner = ${from} and not exists (${theirs})`,
  );
  const left = await adoption.query
    .selectFrom('calendar_event')
    .select('uid')
    .where('owner', '=', from)
    .orderBy('num')
    .execute();
  return { doubles, moved, left: left.map(({ uid }) => uid) };
}

/** A person has each fact once. */
async function adoptMemory(adoption: Adoption, { from, to }: AdoptedIds) {
  const isDouble = sql`memory_fact.user_id = ${from} and exists (select 1 from memory_fact as own
    where own.user_id = ${to} and own.digest = memory_fact.digest)`;
  await run(
    adoption,
    sql`delete from memory_term where fact in (select id from memory_fact where ${isDouble})`,
  );
  const doubles = await run(adoption, sql`delete from memory_fact where ${isDouble}`);
  await run(adoption, sql`update memory_term set user_id = ${to} where user_id = ${from}`);
  const moved = await run(
    adoption,
    sql`update memory_fact set user_id = ${to} where user_id = ${from}`,
  );
  return { doubles, moved };
}
