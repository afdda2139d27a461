/** What people do in the simulated Telegram, and the updates that the bot gets from it. */
import type {
  CallbackQuery,
  MediaKind,
  Message,
  NewMessage,
  TelegramChat,
  TelegramUser,
} from './chat-types.ts';
import { findEntities } from './entities.ts';
import type { Entity } from './entity-types.ts';
import { botJson, callbackJson, chatJson, messageJson, seconds, userJson } from './message-json.ts';
import { reachesBot } from './privacy.ts';
import type { TelegramContext } from './telegram-context.ts';
import type { GivenFile } from './telegram-state.ts';
import type { UpdateRecord } from './update-queue.ts';

/** A message typed by a user. */
export interface TypedMessage {
  userId: number;
  /** The text, or the caption of `file`. */
  text?: string;
  /** Default: the private chat with the bot. */
  chatId?: number;
  /** Topic of a supergroup. */
  threadId?: number;
  /** The message that it answers. */
  replyTo?: number;
  file?: GivenFile;
  /** Default: document. */
  kind?: MediaKind;
  /** Formatting; default: what Telegram finds by itself. */
  entities?: Entity[];
  /** Fields of a message of another kind: `{ location: { latitude, longitude } }`. */
  extra?: Record<string, unknown>;
}

/** Pictures or files that are sent together: each is a message of its own. */
export interface Album {
  userId: number;
  chatId?: number;
  /** Of the first message. */
  caption?: string;
  kind?: MediaKind;
  files: readonly GivenFile[];
}

export interface SentMessage {
  message: Message;
  /** Null: it does not reach the bot, which has been blocked or kicked, or is in privacy mode. */
  update: UpdateRecord | null;
}

export class UserActions {
  readonly #telegram: TelegramContext;
  #albums = 0;

  constructor(telegram: TelegramContext) {
    this.#telegram = telegram;
  }

