import { sql, type Kysely } from 'kysely';

export const sessions = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('session')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('token_hash', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text')
      .addColumn('key_proof', 'text')
      .addColumn('device', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('used_at', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'integer', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('invite')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('code_hash', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'integer', (column) => column.notNull())
      .addColumn('wrong_tries', 'integer', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    const indexes = [
      'unique index session_token on session (token_hash)',
      'index session_person on session (user_id, created_at, id)',
      'index session_time on session (created_at, id)',
      'index session_end on session (expires_at)',
      'index invite_end on invite (expires_at)',
    ];
    for (const index of indexes) await sql.raw(`create ${index}`).execute(db);
  },
};
