import { sql, type Kysely } from 'kysely';

export const purge = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Finds the few deleted documents without scanning all others.
    await sql`create index document_deleted on document (deleted_at)
      where deleted_at is not null`.execute(db);
  },
};
