/** The port of the mail tool to mailboxes: accounts, queries and results. */
import type { CallContext, ServerError } from '../tool.ts';
import type { TlsSettings, TlsTrust } from '#shared/tls-options';

export interface MailFolder {
  path: string;
  /** For example 회사 or 청구서. */
  words: readonly string[];
}

interface AccountSettings extends TlsSettings {
  /** Name of the account in answers; absent: the user name. */
  name?: string | undefined;
  host: string;
  port: number;
  /** True: TLS from the first byte; false: STARTTLS if the server offers it. */
  secure: boolean;
  username: string;
  password: string;
  /** Folders that are searched in addition to INBOX. */
  folders?: readonly MailFolder[] | undefined;
  /** Users who may search this mail; absent: all users. */
  users?: readonly string[] | undefined;
}

/** The section `tools.email` of the configuration. */
export type EmailSettings =
  | { provider: 'none' }
  | (AccountSettings & { provider: 'imap'; accounts: readonly AccountSettings[] });

export interface MailAccount extends TlsTrust, Omit<AccountSettings, 'name' | keyof TlsSettings> {
  name: string;
}

export interface MailQuery {
  /** Instants (epoch ms), half open. */
  from: number;
  to: number;
  /** All must occur in subject, sender or text; folded (`foldCase`). */
  words: readonly string[];
  /** All must occur in the sender; folded. */
  sender: readonly string[];
  /** As the user named it; null: INBOX and the configured folders. */
  folder: string | null;
  /** Only unread messages. */
  unread?: boolean;
}

export interface MailMessage {
  account: string;
  folder: string;
  /** Arrival time, epoch ms. */
  at: number;
  from: string;
  subject: string;
  unread: boolean;
  /** The beginning of the text, one line; empty if it was not fetched. */
  preview: string;
}

export interface MailFound {
  ok: true;
  /** Newest first, at most `messagesShownMax`. */
  messages: MailMessage[];
  count: number;
  /** There may be more: not every message was checked. */
  isPartial: boolean;
  /** Number of message texts that were searched locally, if these were not all; else null. */
  lookedThrough: number | null;
  /** Names of the existing folders if the requested folder does not exist; else null. */
  missingFolder: string[] | null;
}

/** One account. Searching changes nothing in it, not even the seen flags. */
export interface Mailbox {
  name: string;
  /** Whether the word names this account or a folder of its configuration, so that other accounts are not searched. */
  hasName(folder: string): boolean;
  /** Whether the user may search this account. */
  belongsTo(userId: string): boolean;
  search(query: MailQuery, context: CallContext): Promise<MailFound | ServerError>;
}
