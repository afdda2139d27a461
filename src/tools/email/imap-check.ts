/** Checks one mail account for the doctor: the login, and whether the configured folders exist. */
import { createImapClient, toMailError } from './imap-mailbox.ts';
import type { MailAccount, MailError } from './mail-port.ts';

export interface MailboxCheck {
  ok: true;
  /** Number of folders of the account. */
  folders: number;
  /** Paths of configured folders that the account does not have. */
  missing: string[];
}

/** Reads only the list of folders. Resolves within `limitMs`; never rejects. */
export async function checkMailbox(
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
