import { sql, type Kysely } from 'kysely';

export const words = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Documents whose tokens in the index have an earlier form. Until it is reindexed, each is found by those tokens.
    await sql`create table document_words_backlog (document integer primary key)`.execute(db);
    await sql`insert into document_words_backlog (document)
      select num from document where deleted_at is null`.execute(db);
  },
};
