/**
 * The content of the simulated Telegram: users, chats, messages, files, presses of buttons. State and lookups only,
 * independent of HTTP.
 *
 * 1. `message_id` counts in a supergroup by itself, else over all chats of the bot. It starts at the clock's seconds of
 *    the start: no number is used again after a restart.
 * 2. Messages are never removed: `isDeleted` marks those that a user deleted; an edit keeps the earlier texts.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '#shared/clock';
import type {
  CallbackQuery,
  MediaKind,
  Message,
  NewMessage,
  StoredFile,
  TelegramChat,
  TelegramUser,
} from './chat-types.ts';
import type { TelegramFeed } from './telegram-event.ts';

export interface Bot {
  id: number;
  username: string;
  firstName: string;
}

export interface BotCommand {
  command: string;
  description: string;
}

export interface TelegramStateParts {
  bot: Bot;
  users: readonly TelegramUser[];
  groups: readonly TelegramChat[];
  clock: Clock;
  feed: TelegramFeed;
}

/** An uploaded or sent file. */
export interface GivenFile {
  name: string;
  type: string;
  content: Buffer;
  /** Bytes as the API reports them; default: those of the content. */
  size?: number;
}

export class TelegramState {
  readonly bot: Bot;
  readonly users: TelegramUser[];
  readonly chats = new Map<number, TelegramChat>();
  readonly messages: Message[] = [];
  readonly files = new Map<string, StoredFile>();
  /** By the path that `getFile` gave. */
  readonly paths = new Map<string, { file: StoredFile; untilMs: number }>();
  readonly callbacks = new Map<string, CallbackQuery>();
  /** As set by `setMyCommands`, by scope and language. */
  readonly commands = new Map<string, BotCommand[]>();
  readonly #byId = new Map<string, Message>();
  /** By supergroup; 0 for all other chats. */
  readonly #counts = new Map<number, number>();
  readonly #firstCount: number;
  readonly #clock: Clock;
  readonly #feed: TelegramFeed;

  constructor({ bot, users, groups, clock, feed }: TelegramStateParts) {
    this.bot = bot;
    this.users = users.map((user) => ({ ...user }));
    this.#clock = clock;
    this.#feed = feed;
    this.#firstCount = Math.floor(clock.now() / 1_000) % 1_000_000_000;
    for (const user of this.users) this.chats.set(user.id, privateChat(user));
    for (const group of groups) {
      this.chats.set(group.id, { ...group, memberIds: [...group.memberIds] });
    }
  }

  user(id: number): TelegramUser | undefined {
    return this.users.find((one) => one.id === id);
  }

  message(chatId: number, messageId: number): Message | undefined {
    return this.#byId.get(`${chatId}/${messageId}`);
  }

  addChat(chat: TelegramChat): TelegramChat {
    this.chats.set(chat.id, chat);
    this.#feed.emit({ type: 'chat', chat });
    return chat;
  }

  changeChat(chat: TelegramChat, change: Partial<TelegramChat>): void {
    Object.assign(chat, change);
    this.#feed.emit({ type: 'chat', chat });
  }

  addMessage(given: NewMessage): Message {
    const counter = this.chats.get(given.chatId)?.type === 'supergroup' ? given.chatId : 0;
    const messageId = (this.#counts.get(counter) ?? this.#firstCount) + 1;
    this.#counts.set(counter, messageId);
    const message: Message = {
      entities: [],
      media: null,
      mediaGroupId: null,
      replyTo: null,
      threadId: null,
      keyboard: null,
      extra: null,
      requestN: null,
      ...given,
      messageId,
      atMs: this.#clock.now(),
      editedAtMs: null,
      earlier: [],
      isDeleted: false,
    };
    this.messages.push(message);
    this.#byId.set(`${message.chatId}/${messageId}`, message);
    this.#feed.emit({ type: 'message', message });
    return message;
  }

  /** A changed text is an edit with a date; a changed keyboard is not. */
  changeMessage(
    message: Message,
    change: Partial<Pick<Message, 'text' | 'entities' | 'keyboard' | 'isDeleted'>>,
  ): void {
    if (change.text !== undefined) {
      message.earlier.push(message.text);
      message.editedAtMs = this.#clock.now();
    }
    Object.assign(message, change);
    this.#feed.emit({ type: 'message', message });
  }

  addFile({ name, type, content, size = content.length }: GivenFile, kind: MediaKind): StoredFile {
    const digest = createHash('sha256').update(content).update(`${kind} ${size} ${name}`);
    const unique = digest.digest('base64url');
    const file: StoredFile = {
      fileId: `BQAC${unique}${this.files.size + 1}`,
      fileUniqueId: `AgAD${unique.slice(0, 12)}`,
      name,
      type,
      content,
      size,
    };
    this.files.set(file.fileId, file);
    return file;
  }

  addCallback(given: Omit<CallbackQuery, 'id' | 'atMs' | 'answer'>): CallbackQuery {
    const id = String(this.#firstCount * 1_000_000 + this.callbacks.size + 1);
    const callback: CallbackQuery = { ...given, id, atMs: this.#clock.now(), answer: null };
    this.callbacks.set(id, callback);
    this.#feed.emit({ type: 'callback', callback });
    return callback;
  }

  answerCallback(callback: CallbackQuery, answer: NonNullable<CallbackQuery['answer']>): void {
    callback.answer = answer;
    this.#feed.emit({ type: 'callback', callback });
  }
}

const privateChat = ({ id }: TelegramUser): TelegramChat => ({
  id,
  type: 'private',
  title: '',
  memberIds: [id],
  bot: 'unknown',
  topics: null,
  migratedTo: null,
});
