/** The memory on PostgreSQL. A commit holds the leases of the partitions of its people, as one of their jobs does. */
import { memoryEventOf } from '#storage/document-event-row';
import { commitRows, pruneInBatches } from '#storage/postgres/commit-rows';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { DocumentEventTable, MemoryFactTable } from '#storage/schema';
import type { Fact } from '../../fact.ts';
import { factsPerTerm, type FactChange, type MemoryStorage } from '../../memory-port.ts';
import { digestOf, eventRowOf, factOf, factRowOf, termRowsOf } from '../fact-rows.ts';

export function createPostgresMemoryStore(
  database: PostgresDatabase,
  writer: PartitionWriter,
): MemoryStorage {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  const facts = async (statement: PreparedStatement<MemoryFactTable>, ...values: unknown[]) =>
    (await all(statement, ...values)).map(factOf);

  return {
    find: async (id) => (await facts(statements.find, storableText(id)))[0] ?? null,
    findSame: async (userId, text) =>
      (await facts(statements.findSame, storableText(userId), digestOf(storableText(text))))[0] ??
      null,
    list: (userId, after, limit) => {
      const { createdAt, id } = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
      const owner = userId === null ? null : storableText(userId);
      const statement = owner === null ? statements.listAll : statements.list;
      return facts(
        statement,
        createdAt,
        storableText(id),
        limit,
        ...(owner === null ? [] : [owner]),
      );
    },
    count: async (userId) => (await all(statements.count, storableText(userId)))[0]!.count,
    candidates: async (userId, terms, limit) => {
      const distinct = [...new Set(terms)].map(storableText);
      const rows = await all(statements.candidates, storableText(userId), distinct, limit);
      return rows.map(({ terms: had, ...row }) => ({ fact: factOf(row), terms: had }));
    },
    commit: (changes, perUserMax) => commit(writer, changes, perUserMax),
    unerased: (userId, limit) =>
      facts(statements.unerased, userId === null ? null : storableText(userId), limit),
    erase: async (ids) => void (await all(statements.erase, ids.map(storableText))),
    events: async (id, afterSeq, limit) =>
      (await all(statements.events, storableText(id), afterSeq, limit)).map(memoryEventOf),
    prune: (before) =>
      pruneInBatches(
        before,
        async (latest, limit) => (await all(statements.prune, latest, limit))[0]!.count,
      ),
  };
}

function commit(
  writer: PartitionWriter,
  changes: readonly FactChange[],
  perUserMax: number,
): Promise<'done' | 'conflict'> {
  const stored = changes.map((change) => ({ ...change, fact: storableFact(change.fact) }));
  return commitRows(writer, {
    procedure: 'commit_facts',
    owners: stored.map(({ fact }) => fact.userId),
    rows: [stored.map(({ fact }) => factRowOf(fact)), stored.flatMap(termRowsOf)],
    events: stored.map(eventRowOf),
    further: [perUserMax],
  });
}

/** Its digest is that of the stored text. */
const storableFact = (fact: Fact): Fact => ({
  ...fact,
  id: storableText(fact.id),
  userId: storableText(fact.userId),
  text: storableText(fact.text),
  channel: fact.channel === null ? null : storableText(fact.channel),
});

const newestFirst = `forgotten_at is null and (created_at, id) < ($1, $2)
  order by created_at desc, id desc limit $3`;

const statements = {
  find: {
    name: 'find_fact',
    text: 'select * from memory_fact where id = $1',
  } as PreparedStatement<MemoryFactTable>,
  findSame: {
    name: 'find_same_fact',
    text: 'select * from memory_fact where user_id = $1 and digest = $2',
  } as PreparedStatement<MemoryFactTable>,
  list: {
    name: 'list_facts',
    text: `select * from memory_fact where user_id = $4 and ${newestFirst}`,
  } as PreparedStatement<MemoryFactTable>,
  listAll: {
    name: 'list_all_facts',
    text: `select * from memory_fact where ${newestFirst}`,
  } as PreparedStatement<MemoryFactTable>,
  count: {
    name: 'count_facts',
    text: `select count(*)::integer as count from memory_fact
      where user_id = $1 and forgotten_at is null`,
  } as PreparedStatement<{ count: number }>,
  candidates: {
    name: 'fact_candidates',
    text: `with hit as (
        select fact, created_at, wanted.term, 1.0 / count(*) over (partition by wanted.term) as weight
          from unnest($2::text[]) as wanted (term), lateral (
            select fact, created_at from memory_term
              where memory_term.user_id = $1 and memory_term.term = wanted.term
              order by created_at desc, fact desc limit ${factsPerTerm}) as found),
      ranked as (select fact, sum(weight) as score, array_agg(term) as terms from hit group by fact
        order by score desc, max(created_at) desc, fact desc limit $3)
      select memory_fact.*, ranked.terms from ranked join memory_fact on memory_fact.id = ranked.fact
        order by score desc, created_at desc, id desc`,
  } as PreparedStatement<MemoryFactTable & { terms: string[] }>,
  unerased: {
    name: 'unerased_facts',
    text: `select * from memory_fact where forgotten_at is not null and text <> ''
      and ($1::text is null or user_id = $1) order by forgotten_at, id limit $2`,
  } as PreparedStatement<MemoryFactTable>,
  erase: {
    name: 'erase_facts',
    text: `update memory_fact set text = '' where id = any($1::text[]) and forgotten_at is not null`,
  } as PreparedStatement<never>,
  events: {
    name: 'fact_events',
    text: `select * from document_event where document_id = $1 and seq > $2::bigint
      order by seq limit $3`,
  } as PreparedStatement<DocumentEventTable>,
  prune: {
    name: 'prune_facts',
    text: `with old as (
        delete from memory_fact where id in (select id from memory_fact
          where forgotten_at < $1 and text = '' limit $2) returning id),
      told as (delete from document_event using old where document_id = old.id)
      select count(*)::integer as count from old`,
  } as PreparedStatement<{ count: number }>,
};
