import { sql, type Kysely } from 'kysely';

export const lists = {
  async up(db: Kysely<unknown>): Promise<void> {
    // One user's jobs, newest first, without reading those of other users.
    await sql`create index job_user on job (user_id, num)`.execute(db);
  },
};
