/**
 * Searches one open folder. The server looks for the words; where it cannot (some refuse any charset but
 * ASCII), the newest messages are looked through here.
 */
import type { FetchMessageObject, ImapFlow, SearchObject } from 'imapflow';
import { containsAll, oneLine } from '../plain-text.ts';
import { dayMs } from '../zoned-time.ts';
import type { MailMessage, MailQuery } from './mail-port.ts';
import { readMail } from './mail-text.ts';

/** Messages whose envelopes are read: a busy week. Beyond, the answer says that there are more. */
const envelopesMax = 500;

/** Messages that are looked through here where the server cannot search: 6 MB at most. */
const lookedThroughMax = 100;

/** Bytes of a message that are fetched for its text; attachments come after it. */
const sourceBytesMax = 65_536;

export interface FolderFound {
  messages: FoundMessage[];
  isPartial: boolean;
}

export interface FoundMessage extends MailMessage {
  uid: number;
  /** To tell copies in several folders apart from two messages; empty where the sender gave none. */
  messageId: string;
}

/** All messages of the open folder that match, without previews. */
export async function searchFolder(
  client: ImapFlow,
  query: MailQuery,
  where: { account: string; folder: string },
): Promise<FolderFound> {
  const uids = await serverSearch(client, query);
  if (uids === null) return lookThrough(client, query, where);
  const newest = uids.slice(-envelopesMax);
  const messages = await envelopes(client, newest, query, where);
  return { messages, isPartial: newest.length < uids.length };
}

/** Adds the beginnings of the texts to messages of the open folder. */
export async function addPreviews(client: ImapFlow, messages: FoundMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const uids = messages.map((message) => message.uid);
  for (const fetched of await fetchSources(client, uids)) {
    const message = messages.find(({ uid }) => uid === fetched.uid);
    if (message !== undefined && fetched.source !== undefined) {
      message.preview = oneLine((await readMail(fetched.source)).text, 160);
    }
  }
}

/** UIDs ascending; null where the server could not search for this. */
async function serverSearch(client: ImapFlow, query: MailQuery): Promise<number[] | null> {
  const conditions: SearchObject[] = [
    ...query.words.map((word) => ({ or: [{ subject: word }, { from: word }, { body: word }] })),
    ...query.sender.map((word) => ({ from: word })),
  ];
  const days = daysOf(query);
  let found: Set<number> | null = null;
  // One search per word: the words must all be there, and IMAP has no other way to say so for an OR.
  for (const condition of conditions.length === 0 ? [{}] : conditions) {
    const uids = await client.search({ ...days, ...condition }, { uid: true });
    // Not an exception: the server said no or BAD.
    if (!uids) return null;
    const all = new Set<number>(uids);
    const before: Set<number> = found ?? all;
    found = new Set<number>([...before].filter((uid) => all.has(uid)));
    if (found.size === 0) return [];
  }
  return [...(found ?? [])].sort((a, b) => a - b);
}

/** A day more on both sides: servers count days in a zone of their own. Looked at exactly afterwards. */
const daysOf = (query: MailQuery): SearchObject => ({
  since: new Date(query.from - dayMs),
  before: new Date(query.to + dayMs),
});

async function envelopes(
  client: ImapFlow,
  uids: readonly number[],
  query: MailQuery,
  where: { account: string; folder: string },
): Promise<FoundMessage[]> {
  if (uids.length === 0) return [];
  const fetched = await client.fetchAll(
    uids.join(','),
    { envelope: true, internalDate: true, flags: true },
    { uid: true },
  );
  return fetched
    .map((one) => messageOf(one, where))
    .filter(({ at }) => at >= query.from && at < query.to);
}

async function lookThrough(
  client: ImapFlow,
  query: MailQuery,
  where: { account: string; folder: string },
): Promise<FolderFound> {
  const uids = await client.search(daysOf(query), { uid: true });
  if (!uids) throw new Error('the server cannot search at all');
  const inTime = await envelopes(client, uids.slice(-envelopesMax), query, where);
  const newest = inTime.sort((a, b) => b.at - a.at).slice(0, lookedThroughMax);
  const messages: FoundMessage[] = [];
  const sources =
    newest.length === 0
      ? []
      : await fetchSources(
          client,
          newest.map(({ uid }) => uid),
        );
  for (const fetched of sources) {
    const message = newest.find(({ uid }) => uid === fetched.uid);
    if (message === undefined || fetched.source === undefined) continue;
    const mail = await readMail(fetched.source);
    const isSender = containsAll(`${message.from} ${mail.from}`, query.sender);
    if (isSender && containsAll(`${mail.subject}\n${mail.from}\n${mail.text}`, query.words)) {
      messages.push({ ...message, preview: oneLine(mail.text, 160) });
    }
  }
  return { messages, isPartial: inTime.length > newest.length };
}

/** `source` is fetched with BODY.PEEK: nothing is marked as seen. */
const fetchSources = (client: ImapFlow, uids: readonly number[]): Promise<FetchMessageObject[]> =>
  client.fetchAll(uids.join(','), { source: { maxLength: sourceBytesMax } }, { uid: true });

function messageOf(
  fetched: FetchMessageObject,
  where: { account: string; folder: string },
): FoundMessage {
  const { envelope, internalDate, flags, uid } = fetched;
  const [sender] = envelope?.from ?? [];
  const at = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
  return {
    ...where,
    uid,
    messageId: envelope?.messageId ?? '',
    at,
    from: oneLine(sender?.name || sender?.address || '', 100),
    subject: oneLine(envelope?.subject ?? '', 200),
    unread: flags?.has('\\Seen') !== true,
    preview: '',
  };
}
