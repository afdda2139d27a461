import { sql, type Kysely } from 'kysely';

/** A migration of PostgreSQL: its statements, in order. */
export const sqlMigration = (...statements: string[]) => ({
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
});
