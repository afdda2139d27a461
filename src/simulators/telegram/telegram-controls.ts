/** What tests and the page can do with a simulated Telegram, and what they can see of it. */
import type { FaultControls } from '../fault-controls.ts';
import type { QueuedFault, Storm } from '../fault-queue.ts';
import type { TelegramAudit } from './audit.ts';
import type { CallbackQuery, Message, TelegramChat, TelegramUser } from './chat-types.ts';
import type { Fault } from './faults.ts';
import type { TelegramRules } from './rules.ts';
import type { TelegramRequest } from './telegram-request.ts';
import type { TelegramEvent } from './telegram-event.ts';
import type { Bot, BotCommand } from './telegram-state.ts';
import type { UpdateRecord } from './update-queue.ts';
import type { Album, SentMessage, TypedMessage } from './user-actions.ts';

/** What the page shows next to the messages. */
export interface TelegramStatus {
  url: string;
  bot: Bot;
  /** Null: the token is revoked. */
  token: string | null;
  isListening: boolean;
  /** A poll waits. */
  isPolled: boolean;
  /** Updates that are not acknowledged. */
  pending: number;
  webhookUrl: string;
  rules: TelegramRules;
  faults: readonly QueuedFault<Fault, string>[];
  storm: Storm<Fault> | null;
  users: readonly TelegramUser[];
  commands: readonly BotCommand[];
}

/** `method` of the scope of a fault: in lower case, `file` for a download. */
export interface FakeTelegram extends FaultControls<Fault, string, TelegramRules> {
  /** `http://127.0.0.1:port`: the root of the API, in place of https://api.telegram.org. */
  readonly url: string;
  readonly pageUrl: string | null;
  /** The valid token; it can be revoked meanwhile. */
  readonly token: string;
  readonly bot: Bot;

  /** Throws for a user or chat that does not exist, also all that follow. */
  say(message: TypedMessage): SentMessage;
  sendAlbum(album: Album): SentMessage[];
  /** A user changes an own message. */
  edit(chatId: number, messageId: number, text: string): SentMessage;
  /** A user deletes a message, also one of the bot. */
  deleteMessage(chatId: number, messageId: number): void;
  /** Presses a button; it stays. */
  press(userId: number, chatId: number, messageId: number, data: string): CallbackQuery;
  block(userId: number): void;
  unblock(userId: number): void;
  deactivate(userId: number): void;
  /** A member removes the bot from a group. */
  kick(chatId: number): void;
  /** A member adds it again. */
  add(chatId: number): void;
  /** A group becomes a supergroup; returns that. */
  migrate(chatId: number): TelegramChat;
  /** All calls are answered with 401 until `restoreToken`. */
  revokeToken(): void;
  restoreToken(): void;
  /** The last `count` acknowledged updates come again at the next poll. */
  redeliver(count: number): void;

  status(): TelegramStatus;
  chats(): TelegramChat[];
  chat(chatId: number): TelegramChat | undefined;
  /** Oldest first. */
  messages(): readonly Message[];
  /** Of the bot in one chat, without deleted ones; oldest first. */
  posted(chatId: number): Message[];
  callbacks(): CallbackQuery[];
  /** Oldest first; the last 20,000. */
  updates(): readonly UpdateRecord[];
  /** Oldest first; the last 50,000. */
  requests(): readonly TelegramRequest[];
  audit(): TelegramAudit;
  /** Subscribes to all events; returns the unsubscribe function. */
  subscribe(listener: (event: TelegramEvent) => void): () => void;
  /** Resolves when `condition` holds; it is checked at each event. Rejects after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs: number): Promise<void>;
  /** Closes all listeners, connections and timers. */
  close(): Promise<void>;
}

/** A `FakeTelegram` without its page and `close`: what the page itself can use. */
export type TelegramControls = Omit<FakeTelegram, 'pageUrl' | 'close'>;
