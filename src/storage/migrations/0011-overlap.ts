import type { Kysely } from 'kysely';

export const overlap = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('schedule').addColumn('overlap', 'text').execute();
    await db.schema.alterTable('schedule').addColumn('last', 'text').execute();
  },
};
