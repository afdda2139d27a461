/** The memory on SQLite. */
import type { Database } from '#storage/database';
import { memoryEventOf } from '#storage/document-event-row';
import { createRowAppender } from '#storage/event-appender';
import { guardStorage } from '#storage/guard-storage';
import type { DocumentEventTable, MemoryFactTable, MemoryTermTable } from '#storage/schema';
import { factsPerTerm, type FactChange, type MemoryStorage } from '../memory-port.ts';
import { digestOf, eventRowOf, factColumns, factOf, factRowOf, termRowsOf } from './fact-rows.ts';

/** Rows per transaction of a purge: the journal commits in between. */
const pruneBatch = 500;

/** Rolls a transaction back. */
class ChangedBasis extends Error {}

export function createMemoryStore(database: Database): MemoryStorage {
  const { connection } = database;
  const statements = prepare(database);

  const writeAll = prepareCommit(database, statements);
  const read = <Value>(work: () => Value): Promise<Value> =>
    Promise.resolve().then(() => guardStorage('The database cannot be read', work));

  return {
    find: (id) => read(() => factOrNull(statements.find.get(id))),
    findSame: (userId, text) =>
      read(() => factOrNull(statements.findSame.get(userId, digestOf(text)))),
    list: (userId, after, limit) =>
      read(() => {
        const place = { at: after?.createdAt ?? Number.MAX_SAFE_INTEGER, id: after?.id ?? '' };
        const rows =
          userId === null
            ? statements.listAll.all({ ...place, limit })
            : statements.list.all({ ...place, userId, limit });
        return rows.map(factOf);
      }),
    count: (userId) => read(() => statements.count.get(userId)!.count),
    candidates: (userId, terms, limit) =>
      read(() => {
        const found = new Map<string, Scored>();
        for (const term of new Set(terms)) {
          const hits = statements.ofTerm.all(userId, term, factsPerTerm);
          for (const hit of hits) {
            const one = found.get(hit.fact) ?? { ...hit, score: 0, terms: [] };
            one.score += 1 / hits.length;
            one.terms.push(term);
            found.set(hit.fact, one);
          }
        }
        return [...found.values()]
          .sort(byScore)
          .slice(0, limit)
          .flatMap(({ fact: id, terms: had }) => {
            const fact = factOrNull(statements.find.get(id));
            return fact === null ? [] : { fact, terms: had };
          });
      }),
    commit: async (changes, perUserMax) =>
      guardStorage('The fact could not be stored', () => {
        database.ensureInPlace();
        try {
          writeAll.immediate(changes, perUserMax);
          return 'done';
        } catch (error) {
          if (error instanceof ChangedBasis) return 'conflict';
          throw error;
        }
      }),
    unerased: (userId, limit) => read(() => statements.unerased.all({ userId, limit }).map(factOf)),
    erase: async (ids) =>
      guardStorage('The fact could not be erased', () => {
        // The bytes of the text are overwritten, not only marked as free.
        connection.pragma('secure_delete = ON');
        try {
          connection.transaction(() => ids.forEach((id) => statements.erase.run(id))).immediate();
        } finally {
          connection.pragma('secure_delete = OFF');
        }
      }),
    events: (id, afterSeq, limit) =>
      read(() => statements.events.all(id, afterSeq, limit).map(memoryEventOf)),
    prune: async (before) => guardStorage(undefined, () => pruneErased(database, before)),
  };
}

