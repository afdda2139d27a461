/** Prepared statements that Kysely compiles once, so that they are checked against the schema. */
import { sql, type Compilable } from 'kysely';
import type { Database } from './database.ts';

/** A value that is bound when the statement runs, in the order in which it stands; all others must be literal. */
export const bound = sql<never>`?`;

/** Makes prepared statements on the database's connection. */
export const preparer =
  ({ connection }: Database) =>
  <Row>(compilable: Compilable) =>
    connection.prepare<unknown[], Row>(compilable.compile().sql);
