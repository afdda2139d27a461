/** Fetches headers and sources of messages of an open folder, with BODY.PEEK: no message is marked as seen. */
import type { FetchMessageObject, ImapFlow } from 'imapflow';
import { oneLine } from '../sanitize-text.ts';
import type { MailMessage } from './mail-port.ts';
import { parseMailHead, parseMail, type ParsedMail } from './parse-mail.ts';

/** Bytes of a message that are fetched for its text; attachments come after the text. */
const sourceBytesMax = 65_536;

export interface FoundMessage extends MailMessage {
  uid: number;
  /** Identifies copies of one message in several folders; empty if the sender gave none. */
  messageId: string;
  address: string;
}

/** Headers, times and flags of the messages, without their texts. */
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
    // As bytes: the envelope has already lost text that is unencoded, or in a rare encoding.
    headers: ['from', 'subject', 'content-type'],
  };
  const fetched = await client.fetchAll(uids.join(','), wanted, { uid: true });
  return fetched.map((one) => messageOf(one, where));
}

/** The texts of messages, in no particular order; messages without a source are left out. */
export async function fetchTexts(
  client: ImapFlow,
  uids: readonly number[],
): Promise<{ uid: number; bytes: number; mail: ParsedMail }[]> {
  if (uids.length === 0) return [];
  const wanted = { source: { maxLength: sourceBytesMax } };
  const fetched = await client.fetchAll(uids.join(','), wanted, { uid: true });
  return fetched.flatMap(({ uid, source }) =>
    source === undefined ? [] : [{ uid, bytes: source.length, mail: parseMail(source) }],
  );
}

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

export const previewOf = (mail: ParsedMail): string => oneLine(mail.text, 160);

function messageOf(
  fetched: FetchMessageObject,
  where: { account: string; folder: string },
): FoundMessage {
  const { envelope, flags, uid, headers } = fetched;
  const [sender] = envelope?.from ?? [];
  const head = parseMailHead(headers ?? Buffer.alloc(0));
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

/** Arrival time on the server, else the time of sending (epoch ms). NaN if neither is known. */
function arrivalOf({ internalDate, envelope }: FetchMessageObject): number {
  const times = [internalDate, envelope?.date].map((date) =>
    date === undefined ? Number.NaN : new Date(date).getTime(),
  );
  return times.find((time) => !Number.isNaN(time)) ?? Number.NaN;
}