/** All changes in one transaction. Throws `ChangedBasis`. */
function prepareCommit(database: Database, statements: ReturnType<typeof prepare>) {
  const append = createRowAppender(database);
  return database.connection.transaction(
    (changes: readonly FactChange[], perUserMax: number): void => {
      for (const change of changes) {
        const { fact } = change;
        const stored = statements.find.get(fact.id)?.revision ?? 0;
        if (stored !== fact.revision - 1) throw new ChangedBasis();
        const row = factRowOf(fact);
        if (row.digest !== null) {
          const same = statements.findSame.get(fact.userId, row.digest);
          if (same !== undefined && same.id !== fact.id) throw new ChangedBasis();
        }
        statements.dropTerms.run(fact.id);
        statements.put.run(row);
        for (const term of termRowsOf(change)) statements.putTerm.run(term);
        append(eventRowOf(change));
      }
      const owners = new Set(changes.filter(isNew).map(({ fact }) => fact.userId));
      for (const owner of owners) {
        if (statements.count.get(owner)!.count > perUserMax) throw new ChangedBasis();
      }
    },
  );
}

const isNew = ({ fact }: FactChange): boolean => fact.revision === 1;

interface TermHit {
  fact: string;
  created_at: number;
}

interface Scored extends TermHit {
  score: number;
  terms: string[];
}

const byScore = (a: Scored, b: Scored): number =>
  b.score - a.score || b.created_at - a.created_at || (a.fact < b.fact ? 1 : -1);

const factOrNull = (row: MemoryFactTable | undefined) => (row === undefined ? null : factOf(row));

function pruneErased({ connection }: Database, before: number): number {
  const old = connection.prepare<[number, number], { id: string }>(
    "select id from memory_fact where forgotten_at < ? and text = '' limit ?",
  );
  const removals = [
    'delete from document_event where document_id = ?',
    'delete from memory_fact where id = ?',
  ].map((text) => connection.prepare<[string]>(text));
  const remove = connection.transaction((ids: readonly { id: string }[]) => {
    for (const { id } of ids) for (const removal of removals) removal.run(id);
  });
  for (let removed = 0; ;) {
    const ids = old.all(before, pruneBatch);
    remove(ids);
    removed += ids.length;
    if (ids.length < pruneBatch) return removed;
  }
}

interface Page {
  at: number;
  id: string;
  limit: number;
}

function prepare({ connection }: Database) {
  const all = <Params extends unknown[]>(rest: string) =>
    connection.prepare<Params, MemoryFactTable>(`select * from memory_fact ${rest}`);
  const newestFirst = `forgotten_at is null and (created_at < @at or (created_at = @at and id < @id))
    order by created_at desc, id desc limit @limit`;
  return {
    find: all<[string]>('where id = ?'),
    findSame: all<[string, string]>('where user_id = ? and digest = ?'),
    list: all<[Page & { userId: string }]>(`where user_id = @userId and ${newestFirst}`),
    listAll: all<[Page]>(`where ${newestFirst}`),
    count: connection.prepare<[string], { count: number }>(
      'select count(*) as count from memory_fact where user_id = ? and forgotten_at is null',
    ),
    ofTerm: connection.prepare<[string, string, number], TermHit>(
      `select fact, created_at from memory_term where user_id = ? and term = ?
        order by created_at desc, fact desc limit ?`,
    ),
    put: connection.prepare<[MemoryFactTable]>(
      `insert or replace into memory_fact (${factColumns.join(', ')})
        values (${factColumns.map((name) => `@${name}`).join(', ')})`,
    ),
    putTerm: connection.prepare<[MemoryTermTable]>(
      `insert into memory_term (user_id, term, created_at, fact)
        values (@user_id, @term, @created_at, @fact)`,
    ),
    dropTerms: connection.prepare<[string]>('delete from memory_term where fact = ?'),
    unerased: all<[{ userId: string | null; limit: number }]>(
      `where forgotten_at is not null and text <> '' and (@userId is null or user_id = @userId)
        order by forgotten_at, id limit @limit`,
    ),
    erase: connection.prepare<[string]>(
      "update memory_fact set text = '' where id = ? and forgotten_at is not null",
    ),
    events: connection.prepare<[string, number, number], DocumentEventTable>(
      'select * from document_event where document_id = ? and seq > ? order by seq limit ?',
    ),
  };
}
