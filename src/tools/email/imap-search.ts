/**
 * Searches one open folder. The server searches for the words, but its result is not always complete: servers do not
 * find words in charsets that they do not know (Outlook's `ks_c_5601-1987` on Dovecot), some refuse any charset but
 * ASCII, some do not search base64: then the newest messages of the days are also searched here, within limits.
 */
import type { ImapFlow, SearchObject } from 'imapflow';
import { containsAllWords } from '../sanitize-text.ts';
import { fetchHeads, fetchTexts, previewOf, type FoundMessage } from './imap-messages.ts';
import type { MailQuery } from './mail-port.ts';
import { dayMs } from '#shared/calendar/time-units';

/** Messages whose headers are read: a busy week. If there are more, the answer says so. */
const headsMax = 500;

/** Messages whose texts are searched here, and their bytes: about two seconds over a home connection. */
const lookedThroughMax = 200;
const lookedBytesMax = 8_000_000;

/** Messages in one command: the limits are checked between two commands. */
const batchSize = 20;

export interface FolderFound {
  messages: FoundMessage[];
  isPartial: boolean;
  /** Number of messages whose texts were searched here, if these were not all; else null. */
  lookedThrough: number | null;
}

export interface SearchWhere {
  account: string;
  folder: string;
  /** Deadline for searching texts, on the monotonic clock (`performance.now()`). */
  until: number;
}

/** All matching messages of the open folder; only messages whose texts were searched here have previews. */
export async function searchFolder(
  client: ImapFlow,
  query: MailQuery,
  where: SearchWhere,
): Promise<FolderFound> {
  const hasWords = query.words.length + query.sender.length > 0;
  const named = hasWords ? await searchWords(client, query) : null;
  const inDays = await searchDays(client, query);
  const known = new Set((named ?? []).slice(-headsMax));
  const uids = [...new Set([...known, ...inDays.slice(-headsMax)])].sort((a, b) => a - b);
  const { account, folder, until } = where;
  const fetched = await fetchHeads(client, uids, { account, folder });
  const heads = fetched.filter(
    ({ at, unread }) => at >= query.from && at < query.to && (query.unread !== true || unread),
  );
  const isCut = (named?.length ?? 0) > headsMax;
  const areDaysCut = isCut || inDays.length > headsMax;
  if (!hasWords) return { messages: heads, isPartial: areDaysCut, lookedThrough: null };
  const found = heads.filter(({ uid }) => known.has(uid));
  const others = heads.filter(({ uid }) => !known.has(uid)).sort((a, b) => b.at - a.at);
  const bySender = others.filter((head) => containsAllWords(senderText(head), query.sender));
  const byHead = bySender.filter((head) =>
    containsAllWords(`${head.subject}\n${senderText(head)}`, query.words),
  );
  const byText = bySender.filter((head) => !byHead.includes(head));
  if (named !== null && !isDoubted(query, named)) {
    return { messages: [...found, ...byHead], isPartial: isCut, lookedThrough: null };
  }
  const looked = await lookThrough(client, byText, query, until);
  const isPartial = areDaysCut || looked.count < byText.length;
  return {
    messages: [...found, ...byHead, ...looked.messages],
    isPartial,
    lookedThrough: isPartial ? looked.count : null,
  };
}

const senderText = ({ from, address }: FoundMessage): string => `${from} ${address}`;

/** The server's result is trusted only if all words are ASCII and were found. Headers are checked in any case. */
const isDoubted = (query: MailQuery, found: readonly number[]): boolean =>
  found.length === 0 || [...query.words, ...query.sender].some((word) => /[^\0-\x7f]/.test(word));

