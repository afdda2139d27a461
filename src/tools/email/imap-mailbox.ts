/**
 * A mailbox on an IMAP server. One short connection per query: servers drop idle connections, and one query per hour
 * does not justify a permanent connection.
 *
 * 1. Read-only: folders are opened with EXAMINE and texts fetched with BODY.PEEK, so no message is marked as seen.
 * 2. The socket is always closed; after a failed login it would otherwise stay open and keep the process alive.
 */
import { ImapFlow, type ListResponse } from 'imapflow';
import { messageOf } from '#shared/errors';
import type { ServerError } from '../tool.ts';
import { tlsConnectionOptions } from '#shared/tls-options';
import { addPreviews, type FoundMessage } from './imap-messages.ts';
import { searchFolder } from './imap-search.ts';
import { folderNames, resolveFolders, isAccountName, isFolderName } from './mail-folders.ts';
import type { Mailbox, MailAccount, MailFound, MailMessage, MailQuery } from './mail-port.ts';

export const messagesShownMax = 10;

/** Share of the call's limit for connecting to the server, so that the error says which step failed. */
const connectShare = 0.6;

/** Share of the call's limit after which no more texts are searched, so that the results are returned in time. */
const lookingShare = 0.7;

/** Folders per query: each costs one or two round trips. */
const foldersMax = 8;

export function createImapMailbox(account: MailAccount): Mailbox {
  return {
    name: account.name,
    hasName: (folder) => isAccountName(account, folder) || isFolderName(account, folder),
    belongsTo: (userId) => account.users === undefined || account.users.includes(userId),
    search(query, { limitMs, signal }) {
      const until = performance.now() + limitMs * lookingShare;
      return withImapClient(account, limitMs, signal, (client) =>
        searchAccount(client, account, query, until),
      );
    },
  };
}

/** Runs the work with a connected client, which is then closed. Never rejects. */
export async function withImapClient<Value>(
  account: MailAccount,
  limitMs: number,
  signal: AbortSignal,
  work: (client: ImapFlow) => Promise<Value>,
): Promise<Value | ServerError> {
  const client = createImapClient(account, limitMs);
  let failure: unknown = null;
  // Without a listener an error between two commands would terminate the process.
  client.on('error', (error) => (failure ??= error));
  const onAbort = (): void => client.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw new Error('aborted');
    await client.connect();
    return await work(client);
  } catch (error) {
    return toMailError(failure ?? error, signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    client.close();
  }
}

function createImapClient(account: MailAccount, limitMs: number): ImapFlow {
  const connectMs = Math.max(1, Math.floor(limitMs * connectShare));
  return new ImapFlow({
    host: account.host,
    port: account.port,
    secure: account.secure,
    auth: { user: account.username, pass: account.password },
    tls: tlsConnectionOptions(account),
    logger: false,
    disableAutoIdle: true,
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: limitMs,
  });
}

async function searchAccount(
  client: ImapFlow,
  account: MailAccount,
  query: MailQuery,
  until: number,
): Promise<MailFound> {
  const list = query.folder === null ? [] : await client.list();
  const folders = resolveFolders(account, query.folder, list).slice(0, foldersMax);
  if (folders.length === 0) {
    return { ...nothing, missingFolder: folderNames(account, list) };
  }
  const found: FoundMessage[] = [];
  const missing: string[] = [];
  let isPartial = false;
  let lookedThrough: number | null = null;
  for (const folder of folders) {
    const one = await withFolder(client, folder, () =>
      searchFolder(client, query, { account: account.name, folder, until }),
    );
    if (one === null) missing.push(folder);
    else found.push(...one.messages);
    isPartial ||= one?.isPartial === true;
    if (one !== null && one.lookedThrough !== null) {
      lookedThrough = (lookedThrough ?? 0) + one.lookedThrough;
    }
  }
  // A configured folder that no longer exists is skipped; if there is no other folder, the answer says so.
  if (missing.length === folders.length) {
    return { ...nothing, missingFolder: folderNames(account, await listed(client, list)) };
  }
  const messages = withoutCopies(found).sort((a, b) => b.at - a.at);
  const shown = messages.slice(0, messagesShownMax);
  for (const folder of new Set(shown.map((message) => message.folder))) {
    const bare = shown.filter((message) => message.folder === folder && message.preview === '');
    await withFolder(client, folder, () => addPreviews(client, bare));
  }
  const plain = shown.map(withoutIds);
  const count = messages.length;
  return { ok: true, messages: plain, count, isPartial, lookedThrough, missingFolder: null };
}

const withoutIds = (found: FoundMessage): MailMessage => {
  const { account, folder, at, from, subject, unread, preview } = found;
  return { account, folder, at, from, subject, unread, preview };
};

const nothing: MailFound = {
  ok: true,
  messages: [],
  count: 0,
  isPartial: false,
  lookedThrough: null,
  missingFolder: null,
};

const listed = (client: ImapFlow, list: ListResponse[]): Promise<ListResponse[]> =>
  list.length > 0 ? Promise.resolve(list) : client.list();

/** Runs the work with the folder open for reading; null if there is no such folder. */
async function withFolder<Value>(
  client: ImapFlow,
  folder: string,
  work: () => Promise<Value>,
): Promise<Value | null> {
  let lock;
  try {
    lock = await client.getMailboxLock(folder, { readOnly: true });
  } catch (error) {
    if ((error as { mailboxMissing?: boolean }).mailboxMissing === true) return null;
    throw error;
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Providers list one message in several folders. */
function withoutCopies(messages: FoundMessage[]): FoundMessage[] {
  const seen = new Set<string>();
  return messages.filter(({ messageId }) => {
    if (messageId === '') return true;
    const isNew = !seen.has(messageId);
    seen.add(messageId);
    return isNew;
  });
}

const unreachableCodes = new Set([
  ...'ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN EPIPE'.split(' '),
  ...'NoConnection EConnectionClosed ClosedAfterConnectTLS ClosedAfterConnectText'.split(' '),
]);
const timeoutCodes = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'ETIMEOUT', 'ETIMEDOUT']);

/** Maps a thrown error to an error code. */
function toMailError(error: unknown, signal: AbortSignal): ServerError {
  const { code = '', authenticationFailed = false } = error as {
    code?: string;
    authenticationFailed?: boolean;
  };
  const mailError = (as: ServerError['code']): ServerError => ({
    ok: false,
    code: as,
    message: `${code} ${messageOf(error)}`.trim(),
  });
  if (authenticationFailed) return mailError('GH_TOOL_LOGIN');
  if (signal.aborted || timeoutCodes.has(code)) return mailError('GH_TOOL_TIMEOUT');
  if (unreachableCodes.has(code) || /CERT|certificate|SSL|TLS/i.test(messageOf(error))) {
    return mailError('GH_TOOL_UNREACHABLE');
  }
  return mailError('GH_TOOL_UNREADABLE');
}
