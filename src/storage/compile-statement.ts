/** Prepared statements that Kysely compiles once, so that they are checked against the schema. */
import { sql, type Compilable } from 'kysely';
import type { Database } from './database.ts';

/** A value that is bound when the statement runs, by its position; all other values must be literals. */
export const param = sql<never>`?`;

/** Prepares a compiled query on the database's connection. */
export const statementCompiler =
  ({ connection }: Database) =>
  <Row>(compilable: Compilable) =>
    connection.prepare<unknown[], Row>(compilable.compile().sql);
