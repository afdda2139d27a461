/** What the mail tool asks of a mailbox, and what it gets. */
import type { CallContext } from '../tool.ts';
import type { TlsTrust } from '../../lib/tls-trust.ts';

/** A folder by the words that people use for it. */
export interface MailFolder {
  path: string;
  /** For example 회사 or 청구서. */
  words: readonly string[];
}

export interface MailAccount extends TlsTrust {
  /** What it is called in answers. */
  name: string;
  host: string;
  port: number;
  /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
  secure: boolean;
  username: string;
  password: string;
  /** Folders that are searched besides INBOX, and their names. */
  folders?: readonly MailFolder[] | undefined;
  /** Users whose mail this is; absent: everybody's. */
  users?: readonly string[] | undefined;
}

export interface MailQuery {
  /** Instants (epoch ms), half open. */
  from: number;
  to: number;
  /** All of them in subject, sender or text; folded. */
  words: readonly string[];
  /** All of them in the sender; folded. */
  sender: readonly string[];
  /** As it was asked for; null: INBOX and the configured folders. */
  folder: string | null;
}

export interface MailMessage {
  account: string;
  folder: string;
  /** When it arrived (epoch ms). */
  at: number;
  from: string;
  subject: string;
  unread: boolean;
  /** The beginning of the text, one line; empty where it was not fetched. */
  preview: string;
}

export interface MailFound {
  ok: true;
  /** Newest first, at most as many as are shown. */
  messages: MailMessage[];
  /** How many there are. */
  count: number;
  /** There may be more: not every message was looked at. */
  isPartial: boolean;
  /** How many texts were looked through for the words, where that was not all of them; else null. */
  lookedThrough: number | null;
  /** Names of the folders that could have been asked for, where the one asked for is not there. */
  missingFolder: string[] | null;
}

export interface MailFault {
  ok: false;
  code:
    | 'GH_TOOL_UNREACHABLE'
    | 'GH_TOOL_TIMEOUT'
    | 'GH_TOOL_LOGIN'
    | 'GH_TOOL_REFUSED'
    | 'GH_TOOL_UNREADABLE';
  /** For logs. */
  message: string;
}

/** One account. Reading changes nothing in it, not even whether a message was seen. */
export interface Mailbox {
  name: string;
  /** Whether the word names this account itself, so that the others need not be asked. */
  isNamed(folder: string): boolean;
  /** Whether it is this user's. */
  isOf(userId: string): boolean;
  search(query: MailQuery, context: CallContext): Promise<MailFound | MailFault>;
}
