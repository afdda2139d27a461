/**
 * Entries of the local calendar on disk. What an entry means is the calendar tool's business: here are its
 * text, its owner and its span.
 *
 * 1. `(owner, uid)` is unique: adding the same entry twice adds it once, also over a crash (P10).
 */
import { GatehouseError } from '../lib/errors.ts';
import type { Database } from './database.ts';
import { bound, preparer } from './prepared.ts';

export interface CalendarEventRow {
  uid: string;
  ics: string;
  entry: string;
  firstWall: number;
  /** Null where the entry has no end. */
  lastWall: number | null;
}

export interface CalendarStore {
  /** Durable when it returns. @throws GH_STORE_UNAVAILABLE when nothing was written */
  add(owner: string, event: CalendarEventRow, now: number): 'added' | 'there';
  /** One transaction. @throws GH_STORE_UNAVAILABLE when nothing was written */
  putAll(
    owner: string,
    events: readonly CalendarEventRow[],
    now: number,
  ): ('added' | 'updated' | 'unchanged')[];
  /** Entries that begin before `toWall` and end at or after `fromWall`. */
  touching(owner: string, fromWall: number, toWall: number): { ics: string; entry: string }[];
  /** Texts of all entries, oldest first. */
  texts(owner: string): string[];
  /** Some of them: those behind the one with this number. */
  textPage(owner: string, afterNum: number, limit: number): { num: number; ics: string }[];
  /** The text of one entry, null where the owner has none with this UID. */
  text(owner: string, uid: string): string | null;
}

/** Stands for "has no end" in the index: the largest time that JavaScript has. */
const endless = 8.64e15;

/** The calendar store of an open database. */
export function createCalendarStore(database: Database): CalendarStore {
  const statements = prepare(database);
  const insert = (owner: string, event: CalendarEventRow, now: number): boolean => {
    const { uid, firstWall, lastWall, ics, entry } = event;
    const last = lastWall ?? endless;
    return statements.insert.run(owner, uid, firstWall, last, now, now, ics, entry).changes > 0;
  };
  const put = (owner: string, event: CalendarEventRow, now: number) => {
    if (insert(owner, event, now)) return 'added' as const;
    const { uid, firstWall, lastWall, ics, entry } = event;
    const last = lastWall ?? endless;
    const { changes } = statements.update.run(firstWall, last, now, ics, entry, owner, uid, ics);
    return changes > 0 ? ('updated' as const) : ('unchanged' as const);
  };
  const putAll = database.connection.transaction(
    (owner: string, events: readonly CalendarEventRow[], now: number) =>
      events.map((event) => put(owner, event, now)),
  );
  const stored = <Value>(write: () => Value): Value => {
    database.ensureInPlace();
    return orUnavailable(write);
  };
  return {
    add: (owner, event, now) => stored(() => (insert(owner, event, now) ? 'added' : 'there')),
    putAll: (owner, events, now) => stored(() => putAll.immediate(owner, events, now)),
    touching: (owner, fromWall, toWall) => statements.touching.all(owner, fromWall, toWall),
    texts: (owner) => statements.texts.all(owner).map((row) => row.ics),
    textPage: (owner, afterNum, limit) => statements.textPage.all(owner, afterNum, limit),
    text: (owner, uid) => statements.text.get(owner, uid)?.ics ?? null,
  };
}

function orUnavailable<Value>(write: () => Value): Value {
  try {
    return write();
  } catch (error) {
    throw new GatehouseError('GH_STORE_UNAVAILABLE', undefined, { cause: error });
  }
}

function prepare(database: Database) {
  const { query } = database;
  const prepared = preparer(database);
  return {
    insert: prepared(
      query
        .insertInto('calendar_event')
        .values({
          owner: bound,
          uid: bound,
          first_wall: bound,
          last_wall: bound,
          created_at: bound,
          updated_at: bound,
          ics: bound,
          entry: bound,
        })
        .onConflict((conflict) => conflict.columns(['owner', 'uid']).doNothing()),
    ),
    update: prepared(
      query
        .updateTable('calendar_event')
        .set({
          first_wall: bound,
          last_wall: bound,
          updated_at: bound,
          ics: bound,
          entry: bound,
        })
        .where('owner', '=', bound)
        .where('uid', '=', bound)
        .where('ics', '<>', bound),
    ),
    touching: prepared<{ ics: string; entry: string }>(
      query
        .selectFrom('calendar_event')
        .select(['ics', 'entry'])
        .where('owner', '=', bound)
        .where('last_wall', '>=', bound)
        .where('first_wall', '<', bound),
    ),
    texts: prepared<{ ics: string }>(
      query.selectFrom('calendar_event').select('ics').where('owner', '=', bound).orderBy('num'),
    ),
    textPage: prepared<{ num: number; ics: string }>(
      query
        .selectFrom('calendar_event')
        .select(['num', 'ics'])
        .where('owner', '=', bound)
        .where('num', '>', bound)
        .orderBy('num')
        .limit(bound),
    ),
    text: prepared<{ ics: string }>(
      query
        .selectFrom('calendar_event')
        .select('ics')
        .where('owner', '=', bound)
        .where('uid', '=', bound),
    ),
  };
}
