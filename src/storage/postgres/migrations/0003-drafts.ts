import { sqlMigration } from './sql-migration.ts';

const wanted = (row: string): string =>
  `(${row}.deleted_at is null and ${row}.source_metadata::json ->> 'needs_draft' in ('true', '1'))`;

/** Due at once. */
const addDraft = `insert into draft (document_id, owner, chars, state, attempts, due_at, queued_at)
  values (new.id, new.owner, length(new.extracted_text), 'waiting', 0, 0, new.updated_at)
  on conflict (document_id) do nothing`;

/** `needs_draft` of a document and its row in `draft` always agree, whatever code writes the marker. */
const triggers = [
  `create function document_draft_changed() returns trigger language plpgsql as $$
    begin
      if ${wanted('new')} then
        ${addDraft};
      else
        -- A claimed row stays: the draft worker finds the document changed, and reports it.
        delete from draft where document_id = new.id and state <> 'drafting';
      end if;
      return null;
    end $$`,
  `create trigger document_draft_new after insert on document
    for each row when ${wanted('new')} execute function document_draft_changed()`,
  `create trigger document_draft_marked after update of source_metadata, deleted_at on document
    for each row execute function document_draft_changed()`,
  // Sections belong to the text that they were made from.
  `create function document_draft_text() returns trigger language plpgsql as $$
    begin
      update draft set chars = length(new.extracted_text) where document_id = new.id;
      delete from draft_section where document_id = new.id;
      return null;
    end $$`,
  `create trigger document_draft_text after update of extracted_text on document
    for each row when (new.extracted_text is distinct from old.extracted_text)
    execute function document_draft_text()`,
  `create function document_draft_gone() returns trigger language plpgsql as $$
    begin
      delete from draft where document_id = old.id;
      return null;
    end $$`,
  `create trigger document_draft_gone after delete on document
    for each row execute function document_draft_gone()`,
  `create function draft_gone() returns trigger language plpgsql as $$
    begin
      delete from draft_section where document_id = old.document_id;
      return null;
    end $$`,
  'create trigger draft_gone after delete on draft for each row execute function draft_gone()',
];

export const drafts = sqlMigration(
  `create table draft (
    document_id text collate "C" primary key, owner text not null, chars integer not null,
    state text not null constraint draft_state check (state in ('waiting', 'drafting', 'dead')),
    attempts integer not null, due_at bigint not null, queued_at bigint not null,
    claimed_at bigint, last_code text, last_error text)`,
  // A position of the owner's partition, from the same counter as the journal's.
  `create table document_event (
    pos bigint not null, at bigint not null, part smallint not null, seq integer not null,
    document_id text not null, user_id text not null, type text not null, state text not null,
    data text not null,
    primary key (part, pos), constraint document_event_seq unique (document_id, seq))`,
  `create table document_version (
    document_id text not null, version integer not null, made_by text not null,
    status text not null, at bigint not null, text_sha256 text not null, md_content text not null,
    primary key (document_id, version))`,
  'create table draft_setting (name text primary key, value text not null)',
  `create table draft_section (
    document_id text not null, section integer not null, request_sha256 text not null,
    md_content text not null, primary key (document_id, section))`,
  'create index draft_due on draft (state, due_at, document_id)',
  'create index draft_owner_due on draft (owner, state, due_at, document_id)',
  `create index document_open_draft on document (md_generated_at)
    where md_draft_status = 'draft' and deleted_at is null`,
  `create index document_owner_open_draft on document (owner, md_generated_at)
    where md_draft_status = 'draft' and deleted_at is null`,
  'create index document_owner on document (owner, id)',
  ...triggers,
);
