import { sql, type Kysely } from 'kysely';

export const tools = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Small columns first: a row that is only filtered is read without the pages of its texts.
    await db.schema
      .createTable('document')
      .addColumn('num', 'integer', (column) => column.primaryKey())
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('updated_at', 'integer', (column) => column.notNull())
      .addColumn('deleted_at', 'integer')
      .addColumn('content_origin', 'text', (column) => column.notNull())
      .addColumn('md_draft_status', 'text')
      .addColumn('md_status', 'text')
      .addColumn('md_extraction_engine', 'text')
      .addColumn('md_generated_at', 'integer')
      .addColumn('title', 'text', (column) => column.notNull())
      .addColumn('source_metadata', 'text', (column) => column.notNull())
      .addColumn('extracted_text', 'text', (column) => column.notNull())
      .addColumn('md_content', 'text')
      // `is`, not `=`: a check that evaluates to null would pass.
      .addCheckConstraint(
        'document_draft_origin',
        sql`md_draft_status is null or content_origin is 'ai_drafted'`,
      )
      .addCheckConstraint('document_metadata', sql`json_valid(source_metadata)`)
      .execute();
    await sql`create index document_file on document
      (owner, json_extract(source_metadata, '$.path'))
      where json_extract(source_metadata, '$.path') is not null`.execute(db);
    await sql`create index document_needs_draft on document (id)
      where deleted_at is null and json_extract(source_metadata, '$.needs_draft') = 1`.execute(db);
    // The tokens are already split into pairs of syllables, so the tokenizer must leave them alone. Contentless: the
    // texts are in `document`. prefix=1 finds single syllables.
    await sql`create virtual table document_words using fts5(
      title, body, markdown, content='', contentless_delete=1,
      tokenize="unicode61 remove_diacritics 0", prefix='1')`.execute(db);
    // A match in the title weighs more than one in the text; a match only in a model's markdown weighs less.
    await sql`insert into document_words (document_words, rank)
      values ('rank', 'bm25(5.0, 1.0, 0.5)')`.execute(db);
    await db.schema
      .createTable('calendar_event')
      .addColumn('num', 'integer', (column) => column.primaryKey())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('uid', 'text', (column) => column.notNull())
      .addColumn('first_wall', 'integer', (column) => column.notNull())
      .addColumn('last_wall', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('updated_at', 'integer', (column) => column.notNull())
      .addColumn('ics', 'text', (column) => column.notNull())
      .addColumn('entry', 'text', (column) => column.notNull())
      .addUniqueConstraint('calendar_event_uid', ['owner', 'uid'])
      .execute();
    // Most entries are in the past: the index skips them by their end.
    await sql`create index calendar_event_span on calendar_event (owner, last_wall, first_wall)`.execute(
      db,
    );
  },
};
