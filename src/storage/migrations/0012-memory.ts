import { sql, type Kysely } from 'kysely';

export const memory = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('memory_fact')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('digest', 'text')
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('channel', 'text')
      .addColumn('job_id', 'text')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('forgotten_at', 'integer')
      .addColumn('forgotten_by', 'text')
      .addColumn('revision', 'integer', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('memory_term')
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('term', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('fact', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('memory_term_key', ['user_id', 'term', 'created_at', 'fact'])
      .modifyEnd(sql`without rowid`)
      .execute();
    const indexes = [
      'unique index memory_same on memory_fact (user_id, digest) where digest is not null',
      'index memory_user on memory_fact (user_id, created_at, id) where forgotten_at is null',
      'index memory_time on memory_fact (created_at, id) where forgotten_at is null',
      'index memory_forgotten on memory_fact (forgotten_at) where forgotten_at is not null',
      'index memory_term_fact on memory_term (fact)',
    ];
    for (const index of indexes) await sql.raw(`create ${index}`).execute(db);
  },
};
