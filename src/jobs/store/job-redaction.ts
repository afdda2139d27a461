/**
 * Replaces texts in the ended jobs of a person, the same on both databases: message, input and reply, and the events of the
 * journal. Input and events get the same replacement, so that a replay has the same result. Ended jobs have no other writer.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { sql, type CompiledQuery, type Kysely, type RawBuilder } from 'kysely';
import { createRedactor, redactValue } from '#shared/text/redact-texts';
import type { Database } from '#storage/database';
import { guardStorage } from '#storage/guard-storage';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import type { Schema } from '#storage/schema';
import type { JobQuery } from './job-queries.ts';

export interface JobRedaction {
  /**
   * Replaces all places of the texts. Resolves with those texts that an open job has.
   * @throws GH_STORE_UNAVAILABLE; what was replaced until then stays so
   */
  redact(userId: string, texts: readonly string[]): Promise<{ open: string[] }>;
}

/** Jobs that are looked at in one go: a few milliseconds on the thread that commits. */
const jobsAtOnce = 50;

interface RedactionSource {
  query: Kysely<Schema>;
  run<Row>(query: Pick<JobQuery<Row>, 'compile'>): Promise<Row[]>;
  /** Whether a text column has a text. */
  contains(column: string, text: string): RawBuilder<boolean>;
}

export function createJobRedaction({ connection, query }: Database): JobRedaction {
  const run = async <Row>(one: { compile(): CompiledQuery<Row> }): Promise<Row[]> =>
    guardStorage('The texts of jobs could not be replaced', () => {
      const { sql: text, parameters } = one.compile();
      const statement = connection.prepare<unknown[], Row>(text);
      if (statement.reader) return statement.all(...parameters);
      // The bytes of the text are overwritten, not only marked as free.
      connection.pragma('secure_delete = ON');
      try {
        statement.run(...parameters);
      } finally {
        connection.pragma('secure_delete = OFF');
      }
      return [];
    });
  const contains = (column: string, text: string) =>
    sql<boolean>`instr(${sql.ref(column)}, ${text}) > 0`;
  return redactionOf({ query, run, contains });
}

export const createPostgresJobRedaction = (database: PostgresDatabase): JobRedaction =>
  redactionOf({
    // The tables that it uses have all columns of SQLite's.
    query: database.query as unknown as Kysely<Schema>,
    run<Row>(query: { compile(): CompiledQuery<Row> }) {
      const { sql: text, parameters } = query.compile();
      return guardPostgres('The texts of jobs could not be replaced', () =>
        database.run<Row>({ name: '', text }, parameters),
      );
    },
    contains: (column, text) => sql<boolean>`strpos(${sql.ref(column)}, ${text}) > 0`,
  });

const redactionOf = (source: RedactionSource): JobRedaction => ({
  async redact(userId, texts) {
    if (texts.length === 0) return { open: [] };
    const open = new Set<string>();
    for (let after = 0; ;) {
      const jobs = await source.run<{ num: number; ended_at: number | null }>(
        source.query
          .selectFrom('job')
          .select(['num', 'ended_at'])
          .where('user_id', '=', userId)
          .where('num', '>', after)
          .orderBy('num')
          .limit(jobsAtOnce),
      );
      await redactJobs(source, jobs, texts, open);
      if (jobs.length < jobsAtOnce) return { open: [...open] };
      after = jobs.at(-1)!.num;
      await yieldToEventLoop();
    }
  },
});

/** As it is written inside of a JSON string. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

async function redactJobs(
  { query, run, contains }: RedactionSource,
  jobs: readonly { num: number; ended_at: number | null }[],
  texts: readonly string[],
  open: Set<string>,
): Promise<void> {
  const numbers = jobs.map(({ num }) => num);
  if (numbers.length === 0) return;
  const hasAny = (columns: Record<string, 'plain' | 'json'>) =>
    sql<boolean>`(${sql.join(
      Object.entries(columns).flatMap(([column, form]) =>
        texts.map((text) => contains(column, form === 'plain' ? text : inJson(text))),
      ),
      sql` or `,
    )})`;
  const heads = await run(
    query
      .selectFrom('job')
      .select(['num', 'message', 'reply', 'input', 'snapshot'])
      .where('num', 'in', numbers)
      .where(hasAny({ message: 'plain', reply: 'plain', input: 'json', snapshot: 'json' })),
  );
  const rows = await run(
    query
      .selectFrom('journal')
      .select(['job', 'n', 'event', 'emitted'])
      .where('job', 'in', numbers)
      .where(hasAny({ event: 'json', emitted: 'json' })),
  );
  const ended = new Set(jobs.filter((job) => job.ended_at !== null).map(({ num }) => num));
  const redact = createRedactor(texts);
  const json = (text: string): string => redactJson(text, redact);
  for (const { num, message, reply, input, snapshot } of heads) {
    if (!ended.has(num)) {
      noteOpen(texts, open, message, input, reply ?? '', snapshot ?? '');
      continue;
    }
    const changed = {
      message: redact(message),
      input: json(input),
      reply: reply === null ? null : redact(reply),
    };
    await run(query.updateTable('job').set(changed).where('num', '=', num));
  }
  for (const { job, n, event, emitted } of rows) {
    if (!ended.has(job)) {
      noteOpen(texts, open, event, emitted);
      continue;
    }
    const changed = { event: json(event), emitted: json(emitted) };
    await run(query.updateTable('journal').set(changed).where('job', '=', job).where('n', '=', n));
  }
}

function noteOpen(texts: readonly string[], open: Set<string>, ...stored: string[]): void {
  for (const text of texts) {
    if (stored.some((one) => one.includes(text) || one.includes(inJson(text)))) open.add(text);
  }
}

/** A damaged row has no reader that could show it as JSON: its text is replaced as it stands. */
function redactJson(text: string, redact: (text: string) => string): string {
  try {
    return JSON.stringify(redactValue(JSON.parse(text), redact));
  } catch {
    return redact(text);
  }
}
