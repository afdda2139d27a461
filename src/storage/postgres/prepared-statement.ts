/** Statements that Kysely compiles once, so that they are checked against the schema, and each connection prepares once. */
import { sql, type Compilable } from 'kysely';
import type { PreparedStatement } from './postgres-database.ts';

/** A value that is bound when the statement runs, by its position; all other values must be literals. */
export const param = sql<never>`${null}`;

/** `name` must be unique among all statements. */
export const prepared = <Row>(name: string, compilable: Compilable): PreparedStatement<Row> => ({
  name,
  text: compilable.compile().sql,
});
