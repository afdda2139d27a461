/** `gatehouse memo`, `memos` and `memos promote`. */
import type { MemoView } from '#shared/wire/document-views';
import { UsageError, type CoreClient, listQueryOf, ofUser } from '#http/client/core-client';
import type { CommandValues } from './options.ts';
import { printList, localTime } from './printed-list.ts';
import { readPipedText } from './terminal.ts';

/** Prints the id. @throws UsageError for an empty memo */
export async function writeMemo(
  client: CoreClient,
  words: readonly string[],
  values: Pick<CommandValues, 'title' | 'user' | 'json'>,
): Promise<void> {
  const isPiped = words.length === 0 || (words.length === 1 && words[0] === '-');
  if (words.length === 0 && process.stdin.isTTY) {
    throw new UsageError('memo: say what to keep, or send it on standard input');
  }
  const text = isPiped ? await readPipedText() : words.join(' ');
  if (text.trim() === '') throw new UsageError('memo: there is nothing to keep');
  const { title } = values;
  const body = { text, ...(title === undefined ? {} : { title }), ...ofUser(values.user) };
  const { id } = await client.request<{ id: string }>('POST', '/memos', body);
  console.log(values.json ? JSON.stringify({ id }) : `kept as ${id}`);
}

export async function listMemos(
  client: CoreClient,
  values: Pick<CommandValues, 'limit' | 'user' | 'json'>,
): Promise<void> {
  const page = await client.request<{ memos: MemoView[]; next_cursor: string | null }>(
    'GET',
    `/memos?${listQueryOf(values)}`,
  );
  printList(page, page.memos, {
    json: values.json,
    none: 'no memos',
    line({ id, title, updated_at, needs_draft, draft_status }) {
      const state = draft_status ?? (needs_draft ? 'waits to be drafted' : '');
      return `${id}  ${localTime(updated_at)}  ${title}${state === '' ? '' : `  (${state})`}`;
    },
  });
}

export async function promoteMemo(
  client: CoreClient,
  id: string,
  { user, json }: Pick<CommandValues, 'user' | 'json'>,
): Promise<void> {
  const path = `/memos/${encodeURIComponent(id)}/promote-to-document`;
  const answer = await client.request<{ document_id: string }>('POST', path, ofUser(user));
  console.log(json ? JSON.stringify(answer) : `${answer.document_id} waits to be drafted`);
}
