/** `gatehouse documents`, `documents show` and `documents rm`. */
import type { DocumentView } from '#shared/wire/document-views';
import { type CoreClient, listQueryOf, ofUser } from '#http/client/core-client';
import type { CommandValues } from './options.ts';
import { printList, localTime } from './printed-list.ts';

type ListedDocument = Pick<
  DocumentView,
  'id' | 'title' | 'content_origin' | 'md_draft_status' | 'updated_at'
>;

export async function listDocuments(
  client: CoreClient,
  values: Pick<CommandValues, 'limit' | 'user' | 'json'>,
): Promise<void> {
  const page = await client.request<{ documents: ListedDocument[]; next_cursor: string | null }>(
    'GET',
    `/documents?${listQueryOf(values)}`,
  );
  printList(page, page.documents, {
    json: values.json,
    none: 'no documents',
    line({ id, title, content_origin, md_draft_status, updated_at }) {
      const state = md_draft_status === null ? '' : `  (${md_draft_status})`;
      return `${id}  ${localTime(updated_at)}  ${content_origin.padEnd(10)} ${title}${state}`;
    },
  });
}

/** One document of this user. @throws CommandError with GH_DOCUMENT_NOT_FOUND */
export const documentOf = (
  client: CoreClient,
  id: string,
  userId: string | undefined,
): Promise<DocumentView> =>
  client.request<DocumentView>(
    'GET',
    `/documents/${encodeURIComponent(id)}?${listQueryOf({ user: userId })}`,
  );

/** Prints the document's metadata on standard error, and only its text on standard output. */
export async function showDocument(
  client: CoreClient,
  id: string,
  { user, json }: Pick<CommandValues, 'user' | 'json'>,
): Promise<void> {
  const document = await documentOf(client, id, user);
  if (json) return console.log(JSON.stringify(document));
  const { title, content_origin, md_draft_status, updated_at } = document;
  const state = md_draft_status === null ? '' : `  ${md_draft_status}`;
  console.error(`${document.id}  ${localTime(updated_at)}  ${content_origin}${state}  ${title}`);
  // A draft that is not accepted is not yet the document: `drafts show` prints it.
  const isAccepted = md_draft_status === 'accepted';
  console.log((isAccepted ? document.md_content : null) ?? document.extracted_text);
}

export async function removeDocument(
  client: CoreClient,
  ids: readonly string[],
  { user, json }: Pick<CommandValues, 'user' | 'json'>,
): Promise<void> {
  for (const id of ids) {
    await client.request(
      'DELETE',
      `/documents/${encodeURIComponent(id)}?${new URLSearchParams(ofUser(user)).toString()}`,
    );
    console.log(json ? JSON.stringify({ id }) : `removed ${id}`);
  }
}
