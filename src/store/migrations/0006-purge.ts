import { sql, type Kysely } from 'kysely';

export const purge = {
  async up(db: Kysely<unknown>): Promise<void> {
    // The few that were deleted are found without looking at those that are there.
    await sql`create index document_deleted on document (deleted_at)
      where deleted_at is not null`.execute(db);
  },
};
