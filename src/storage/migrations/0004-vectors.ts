import { sql, type Kysely } from 'kysely';

export const vectors = {
  async up(db: Kysely<unknown>): Promise<void> {
    // The one embedding space of all vectors: vectors of two models cannot be compared.
    await sql`create table embedding_space (
      id integer primary key check (id = 1), model text not null, dim integer)`.execute(db);
    // An ordinary table, not a virtual one: a trigger can clear it even when the extension is missing.
    await sql`create table document_chunk (
      num integer primary key, document integer not null, owner text not null,
      start integer not null, length integer not null, vector blob not null)`.execute(db);
    await sql`create index document_chunk_document on document_chunk (document)`.execute(db);
    await sql`create index document_chunk_owner on document_chunk (owner, num)`.execute(db);
    // A ticket is never used again: vectors made for an old ticket are not stored for a new one.
    await sql`create table embedding_backlog (
      ticket integer primary key autoincrement, document integer not null unique,
      set_aside integer not null default 0)`.execute(db);
    await sql`insert into embedding_backlog (document)
      select num from document where deleted_at is null`.execute(db);
    await sql`create trigger document_embed_new after insert on document when new.deleted_at is null
      begin
        insert into embedding_backlog (document) values (new.num);
      end`.execute(db);
    // Vectors of an old text are removed in the transaction that changes it.
    await sql`create trigger document_embed_changed
      after update of title, extracted_text, md_content, deleted_at, owner on document
      when new.title is not old.title or new.extracted_text is not old.extracted_text
        or new.deleted_at is not old.deleted_at or new.owner is not old.owner
        or (new.md_content is not old.md_content and trim(new.extracted_text) = '')
      begin
        delete from document_chunk where document = old.num;
        delete from embedding_backlog where document = old.num;
        insert into embedding_backlog (document) select new.num where new.deleted_at is null;
      end`.execute(db);
    await sql`create trigger document_embed_gone after delete on document
      begin
        delete from document_chunk where document = old.num;
        delete from embedding_backlog where document = old.num;
      end`.execute(db);
  },
};
