import { sql, type Kysely } from 'kysely';

export const drafts = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('draft')
      .addColumn('document_id', 'text', (column) => column.primaryKey())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('chars', 'integer', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('due_at', 'integer', (column) => column.notNull())
      .addColumn('queued_at', 'integer', (column) => column.notNull())
      .addColumn('claimed_at', 'integer')
      .addColumn('last_code', 'text')
      .addColumn('last_error', 'text')
      .addCheckConstraint('draft_state', sql`state in ('waiting', 'drafting', 'dead')`)
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('document_event')
      // Taken from the journal's own counter, so that one position orders everything that is published.
      .addColumn('pos', 'integer', (column) => column.primaryKey())
      .addColumn('document_id', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addUniqueConstraint('document_event_seq', ['document_id', 'seq'])
      .execute();
    await db.schema
      .createTable('document_version')
      .addColumn('document_id', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('made_by', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('text_sha256', 'text', (column) => column.notNull())
      .addColumn('md_content', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('document_version_key', ['document_id', 'version'])
      .execute();
    await db.schema
      .createTable('draft_setting')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable('draft_section')
      .addColumn('document_id', 'text', (column) => column.notNull())
      .addColumn('section', 'integer', (column) => column.notNull())
      .addColumn('request_sha256', 'text', (column) => column.notNull())
      .addColumn('md_content', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('draft_section_key', ['document_id', 'section'])
      .execute();
    for (const statement of [...indexes, ...triggers]) await sql.raw(statement).execute(db);
    await sql`insert into draft ${sql.raw(draftColumns)}
      select ${sql.raw(newDraft('document'))} from document where ${sql.raw(wanted('document'))}`.execute(
      db,
    );
    // `draft` has replaced this index.
    await sql`drop index document_needs_draft`.execute(db);
  },
};

/** The draft worker and all open pages read in these orders: nothing may be sorted, however many drafts wait. */
const indexes = [
  'create index draft_due on draft (state, due_at, document_id)',
  'create index draft_owner_due on draft (owner, state, due_at, document_id)',
  // Drafts without a decision: few among all documents.
  `create index document_open_draft on document (md_generated_at)
    where md_draft_status = 'draft' and deleted_at is null`,
  `create index document_owner_open_draft on document (owner, md_generated_at)
    where md_draft_status = 'draft' and deleted_at is null`,
  'create index document_owner on document (owner, id)',
];

const wanted = (row: string): string =>
  `${row}.deleted_at is null and json_extract(${row}.source_metadata, '$.needs_draft') is 1`;

const draftColumns = '(document_id, owner, chars, state, attempts, due_at, queued_at)';

/** Due at once. */
const newDraft = (row: string): string =>
  `${row}.id, ${row}.owner, length(${row}.extracted_text), 'waiting', 0, 0, ${row}.updated_at`;

/** `needs_draft` of a document and its row in `draft` always agree, whatever code writes the marker. */
const triggers = [
  `create trigger document_draft_new after insert on document when ${wanted('new')}
    begin
      insert into draft ${draftColumns} select ${newDraft('new')};
    end`,
  `create trigger document_draft_wanted after update of source_metadata, deleted_at on document
    when ${wanted('new')}
    begin
      insert into draft ${draftColumns} select ${newDraft('new')}
        where not exists (select 1 from draft where document_id = new.id);
    end`,
  // A claimed row stays: the draft worker finds the document changed, and reports it.
  `create trigger document_draft_unwanted after update of source_metadata, deleted_at on document
    when not (${wanted('new')})
    begin
      delete from draft where document_id = new.id and state <> 'drafting';
    end`,
  // Sections belong to the text that they were made from.
  `create trigger document_draft_text after update of extracted_text on document
    when new.extracted_text is not old.extracted_text
    begin
      update draft set chars = length(new.extracted_text) where document_id = new.id;
      delete from draft_section where document_id = new.id;
    end`,
  `create trigger document_draft_gone after delete on document
    begin
      delete from draft where document_id = old.id;
    end`,
  `create trigger draft_gone after delete on draft
    begin
      delete from draft_section where document_id = old.document_id;
    end`,
];
