/** Fetches heads and sources of messages of an open folder, with BODY.PEEK: nothing becomes seen. */
import type { FetchMessageObject, ImapFlow } from 'imapflow';
import { oneLine } from '../plain-text.ts';
import type { MailMessage } from './mail-port.ts';
import { readHead, readMail, type MailText } from './mail-text.ts';

/** Bytes of a message that are fetched for its text; attachments come after it. */
const sourceBytesMax = 65_536;

export interface FoundMessage extends MailMessage {
  uid: number;
  /** To tell copies in several folders apart from two messages; empty where the sender gave none. */
  messageId: string;
  address: string;
}

/** What is known of the messages without their texts. */
export async function fetchHeads(
  client: ImapFlow,
  uids: readonly number[],
  where: { account: string; folder: string },
): Promise<FoundMessage[]> {
  if (uids.length === 0) return [];
  const wanted = {
    envelope: true,
    internalDate: true,
    flags: true,
    // As bytes: the envelope has lost what is in no encoding, or in one that is not widely known.
    headers: ['from', 'subject', 'content-type'],
  };
  const fetched = await client.fetchAll(uids.join(','), wanted, { uid: true });
  return fetched.map((one) => messageOf(one, where));
}

/** The texts of messages, in no order; one that cannot be read is left out. */
export async function fetchTexts(
  client: ImapFlow,
  uids: readonly number[],
): Promise<{ uid: number; bytes: number; mail: MailText }[]> {
  if (uids.length === 0) return [];
  const wanted = { source: { maxLength: sourceBytesMax } };
  const fetched = await client.fetchAll(uids.join(','), wanted, { uid: true });
  return fetched.flatMap(({ uid, source }) =>
    source === undefined ? [] : [{ uid, bytes: source.length, mail: readMail(source) }],
  );
}

/** Adds the beginnings of the texts to messages of the open folder. */
export async function addPreviews(client: ImapFlow, messages: FoundMessage[]): Promise<void> {
  const texts = await fetchTexts(
    client,
    messages.map(({ uid }) => uid),
  );
  for (const { uid, mail } of texts) {
    const message = messages.find((one) => one.uid === uid);
    if (message !== undefined) message.preview = previewOf(mail);
  }
}

export const previewOf = (mail: MailText): string => oneLine(mail.text, 160);

function messageOf(
  fetched: FetchMessageObject,
  where: { account: string; folder: string },
): FoundMessage {
  const { envelope, flags, uid, headers } = fetched;
  const [sender] = envelope?.from ?? [];
  const head = readHead(headers ?? Buffer.alloc(0));
  return {
    ...where,
    uid,
    messageId: envelope?.messageId ?? '',
    at: arrivalOf(fetched),
    from: head.from || oneLine(sender?.name || sender?.address || '', 100),
    address: head.address || oneLine(sender?.address ?? '', 200),
    subject: head.subject || oneLine(envelope?.subject ?? '', 200),
    unread: flags?.has('\\Seen') !== true,
    preview: '',
  };
}

/** When it arrived, by the server; where the server does not say, when it was sent. NaN where neither is known. */
function arrivalOf({ internalDate, envelope }: FetchMessageObject): number {
  const times = [internalDate, envelope?.date].map((date) =>
    date === undefined ? Number.NaN : new Date(date).getTime(),
  );
  return times.find((time) => !Number.isNaN(time)) ?? Number.NaN;
}
