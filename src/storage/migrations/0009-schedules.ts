import { sql, type Kysely } from 'kysely';

export const schedules = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('schedule')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('thread', 'text')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('rule', 'text', (column) => column.notNull())
      .addColumn('zone', 'text', (column) => column.notNull())
      .addColumn('start_wall', 'text')
      .addColumn('end_wall', 'text')
      .addColumn('count', 'integer')
      .addColumn('catch_up', 'text', (column) => column.notNull())
      .addColumn('catch_up_ms', 'integer', (column) => column.notNull())
      .addColumn('pause_on_failures', 'integer', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('updated_at', 'integer', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('pause_reason', 'text')
      .addColumn('cursor_wall', 'integer', (column) => column.notNull())
      .addColumn('next_at', 'integer')
      .addColumn('next_wall', 'integer')
      .addColumn('settled', 'integer', (column) => column.notNull())
      .addColumn('missed', 'integer', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('last_job_id', 'text')
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addCheckConstraint('schedule_state', sql`state in ('active', 'paused', 'done', 'cancelled')`)
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('schedule_occurrence')
      .addColumn('schedule_id', 'text', (column) => column.notNull())
      .addColumn('wall', 'text', (column) => column.notNull())
      .addColumn('due_at', 'integer', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('missed_before', 'integer', (column) => column.notNull())
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('schedule_occurrence_key', ['schedule_id', 'wall'])
      .modifyEnd(sql`without rowid`)
      .execute();
    // The next due row is found without a scan, however many schedules there are.
    await sql`create index schedule_next on schedule (next_at, id) where next_at is not null`.execute(
      db,
    );
    await sql`create index schedule_user on schedule (user_id, state, id)`.execute(db);
  },
};