/** UIDs ascending; null if the server could not search for the words. */
async function searchWords(client: ImapFlow, query: MailQuery): Promise<number[] | null> {
  const conditions: SearchObject[] = [
    ...query.words.map((word) => ({ or: [{ subject: word }, { from: word }, { body: word }] })),
    ...query.sender.map((word) => ({ from: word })),
  ];
  let found: number[] | null = null;
  // One search per word: all words must occur, and a search object of imapflow has room for one OR only.
  for (const condition of conditions) {
    const uids = await searchFor(client, query, condition);
    if (uids === null) return null;
    const all = new Set(uids);
    found = found === null ? uids : found.filter((uid) => all.has(uid));
    if (found.length === 0) return [];
  }
  return found;
}

/** Searches the texts of messages for the words, in the given order. `count`: number of texts that were read. */
async function lookThrough(
  client: ImapFlow,
  heads: readonly FoundMessage[],
  query: MailQuery,
  until: number,
): Promise<{ messages: FoundMessage[]; count: number }> {
  const messages: FoundMessage[] = [];
  let [count, bytes] = [0, 0];
  while (count < Math.min(heads.length, lookedThroughMax)) {
    if (bytes > lookedBytesMax || performance.now() > until) break;
    const batch = heads.slice(count, Math.min(count + batchSize, lookedThroughMax));
    const texts = await fetchTexts(
      client,
      batch.map(({ uid }) => uid),
    );
    for (const { uid, bytes: size, mail } of texts) {
      bytes += size;
      const head = batch.find((one) => one.uid === uid);
      const whole = [mail.subject, mail.from, mail.text, mail.otherText, ...mail.files].join('\n');
      if (head !== undefined && containsAllWords(whole, query.words)) {
        messages.push({ ...head, preview: previewOf(mail) });
      }
    }
    count += batch.length;
  }
  return { messages, count };
}

/** Newest messages that are fetched by sequence number if a server cannot search at all. */
const newestMax = 500;

/**
 * The days as search criteria: a day more on both sides, because servers count days in a zone of their own. The
 * exact times are checked afterwards.
 *
 * A bound that is not in the past is omitted. It would exclude nothing, and for a server with WITHIN (RFC 5032)
 * it would be sent as `OLDER 0`, which is not an interval: Dovecot answers BAD.
 */
export function dateCriteria(query: MailQuery, now = Date.now()): SearchObject {
  const since = query.from - dayMs;
  const before = query.to + dayMs;
  return {
    ...(query.unread === true ? { seen: false } : {}),
    ...(since < now - second ? { since: new Date(since) } : {}),
    ...(before < now - second ? { before: new Date(before) } : {}),
  };
}

/** Intervals are sent in whole seconds. */
const second = 1000;

/**
 * UIDs of the messages of the days, ascending; more than these if the server cannot search by date.
 *
 * Tried in order: intervals (WITHIN), dates, all messages, and the newest messages by sequence number.
 */
async function searchDays(client: ImapFlow, query: MailQuery): Promise<number[]> {
  const found = await searchFor(client, query, {});
  if (found !== null) return found;
  const all = await client.search({ all: true }, { uid: true });
  if (all) return all;
  const count = client.mailbox === false ? 0 : client.mailbox.exists;
  if (count === 0) return [];
  const newest = await client.fetchAll(`${Math.max(1, count - newestMax + 1)}:*`, { uid: true });
  return newest.map(({ uid }) => uid).sort((a, b) => a - b);
}

/** UIDs of the messages of the days that match, ascending; null if the server answers NO or BAD. */
async function searchFor(
  client: ImapFlow,
  query: MailQuery,
  condition: SearchObject,
): Promise<number[] | null> {
  const days = dateCriteria(query);
  const criteria = { ...days, ...condition };
  const asked = Object.keys(criteria).length === 0 ? { all: true } : criteria;
  const found = await client.search(asked, { uid: true });
  if (found) return found;
  if (Object.keys(days).length === 0 || !client.capabilities.delete('WITHIN')) return null;
  // Without the capability imapflow sends the same bounds as SINCE and BEFORE, which every server has.
  const byDate = await client.search(asked, { uid: true });
  return byDate ? byDate : null;
}