  say(typed: TypedMessage): SentMessage {
    const { state } = this.#telegram;
    const { text = '', file, kind = 'document', threadId = null, replyTo = null } = typed;
    const { user, chat } = this.#place(typed.userId, typed.chatId);
    const isKnownTopic = chat.topics?.some((one) => one.threadId === threadId) ?? false;
    if (threadId !== null && !isKnownTopic) refuse(`there is no topic ${threadId}`);
    return this.#send({
      chatId: chat.id,
      author: { kind: 'user', userId: user.id },
      text,
      entities: typed.entities ?? findEntities(text),
      media: file === undefined ? null : { kind, file: state.addFile(file, kind) },
      threadId,
      replyTo,
      extra: typed.extra ?? null,
    });
  }

  sendAlbum({ userId, chatId, caption = '', kind = 'photo', files }: Album): SentMessage[] {
    const { state, clock } = this.#telegram;
    const { user, chat } = this.#place(userId, chatId);
    this.#albums += 1;
    const mediaGroupId = `${clock.now()}${this.#albums}`;
    return files.map((file, index) => {
      const text = index === 0 ? caption : '';
      return this.#send({
        chatId: chat.id,
        author: { kind: 'user', userId: user.id },
        text,
        entities: findEntities(text),
        media: { kind, file: state.addFile(file, kind) },
        mediaGroupId,
      });
    });
  }

  #send(content: NewMessage): SentMessage {
    const { state, rules } = this.#telegram;
    const chat = state.chats.get(content.chatId)!;
    // Whoever writes to the bot first starts it; a blocked bot stays blocked.
    if (chat.type === 'private' && chat.bot === 'unknown') {
      state.changeChat(chat, { bot: 'member' });
    }
    const message = state.addMessage(content);
    const reaches = chat.bot === 'member' && reachesBot(state, rules, message);
    return { message, update: reaches ? this.#pushMessage('message', message) : null };
  }

  #pushMessage(type: 'message' | 'edited_message', message: Message): UpdateRecord {
    const { state, updates } = this.#telegram;
    return updates.push(type, messageJson(state, message));
  }

  edit(message: Message, text: string): SentMessage {
    const { state, rules } = this.#telegram;
    state.changeMessage(message, { text, entities: findEntities(text) });
    const reaches =
      state.chats.get(message.chatId)!.bot === 'member' && reachesBot(state, rules, message);
    return { message, update: reaches ? this.#pushMessage('edited_message', message) : null };
  }

  /** A user deletes a message; the bot is not told. */
  deleteMessage(message: Message): void {
    this.#telegram.state.changeMessage(message, { isDeleted: true });
  }

  press(userId: number, message: Message, data: string): CallbackQuery {
    const { state, updates } = this.#telegram;
    const { chat } = this.#place(userId, message.chatId);
    const buttons = (message.keyboard ?? []).flat();
    if (!buttons.some((button) => button.callbackData === data) || message.isDeleted) {
      refuse(`message ${message.messageId} has no button "${data}"`);
    }
    const callback = state.addCallback({
      userId,
      chatId: chat.id,
      messageId: message.messageId,
      data,
    });
    // A user who has blocked the bot cannot reach it; in a group without the bot the button does nothing.
    if (chat.bot === 'member') updates.push('callback_query', callbackJson(state, callback));
    return callback;
  }

  /** In a private chat: the user blocks the bot, or unblocks it. */
  setBlocked(userId: number, isBlocked: boolean): void {
    const { chat, user } = this.#place(userId);
    this.#changeStatus(chat, user, isBlocked ? 'blocked' : 'member');
  }

  /** The account is deleted. */
  deactivate(userId: number): void {
    const { user } = this.#place(userId);
    user.isDeactivated = true;
    this.#telegram.feed.emit({ type: 'state' });
  }

  /** In a group: a member removes the bot, or adds it again. */
  setKicked(chatId: number, isKicked: boolean, byUserId?: number): void {
    const chat = this.#group(chatId);
    const { user } = this.#place(byUserId ?? chat.memberIds[0]!, chatId);
    this.#changeStatus(chat, user, isKicked ? 'kicked' : 'member');
  }

  #changeStatus(chat: TelegramChat, user: TelegramUser, now: TelegramChat['bot']): void {
    const { state, updates, clock } = this.#telegram;
    if (chat.bot === now) return;
    const member = (status: TelegramChat['bot']) => ({
      user: botJson(state.bot),
      status: status === 'member' ? 'member' : status === 'left' ? 'left' : 'kicked',
      ...(status === 'member' || status === 'left' ? {} : { until_date: 0 }),
    });
    const before = chat.bot;
    state.changeChat(chat, { bot: now });
    updates.push('my_chat_member', {
      chat: chatJson(state, chat),
      from: userJson(user),
      date: seconds(clock.now()),
      old_chat_member: member(before === 'unknown' ? 'left' : before),
      new_chat_member: member(now),
    });
  }

  /** A group becomes a supergroup with another id; both get a service message. */
  migrate(chatId: number): TelegramChat {
    const { state } = this.#telegram;
    const old = this.#group(chatId);
    if (old.type !== 'group' || old.migratedTo !== null) refuse(`chat ${chatId} is no group`);
    const id = -1_000_000_000_000 - (Math.abs(old.id) % 1_000_000_000_000);
    const made = state.addChat({ ...old, id, type: 'supergroup', memberIds: [...old.memberIds] });
    const author = { kind: 'user' as const, userId: old.memberIds[0]! };
    const serve = (into: number, extra: Record<string, unknown>) =>
      this.#send({ chatId: into, author, text: '', extra });
    serve(old.id, { migrate_to_chat_id: id });
    serve(id, { migrate_from_chat_id: old.id });
    state.changeChat(old, { migratedTo: id });
    return made;
  }

  #place(userId: number, chatId = userId): { user: TelegramUser; chat: TelegramChat } {
    const { state } = this.#telegram;
    const user = state.user(userId) ?? refuse(`there is no user ${userId}`);
    const chat = state.chats.get(chatId) ?? refuse(`there is no chat ${chatId}`);
    if (!chat.memberIds.includes(userId)) refuse(`user ${userId} is not in chat ${chatId}`);
    if (chat.migratedTo !== null) refuse(`chat ${chatId} has become ${chat.migratedTo}`);
    return { user, chat };
  }

  #group(chatId: number): TelegramChat {
    const chat = this.#telegram.state.chats.get(chatId) ?? refuse(`there is no chat ${chatId}`);
    return chat.type === 'private' ? refuse(`chat ${chatId} is no group`) : chat;
  }
}

export function refuse(message: string): never {
  throw new RangeError(message);
}
