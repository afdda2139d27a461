import type { Kysely } from 'kysely';

export const scheduleCommits = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('schedule').addColumn('undelivered_at', 'integer').execute();
  },
};
