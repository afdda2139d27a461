/** What a simulated Telegram consists of: users, chats, messages, files, as far as a bot sees them. */
import type { Entity } from './entity-types.ts';

export interface TelegramUser {
  /** Positive. It is also the id of the private chat with the bot. */
  id: number;
  firstName: string;
  username: string | null;
  languageCode: string | null;
  /** The account was deleted. */
  isDeactivated: boolean;
}

/**
 * The bot in a chat:
 *
 * - `unknown`: a private chat in which the user has not written yet; a bot cannot write first
 * - `member`: it may write
 * - `blocked`: the user of a private chat has blocked it
 * - `kicked`, `left`: it is no longer in the group
 */
export type BotStatus = 'unknown' | 'member' | 'blocked' | 'kicked' | 'left';

export interface Topic {
  /** `message_thread_id`. */
  threadId: number;
  name: string;
}

export interface TelegramChat {
  /** Private chats: the user's id. Groups: negative. Supergroups: below -1,000,000,000,000. */
  id: number;
  type: 'private' | 'group' | 'supergroup';
  /** Of a group. */
  title: string;
  /** Users in it. */
  memberIds: number[];
  bot: BotStatus;
  /** Of a supergroup with topics; null for other chats. */
  topics: Topic[] | null;
  /** The supergroup that this group has become. */
  migratedTo: number | null;
}

export const mediaKinds = ['document', 'photo', 'voice', 'audio', 'video', 'sticker'] as const;
export type MediaKind = (typeof mediaKinds)[number];

export interface StoredFile {
  fileId: string;
  fileUniqueId: string;
  name: string;
  type: string;
  content: Buffer;
  /** Bytes as the API reports them: a test of the limit needs no file of that size. */
  size: number;
}

export interface Media {
  kind: MediaKind;
  file: StoredFile;
}

export interface InlineButton {
  text: string;
  /** Null for a button with a URL. */
  callbackData: string | null;
  url: string | null;
}

export type Keyboard = InlineButton[][];

export type Author = { kind: 'user'; userId: number } | { kind: 'bot' };

export interface Message {
  messageId: number;
  chatId: number;
  author: Author;
  /** Epoch milliseconds. */
  atMs: number;
  editedAtMs: number | null;
  /** The text, or the caption of `media`. */
  text: string;
  entities: Entity[];
  media: Media | null;
  /** Messages of one album have it in common. */
  mediaGroupId: string | null;
  replyTo: number | null;
  threadId: number | null;
  keyboard: Keyboard | null;
  /** Fields of a message without text and files: a service message, a location … */
  extra: Record<string, unknown> | null;
  /** Texts before edits, oldest first. */
  earlier: string[];
  isDeleted: boolean;
  /** The request that made it. */
  requestN: number | null;
}

export type NewMessage = Pick<Message, 'chatId' | 'author' | 'text'> &
  Partial<
    Pick<
      Message,
      | 'entities'
      | 'media'
      | 'mediaGroupId'
      | 'replyTo'
      | 'threadId'
      | 'keyboard'
      | 'extra'
      | 'requestN'
    >
  >;

/** A press of a button that the bot has not answered yet, or has. */
export interface CallbackQuery {
  id: string;
  userId: number;
  chatId: number;
  messageId: number;
  data: string;
  atMs: number;
  /** What the bot answered; null: nothing yet. */
  answer: { text: string; showAlert: boolean } | null;
}
