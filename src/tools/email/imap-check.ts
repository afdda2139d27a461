/** A look at one mail account for the doctor: the login, and whether the configured folders are there. */
import { clientOf, faultOf } from './imap-mailbox.ts';
import type { MailAccount, MailFault } from './mail-port.ts';

export interface MailboxCheck {
  ok: true;
  /** Folders of the account. */
  folders: number;
  /** Folders of the configuration that the account does not have. */
  missing: string[];
}

/** Reads nothing but the list of folders. Resolves within the limit; never rejects. */
export async function checkMailbox(
  account: MailAccount,
  limitMs: number,
): Promise<MailboxCheck | MailFault> {
  const signal = AbortSignal.timeout(limitMs);
  const client = clientOf(account, limitMs);
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
    return faultOf(failure ?? error, { signal });
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.close();
  }
}
