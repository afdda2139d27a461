import { sql, type Kysely } from 'kysely';

export const upkeep = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Retention runs on the thread that commits: it finds old rows without scanning young ones.
    await sql`create index job_ended on job (ended_at) where ended_at is not null`.execute(db);
    await sql`create index delivery_at on delivery (at)`.execute(db);
    await sql`create index document_event_at on document_event (at)`.execute(db);
  },
};
