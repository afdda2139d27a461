/** The doctor's check of each mail account: a login, the configured folders, and a search. */
import { dayMs } from '#shared/calendar/time-units';
import type { CheckResult } from '#shared/check-result';
import {
  adviceFor,
  checkContext,
  checkTimeoutMs,
  faultOf,
  orUnreadableResult,
} from '../tool-check.ts';
import { mailAccounts } from './email-tool.ts';
import { createImapMailbox, createImapClient, toMailError } from './imap-mailbox.ts';
import type { EmailSettings, MailAccount, MailError } from './mail-port.ts';

const part = 'mail';
const section = 'tools.email';

export const checkEmail = (settings: EmailSettings): Promise<CheckResult[]> =>
  orUnreadableResult(part, () => Promise.all(mailAccounts(settings).map(checkAccount)));

async function checkAccount(account: MailAccount): Promise<CheckResult> {
  const who = `${account.name} at ${account.host}:${account.port}`;
  const found = await checkMailbox(account, checkTimeoutMs);
  if (!found.ok) {
    return faultOf(part, `${who}: ${found.message}`, adviceFor(found.code, section));
  }
  if (found.missing.length > 0) {
    const what = `${who}: logged in, but there is no folder ${found.missing.join(', ')}`;
    const advice =
      'check the paths in tools.email.folders: they are written as the server writes them';
    return faultOf(part, what, advice);
  }
  return searchResult(account, `${who}: logged in, ${found.folders} folders`);
}

/** One search, as for a question about today: a server can accept the login and still refuse the search. */
async function searchResult(account: MailAccount, what: string): Promise<CheckResult> {
  const now = Date.now();
  const query = { from: now - dayMs, to: now, words: [], sender: [], folder: null };
  const context = checkContext(account.users?.[0], now);
  const found = await createImapMailbox(account).search(query, context);
  if (found.ok) return { part, ok: true, what: `${what}, ${found.count} messages since yesterday` };
  const failed = `${what}, but a search failed: ${found.message}`;
  return faultOf(part, failed, adviceFor(found.code, section));
}

interface MailboxCheck {
  ok: true;
  /** Number of folders of the account. */
  folders: number;
  /** Paths of configured folders that the account does not have. */
  missing: string[];
}

/** Reads only the list of folders. Resolves within `limitMs`; never rejects. */
async function checkMailbox(
  account: MailAccount,
  limitMs: number,
): Promise<MailboxCheck | MailError> {
  const signal = AbortSignal.timeout(limitMs);
  const client = createImapClient(account, limitMs);
  let failure: unknown = null;
  client.on('error', (error) => (failure ??= error));
  const onAbort = (): void => client.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
    const list = await client.list();
    const there = new Set(list.map(({ path }) => path));
    const wanted = (account.folders ?? []).map(({ path }) => path);
    const missing = wanted.filter((path) => !there.has(path));
    return { ok: true, folders: list.length, missing };
  } catch (error) {
    return toMailError(failure ?? error, { signal });
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.close();
  }
}
