import { sql, type Kysely } from 'kysely';

export const initial = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('job')
      .addColumn('num', 'integer', (column) => column.primaryKey())
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('conversation', 'text', (column) => column.notNull())
      .addColumn('message', 'text', (column) => column.notNull())
      .addColumn('input', 'text', (column) => column.notNull())
      .addColumn('machine_version', 'integer', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text')
      .addColumn('reply', 'text')
      .addColumn('n', 'integer', (column) => column.notNull())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('snapshot', 'text')
      .addColumn('wake_at', 'integer')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('updated_at', 'integer', (column) => column.notNull())
      .addColumn('ended_at', 'integer')
      .execute();
    await db.schema
      .createTable('journal')
      // A position is never used again, not even after the last rows were removed: the relay would skip it as
      // published.
      .addColumn('pos', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('job', 'integer', (column) => column.notNull())
      .addColumn('n', 'integer', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('emitted', 'text', (column) => column.notNull())
      .addUniqueConstraint('journal_job_n', ['job', 'n'])
      .execute();
    await db.schema
      .createTable('submission')
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('relay')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('pos', 'integer', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('delivery')
      .addColumn('reply_id', 'text', (column) => column.primaryKey())
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('parts', 'integer', (column) => column.notNull())
      .addColumn('error', 'text')
      .addColumn('at', 'integer', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await sql`create index delivery_job on delivery (job_id)`.execute(db);
    await sql`create index submission_job on submission (job_id)`.execute(db);
    // Open jobs are few among many ended jobs: partial indexes stay small and cost an ended job nothing.
    await sql`create index job_open on job (num) where ended_at is null`.execute(db);
    await sql`create index job_wake on job (wake_at) where wake_at is not null`.execute(db);
    await sql`create index job_conversation on job (conversation, num)`.execute(db);
    // While a job runs, its row stays as it was accepted or resumed: its last journal row has its state.
    await sql`
      create view job_now as
      select job.num, job.id, job.user_id, job.channel, job.conversation, job.message,
        case
          when last.n is null then job.state
          when last.value like '{%' then (select key from json_each(last.value) limit 1)
          else json_extract(last.value, '$')
        end as state,
        job.outcome, job.reply, coalesce(last.n, job.n) as n,
        coalesce(last.seq + json_array_length(last.emitted) - 1, job.seq) as seq,
        job.snapshot, job.wake_at, job.created_at,
        coalesce(last.at, job.updated_at) as updated_at, job.ended_at
      from job left join journal as last
        on job.ended_at is null and job.snapshot is null and last.job = job.num
        and last.n = (select max(n) from journal where journal.job = job.num)
    `.execute(db);
  },
};
