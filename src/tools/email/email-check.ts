/** The doctor's check of each mail account: a login, the configured folders, and a search. */
import { dayMs } from '#shared/calendar/time-units';
import type { CheckResult } from '#shared/check-result';
import { adviceFor, checkContext, checkTimeoutMs, orUnreadableResult } from '../tool-check.ts';
import { mailAccounts } from './email-wiring.ts';
import { checkMailbox } from './imap-check.ts';
import { createImapMailbox } from './imap-mailbox.ts';
import type { EmailSettings, MailAccount } from './mail-port.ts';

const part = 'mail';

export const checkEmail = (settings: EmailSettings): Promise<CheckResult[]> =>
  orUnreadableResult(part, () => Promise.all(mailAccounts(settings).map(checkAccount)));

async function checkAccount(account: MailAccount): Promise<CheckResult> {
  const who = `${account.name} at ${account.host}:${account.port}`;
  const found = await checkMailbox(account, checkTimeoutMs);
  if (!found.ok) {
    const { code, message } = found;
    return { part, ok: false, what: `${who}: ${message}`, advice: adviceFor(code, 'tools.email') };
  }
  if (found.missing.length > 0) {
    return {
      part,
      ok: false,
      what: `${who}: logged in, but there is no folder ${found.missing.join(', ')}`,
      advice: 'check the paths in tools.email.folders: they are written as the server writes them',
    };
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
  return {
    part,
    ok: false,
    what: `${what}, but a search failed: ${found.message}`,
    advice: adviceFor(found.code, 'tools.email'),
  };
}
