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
import { createImapMailbox, withImapClient } from './imap-mailbox.ts';
import type { EmailSettings, MailAccount } from './mail-port.ts';

const part = 'mail';
const section = 'tools.email';

export const checkEmail = (settings: EmailSettings): Promise<CheckResult[]> =>
  orUnreadableResult(part, () => Promise.all(mailAccounts(settings).map(checkAccount)));

async function checkAccount(account: MailAccount): Promise<CheckResult> {
  const who = `${account.name} at ${account.host}:${account.port}`;
  const signal = AbortSignal.timeout(checkTimeoutMs);
  const found = await withImapClient(account, checkTimeoutMs, signal, async (client) => ({
    ok: true as const,
    folders: (await client.list()).map(({ path }) => path),
  }));
  if (!found.ok) return faultOf(part, `${who}: ${found.message}`, adviceFor(found.code, section));
  const { folders } = found;
  const wanted = (account.folders ?? []).map(({ path }) => path);
  const missing = wanted.filter((path) => !folders.includes(path));
  if (missing.length > 0) {
    const what = `${who}: logged in, but there is no folder ${missing.join(', ')}`;
    const advice =
      'check the paths in tools.email.folders: they are written as the server writes them';
    return faultOf(part, what, advice);
  }
  return searchResult(account, `${who}: logged in, ${folders.length} folders`);
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
