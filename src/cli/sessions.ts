/** `gatehouse invite` and `gatehouse sessions`: who may sign in a browser, and which are signed in. */
import type { CoreClient } from '#http/client/core-client';
import { listQueryOf, UsageError } from '#http/client/core-client';
import { qrAnsi } from '#shared/qr-code';
import { isLoopback, withoutBrackets } from '#shared/loopback';
import type { InviteView, ListedSession, SessionPage } from '#shared/wire/session-service';
import type { CommandValues } from './options.ts';
import { localTime, printList } from './printed-list.ts';
import { sanitizeForTerminal, ttyOf, type Terminal } from './terminal.ts';

/** @throws UsageError for a number of minutes that is none */
export async function invite(
  client: CoreClient,
  person: string,
  { minutes, json }: Pick<CommandValues, 'minutes' | 'json'>,
  terminal: Pick<Terminal, 'isLive'> = ttyOf(process.stdout),
): Promise<void> {
  if (minutes !== undefined && !/^\d{1,6}$/.test(minutes)) {
    throw new UsageError(`--minutes: expected a number, found ${minutes}`);
  }
  const limit = minutes === undefined ? {} : { minutes: Number(minutes) };
  const { qr, ...made } = await client.request<InviteView>('POST', '/invites', {
    user_id: person,
    ...limit,
  });
  if (json) return console.log(JSON.stringify({ ...made, qr }));
  const who = made.name === null || made.name === person ? person : `${made.name} (${person})`;
  console.log(`${sanitizeForTerminal(who)} signs in with this code, once:\n`);
  // Blocks of colours are of no use in a file.
  if (terminal.isLive) console.log(`${qrAnsi(made.url)}\n`);
  console.log(`  ${made.code}\n`);
  const until = localTime(made.expires_at).slice(0, -3);
  console.log(`until ${until}, at ${new URL(made.url).href.split('#')[0]}`);
  const host = withoutBrackets(new URL(made.url).hostname);
  if (isLoopback(host)) {
    console.log(
      'only this machine opens that address; for a phone set server.host or server.publicUrl',
    );
  }
}

export async function listSessions(
  client: CoreClient,
  person: string | undefined,
  { limit, json }: Pick<CommandValues, 'limit' | 'json'>,
): Promise<void> {
  const query = listQueryOf({ limit, user: person });
  const page = await client.request<SessionPage>('GET', `/sessions?${query}`);
  printList(page, page.sessions, { json, none: 'nobody is signed in', line: sessionLine });
}

/** Those before an id that does not exist are ended. */
export async function endSessions(
  client: CoreClient,
  ids: readonly string[],
  { json }: Pick<CommandValues, 'json'>,
): Promise<void> {
  for (const id of ids) {
    await client.request('DELETE', `/sessions/${encodeURIComponent(id)}`);
    if (!json) console.log(`${id}: signed out`);
  }
  if (json) console.log(JSON.stringify({ ended: ids }));
}

/** `01J…  kim  Safari, iPhone  by code, since 2026-12-03 09:00:00, used 2026-12-04 10:00:00`. */
const sessionLine = (one: ListedSession): string =>
  `${one.session_id}  ${one.user_id ?? 'the operator'}  ${one.device}  by ${one.made_with}, since ${localTime(one.created_at)}, used ${localTime(one.last_used_at)}`;
