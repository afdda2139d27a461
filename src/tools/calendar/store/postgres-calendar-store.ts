/**
 * Entries of the local calendar on PostgreSQL. A write is one call of `put_calendar_events`; it is idempotent, so it is
 * repeated after a lost connection, and no lease is needed.
 */
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { EventStorage, EventWrite, PutOutcome } from '../calendar-port.ts';

/** Stands for "has no end" in the index: the largest time of JavaScript. */
const endless = 8.64e15;

export function createPostgresCalendarStore(database: PostgresDatabase): EventStorage {
  const read = <Row>(
    statement: PreparedStatement<Row>,
    owner: string,
    ...values: unknown[]
  ): Promise<Row[]> =>
    guardPostgres('The calendar cannot be read', () =>
      database.run(statement, [storableText(owner), ...values]),
    );
  const put = async (
    owner: string,
    events: readonly EventWrite[],
    now: number,
    addsOnly: boolean,
  ): Promise<PutOutcome[] | null> => {
    const values = [storableText(owner), JSON.stringify(events.map(columnsOf)), now, addsOnly];
    const [row] = await guardPostgres('The calendar cannot be written', () =>
      database.run(statements.put, values),
    );
    return row!.outcomes;
  };
  return {
    async add(owner, event, now) {
      const outcomes = await put(owner, [event], now, true);
      return outcomes?.[0] === 'added' ? 'added' : 'there';
    },
    putAll: async (owner, events, now) => (await put(owner, events, now, false)) ?? 'conflict',
    touching: (owner, fromWall, toWall) => read(statements.touching, owner, fromWall, toWall),
    textPage: (owner, afterNum, limit) => read(statements.textPage, owner, afterNum, limit),
    text: async (owner, uid) =>
      (await read(statements.text, owner, storableText(uid)))[0]?.ics ?? null,
  };
}

const columnsOf = (event: EventWrite): object => ({
  uid: storableText(event.uid),
  first_wall: event.firstWall,
  last_wall: event.lastWall ?? endless,
  ics: storableText(event.ics),
  entry: storableText(event.entry),
  is_based: event.basedOn !== undefined,
  based_on: typeof event.basedOn === 'string' ? storableText(event.basedOn) : null,
});

const statements = {
  put: {
    name: 'put_calendar_events',
    text: 'select put_calendar_events($1, $2, $3, $4) as outcomes',
  } as PreparedStatement<{ outcomes: PutOutcome[] | null }>,
  touching: {
    name: 'touching_calendar_events',
    text: `select ics, entry from calendar_event
      where owner = $1 and last_wall >= $2::bigint and first_wall < $3::bigint`,
  } as PreparedStatement<{ ics: string; entry: string }>,
  textPage: {
    name: 'calendar_text_page',
    text: `select num, ics from calendar_event where owner = $1 and num > $2
      order by num limit $3`,
  } as PreparedStatement<{ num: number; ics: string }>,
  text: {
    name: 'calendar_text',
    text: `select ics from calendar_event where owner = $1 and text_key(uid) = text_key($2)`,
  } as PreparedStatement<{ ics: string }>,
};
