/**
 * Appends rows to `document_event` on SQLite. Positions are taken from the journal's own counter: one number orders the
 * events of jobs, documents and schedules by their commit.
 */
import { param, statementCompiler } from './compile-statement.ts';
import type { Database } from './database.ts';
import type { DocumentEventRow, NewEventRow } from './document-event-row.ts';

/** Appends one event. Call it inside the transaction of the change that the event reports. */
export function createRowAppender(database: Database): (event: NewEventRow) => DocumentEventRow {
  const { bump, begin, lastSeq, insert } = prepareAppend(database);
  const nextPosition = (): number => {
    const bumped = bump.get();
    if (bumped !== undefined) return bumped.seq;
    // The journal never had a row: its counter does not exist yet.
    begin.run();
    return 1;
  };
  return ({ documentId, userId, type, state, at, data: fields }) => {
    const seq = (lastSeq.get(documentId)?.seq ?? 0) + 1;
    const data = JSON.stringify(fields);
    insert.run(nextPosition(), documentId, userId, seq, type, state, at, data);
    return { document_id: documentId, user_id: userId, seq, type, state, at, data };
  };
}

function prepareAppend(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  return {
    // The counter of AUTOINCREMENT (https://sqlite.org/autoinc.html): the journal continues after it.
    bump: connection.prepare<[], { seq: number }>(
      `update sqlite_sequence set seq = seq + 1 where name = 'journal' returning seq`,
    ),
    begin: connection.prepare(`insert into sqlite_sequence (name, seq) values ('journal', 1)`),
    lastSeq: compile<{ seq: number | null }>(
      query
        .selectFrom('document_event')
        .select((row) => row.fn.max('seq').as('seq'))
        .where('document_id', '=', param),
    ),
    insert: compile(
      query.insertInto('document_event').values({
        pos: param,
        document_id: param,
        user_id: param,
        seq: param,
        type: param,
        state: param,
        at: param,
        data: param,
      }),
    ),
  };
}
