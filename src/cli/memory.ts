/** `gatehouse memory`: lists, adds and forgets the facts that people have asked to remember. */
import { UsageError, type CoreClient, ofUser } from '#http/client/core-client';
import type { FactPage, FactView, ForgottenView } from '#shared/wire/memory-service';
import type { CommandValues } from './options.ts';
import { localTime, printList } from './printed-list.ts';

type Values = Pick<CommandValues, 'user' | 'limit' | 'json'>;

export async function listFacts(
  client: CoreClient,
  words: readonly string[],
  { user, limit, json }: Values,
): Promise<void> {
  const query = {
    ...ofUser(user),
    ...(limit === undefined ? {} : { limit }),
    ...(words.length === 0 ? {} : { query: words.join(' ') }),
  };
  const page = await client.request<FactPage>('GET', `/memory?${new URLSearchParams(query)}`);
  printList(page, page.facts, { json, none: 'nothing is remembered', line: factLine });
}

export async function addFact(
  client: CoreClient,
  words: readonly string[],
  { user, json }: Values,
): Promise<void> {
  const body = { ...ofUser(user), text: words.join(' ') };
  const fact = await client.request<FactView>('POST', '/memory', body);
  console.log(json ? JSON.stringify(fact) : factLine(fact));
}

/** @throws UsageError without one of ID and --all */
export async function forgetFacts(
  client: CoreClient,
  ids: readonly string[],
  { user, json, all }: Values & Pick<CommandValues, 'all'>,
): Promise<void> {
  if (ids.length > 0 === all) throw new UsageError('memory forget: say ids, or --all with --user');
  if (all && user === undefined) throw new UsageError('memory forget --all: say whose with --user');
  const query = new URLSearchParams(ofUser(user)).toString();
  const paths = all ? ['/memory'] : ids.map((id) => `/memory/${encodeURIComponent(id)}`);
  let forgotten = 0;
  for (const path of paths) {
    forgotten += (await client.request<ForgottenView>('DELETE', `${path}?${query}`)).forgotten;
  }
  console.log(json ? JSON.stringify({ forgotten }) : `${forgotten} forgotten, for good`);
}

/** `01J…  2026-12-03 09:00  chat  ann: my locker code is 4711`. */
const factLine = (one: FactView): string =>
  `${one.memory_id}  ${localTime(one.created_at)}  ${one.created_by}  ${one.user_id}: ${one.text}`;
