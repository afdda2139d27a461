/**
 * One change of the library in one call: the compare-and-set on the leases, then the basis of the change, then its rows in
 * the order of `LibraryChange`. Every writer of a document holds the lease of its owner, so nothing that was compared
 * changes before the end of the transaction; the rows are locked for those that hold none, such as the purge.
 *
 * Lists are JSON: each has its own columns. The caller has made their texts storable. Returns `seq` of each event.
 * Errors: GH002, the basis is not true any more; GH003, a draft is saved that is not needed.
 */
export const commitLibrary = `
create function commit_library(
  by_worker text, lease_name text[], lease_epoch bigint[], pos_before bigint[], pos_after bigint[],
  basis_documents json, basis_drafts json, basis_files json, versions json, version_statuses json,
  added json, replaced json, indexed json, pieces json, reindexed text[], drafts json,
  sections json, settings json, events json
) returns integer[] language plpgsql as $$
declare
  one record;
  last_seq integer;
  seqs integer[] := '{}';
begin
  perform advance_leases(by_worker, lease_name, lease_epoch, pos_before, pos_after);
  perform 1 from document where id in (select id from json_to_recordset(basis_documents) as basis (id text)
    union all select id from json_to_recordset(replaced) as next (id text)) order by id for update;
  perform 1 from draft where document_id in (
    select document_id from json_to_recordset(basis_drafts) as basis (document_id text))
    order by document_id for update;
  if exists (select 1 from json_to_recordset(basis_documents) as basis (id text, updated_at bigint)
        left join document on document.id = basis.id
        where document.updated_at is distinct from basis.updated_at)
      or exists (select 1 from json_to_recordset(basis_drafts) as basis (document_id text,
          state text, attempts integer, due_at bigint, queued_at bigint, claimed_at bigint,
          last_code text, last_error text)
        left join draft on draft.document_id = basis.document_id
        where (draft.state, draft.attempts, draft.due_at, draft.queued_at, draft.claimed_at,
            draft.last_code, draft.last_error)
          is distinct from (basis.state, basis.attempts, basis.due_at, basis.queued_at,
            basis.claimed_at, basis.last_code, basis.last_error))
      or exists (select 1 from json_to_recordset(basis_files) as basis (owner text, path text, id text)
        where basis.id is distinct from (select document.id from document
          where document.owner = basis.owner
            and text_key(document.source_metadata::json ->> 'path') = text_key(basis.path)
          order by num limit 1))
      or exists (select 1 from json_to_recordset(replaced) as next (id text, owner text)
        left join document on document.id = next.id
        where document.owner is distinct from next.owner) then
    raise exception 'the basis of the change is not true any more' using errcode = 'GH002';
  end if;

  insert into document_version (document_id, version, made_by, status, at, text_sha256, md_content)
    select * from json_to_recordset(versions) as version (document_id text, version integer,
      made_by text, status text, at bigint, text_sha256 text, md_content text);
  for one in select * from json_to_recordset(version_statuses)
      as head (document_id text, version integer, status text) loop
    update document_version set status = one.status
      where document_id = one.document_id and version = one.version;
  end loop;

  insert into document (id, owner, created_at, updated_at, deleted_at, content_origin,
      md_draft_status, md_status, md_extraction_engine, md_generated_at, title, source_metadata,
      extracted_text, md_content)
    select * from json_to_recordset(added) as next (id text, owner text, created_at bigint,
      updated_at bigint, deleted_at bigint, content_origin text, md_draft_status text,
      md_status text, md_extraction_engine text, md_generated_at bigint, title text,
      source_metadata text, extracted_text text, md_content text);
  for one in select * from json_to_recordset(replaced) as next (id text,
      updated_at bigint, deleted_at bigint, content_origin text, md_draft_status text,
      md_status text, md_extraction_engine text, md_generated_at bigint, title text,
      source_metadata text, extracted_text text, md_content text) loop
    update document set updated_at = one.updated_at, deleted_at = one.deleted_at,
        content_origin = one.content_origin, md_draft_status = one.md_draft_status,
        md_status = one.md_status, md_extraction_engine = one.md_extraction_engine,
        md_generated_at = one.md_generated_at, title = one.title,
        source_metadata = one.source_metadata, extracted_text = one.extracted_text,
        md_content = one.md_content
      where id = one.id;
  end loop;

  delete from document_words using document, json_to_recordset(indexed) as fresh (id text)
    where document.id = fresh.id and document_words.document = document.num;
  insert into document_words (document, piece, owner, words)
    select document.num, fresh.piece, document.owner, fresh.words
      from json_to_recordset(pieces) as fresh (id text, piece integer, words tsvector)
      join document on document.id = fresh.id;
  delete from document_words_backlog using document
    where document.id = any(reindexed) and document_words_backlog.document = document.num;

  for one in select * from json_to_recordset(drafts) as record (document_id text, state text,
      attempts integer, due_at bigint, queued_at bigint, claimed_at bigint, last_code text,
      last_error text) loop
    if one.state is null then
      delete from draft where document_id = one.document_id;
      continue;
    end if;
    update draft set state = one.state, attempts = one.attempts, due_at = one.due_at,
        queued_at = one.queued_at, claimed_at = one.claimed_at, last_code = one.last_code,
        last_error = one.last_error
      where document_id = one.document_id;
    if not found then
      raise exception 'no draft of document % is needed', one.document_id using errcode = 'GH003';
    end if;
  end loop;
  for one in select * from json_to_recordset(sections)
      as section (document_id text, section integer, request_sha256 text, md_content text) loop
    insert into draft_section (document_id, section, request_sha256, md_content)
      values (one.document_id, one.section, one.request_sha256, one.md_content)
      on conflict (document_id, section) do update
        set request_sha256 = excluded.request_sha256, md_content = excluded.md_content;
  end loop;
  for one in select * from json_to_recordset(settings) as setting (name text, value text) loop
    insert into draft_setting (name, value) values (one.name, one.value)
      on conflict (name) do update set value = excluded.value;
  end loop;

  for one in select * from json_to_recordset(events) as event (document_id text, user_id text,
      type text, state text, at bigint, data text, part smallint, pos bigint) loop
    insert into document_event (pos, part, at, seq, document_id, user_id, type, state, data)
      values (one.pos, one.part, one.at,
        (select coalesce(max(seq), 0) + 1 from document_event where document_id = one.document_id),
        one.document_id, one.user_id, one.type, one.state, one.data)
      returning seq into last_seq;
    seqs := seqs || last_seq;
  end loop;
  return seqs;
end $$`;
