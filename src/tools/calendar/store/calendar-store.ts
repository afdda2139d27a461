/**
 * Entries of the local calendar on disk. The calendar tool interprets an entry; this file stores its text, its owner
 * and its time span.
 *
 * 1. `(owner, uid)` is unique: adding the same entry twice adds it once, also after a crash (P10).
 */
import type { Database } from '#storage/database';
import { guardStorage } from '#storage/guard-storage';
import { param, statementCompiler } from '#storage/compile-statement';
import type { EventStorage, EventWrite, PutOutcome, StoredEvent } from '../calendar-port.ts';

/** Stands for "has no end" in the index: the largest time of JavaScript. */
const endless = 8.64e15;

export function createCalendarStore(database: Database): EventStorage {
  const statements = prepare(database);
  const insert = (owner: string, event: StoredEvent, now: number): boolean => {
    const { uid, firstWall, lastWall, ics, entry } = event;
    const last = lastWall ?? endless;
    return statements.insert.run(owner, uid, firstWall, last, now, now, ics, entry).changes > 0;
  };
  const put = (owner: string, event: StoredEvent, now: number): PutOutcome => {
    if (insert(owner, event, now)) return 'added';
    const { uid, firstWall, lastWall, ics, entry } = event;
    const last = lastWall ?? endless;
    const { changes } = statements.update.run(firstWall, last, now, ics, entry, owner, uid, ics);
    return changes > 0 ? 'updated' : 'unchanged';
  };
  const text = (owner: string, uid: string): string | null =>
    statements.text.get(owner, uid)?.ics ?? null;
  const putAll = database.connection.transaction(
    (owner: string, events: readonly EventWrite[], now: number) =>
      events.some(({ uid, basedOn }) => basedOn !== undefined && basedOn !== text(owner, uid))
        ? ('conflict' as const)
        : events.map((event) => put(owner, event, now)),
  );
  const stored = <Value>(write: () => Value): Value => {
    database.ensureInPlace();
    return guardStorage(undefined, write);
  };
  return {
    add: (owner, event, now) => stored(() => (insert(owner, event, now) ? 'added' : 'there')),
    putAll: (owner, events, now) => stored(() => putAll.immediate(owner, events, now)),
    touching: async (owner, fromWall, toWall) => statements.touching.all(owner, fromWall, toWall),
    textPage: async (owner, afterNum, limit) => statements.textPage.all(owner, afterNum, limit),
    text: async (owner, uid) => text(owner, uid),
  };
}

function prepare(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    insert: compile(
      query
        .insertInto('calendar_event')
        .values({
          owner: param,
          uid: param,
          first_wall: param,
          last_wall: param,
          created_at: param,
          updated_at: param,
          ics: param,
          entry: param,
        })
        .onConflict((conflict) => conflict.columns(['owner', 'uid']).doNothing()),
    ),
    update: compile(
      query
        .updateTable('calendar_event')
        .set({
          first_wall: param,
          last_wall: param,
          updated_at: param,
          ics: param,
          entry: param,
        })
        .where('owner', '=', param)
        .where('uid', '=', param)
        .where('ics', '<>', param),
    ),
    touching: compile<{ ics: string; entry: string }>(
      query
        .selectFrom('calendar_event')
        .select(['ics', 'entry'])
        .where('owner', '=', param)
        .where('last_wall', '>=', param)
        .where('first_wall', '<', param),
    ),
    textPage: compile<{ num: number; ics: string }>(
      query
        .selectFrom('calendar_event')
        .select(['num', 'ics'])
        .where('owner', '=', param)
        .where('num', '>', param)
        .orderBy('num')
        .limit(param),
    ),
    text: compile<{ ics: string }>(
      query
        .selectFrom('calendar_event')
        .select('ics')
        .where('owner', '=', param)
        .where('uid', '=', param),
    ),
  };
}
