import { sql, type Kysely } from 'kysely';

export const words = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Documents whose words in the index are of an earlier form. Until its turn each is found by those.
    await sql`create table document_words_backlog (document integer primary key)`.execute(db);
    await sql`insert into document_words_backlog (document)
      select num from document where deleted_at is null`.execute(db);
  },
};
