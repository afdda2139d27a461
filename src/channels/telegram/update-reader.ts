/**
 * What follows from an update: a message or a click for the inbox, a sentence of the bot, or nothing. Pure but for the
 * memory of albums and texts.
 *
 * U1: a message is identified by bot, chat and number, which no second update repeats, except for an edit. So an update
 *     that comes twice is one row, also if Telegram begins to count its updates anew (it does after a week of silence).
 * U2: only messages of allowed users get more than one sentence a day.
 */
import type { CallbackQuery, Message, Update, User } from 'grammy/types';
import { localeOf, textsOf } from '#machines/texts';
import { removeNul } from '#shared/text/remove-nul';
import { evictOldest } from '#shared/token-buckets';
import type { ChannelNotice, InboundMessage } from '../channel-adapter-port.ts';
import { parseClick } from '../click-code.ts';
import { wordsForBot, type Me } from './addressing.ts';
import { contentOf, fileMegabytesMax, messageKey, textOf } from './message-content.ts';
import type { Migrations } from './migrations.ts';
import { strangerAddress, strangers, type Target, type Targets } from './targets.ts';
import { localeOfUser, telegramTexts } from './texts.ts';

export type Read =
  | { kind: 'message'; message: InboundMessage }
  /** `message` is what the sentence answers: it counts as a message of the user, but is not stored. */
  | { kind: 'answer'; message: InboundMessage; notice: ChannelNotice }
  | { kind: 'stranger'; notice: ChannelNotice; userId: number; chatId: number }
  | { kind: 'click'; queryId: string; message: InboundMessage | null; refusal: string }
  /** The bot was added, removed or blocked. */
  | { kind: 'membership'; chatId: number; status: string }
  | { kind: 'ignored'; why: string };

const rememberedMax = 2_000;
const ignored = (why: string): Read => ({ kind: 'ignored', why });

export interface UpdateReaderParts {
  me: Me;
  targets: Targets;
  migrations: Migrations;
}

export function createUpdateReader(parts: UpdateReaderParts): (update: Update) => Read {
  const memory = createMemory();
  return (update) => {
    const { message, edited_message: edited, callback_query: query, my_chat_member } = update;
    if (message !== undefined) return readMessage(message, parts, memory);
    if (edited !== undefined) return readEdit(edited, parts, memory);
    if (query !== undefined) return readClick(query, parts);
    if (my_chat_member !== undefined) {
      const { chat, new_chat_member } = my_chat_member;
      return { kind: 'membership', chatId: chat.id, status: new_chat_member.status };
    }
    return ignored('another kind of update');
  };
}

/** Of an album, the words come with one of its messages. */
function createMemory() {
  const captions = new Map<string, string>();
  const texts = new Map<string, string>();
  const put = (map: Map<string, string>, key: string, value: string): void => {
    map.set(key, value);
    evictOldest(map, rememberedMax);
  };
  return {
    captionOf: (album: string): string => captions.get(album) ?? '',
    putCaption: (album: string, caption: string): void => put(captions, album, caption),
    textOf: (key: string): string | null => texts.get(key) ?? null,
    putText: (key: string, text: string): void => put(texts, key, text),
  };
}
type Memory = ReturnType<typeof createMemory>;

interface Sender {
  message: Message;
  from: User;
  /** Null: the group is not configured. */
  target: Target | null;
  topicId: number | null;
  /** What is said to the bot; null: nothing. */
  words: string | null;
}

/** Accounts of Telegram itself: posts of a linked channel, and admins who hide their name. */
const accountsOfTelegram = new Set([777_000, 1_087_968_824, 136_817_688]);

function senderOf(message: Message, { me, targets, migrations }: UpdateReaderParts): Sender | null {
  const { chat, from } = message;
  if (chat.type === 'channel' || from === undefined || message.is_automatic_forward) return null;
  if (from.is_bot && !accountsOfTelegram.has(from.id)) return null;
  // Replies outside of topics have a thread, too, to which nothing can be sent.
  const topicId = message.is_topic_message === true ? (message.message_thread_id ?? null) : null;
  const isPrivate = chat.type === 'private';
  const target = targets.placeOf(isPrivate ? null : migrations.originOf(chat.id), topicId);
  const words = isPrivate
    ? textOf(message).trim()
    : wordsForBot(message, me, target?.triggerWords ?? []);
  return { message, from, target, topicId, words };
}

/** Anybody can add the bot to a group: only those of the configuration are kept. */
function recordMigration(from: number, to: number, { targets, migrations }: UpdateReaderParts) {
  const group = migrations.originOf(from);
  if (targets.groups.some(({ groupId }) => groupId === group)) migrations.record(from, to);
}

function readMessage(message: Message, parts: UpdateReaderParts, memory: Memory): Read {
  const { me } = parts;
  const { chat, migrate_to_chat_id: to, migrate_from_chat_id: origin } = message;
  if (to !== undefined) recordMigration(chat.id, to, parts);
  if (origin !== undefined) recordMigration(origin, chat.id, parts);
  const sender = senderOf(message, parts);
  if (sender === null) return ignored('a post of a channel or of another bot');
  const { media_group_id: albumId } = message;
  const album = albumId === undefined ? undefined : `${chat.id}/${albumId}`;
  const caption = sender.words ?? '';
  if (album !== undefined && caption !== '') memory.putCaption(album, caption);
  const isOfAlbum = album !== undefined && caption === '' && memory.captionOf(album) !== '';
  const words = isOfAlbum ? memory.captionOf(album) : sender.words;
  if (words === null) return ignored('not for the bot');
  const refusal = refusalOf(sender, parts);
  if (refusal !== null) return refusal;
  memory.putText(messageKey(me.id, message), textOf(message));
  return answerOf(sender, removeNul(words), parts);
}

/** The one sentence to somebody who is not served; null: the sender is. */
function refusalOf({ message, from, target, topicId }: Sender, { targets }: UpdateReaderParts) {
  const { chat, date } = message;
  const userId = String(from.id);
  const isHidden = message.sender_chat !== undefined || accountsOfTelegram.has(from.id);
  if (!isHidden && target?.hasMember(userId) === true) return null;
  const texts = telegramTexts[localeOfUser(from.language_code)];
  const isKnown = targets.allowed.has(userId);
  const isGroupUnknown = target === null && isKnown;
  const text = isHidden
    ? texts.hidden
    : isGroupUnknown
      ? texts.strangerGroup(String(chat.id))
      : texts.stranger(userId);
  const day = Math.floor(date / 86_400);
  // In a group that is not served, one sentence a day for all: anybody can add the bot to a group.
  const who = target === null ? `group-${isGroupUnknown}` : userId;
  const chatUser = strangerAddress({ chatId: chat.id, topicId });
  const name = `stranger-${chat.id}-${who}-${day}`;
  const notice = { target: strangers, chatUser, name, text };
  return { kind: 'stranger', notice, userId: from.id, chatId: chat.id } as const;
}

function answerOf(sender: Sender, words: string, { me }: UpdateReaderParts): Read {
  const { message, from } = sender;
  const target = sender.target!;
  const locale =
    /\p{L}/u.test(words) && !words.startsWith('/')
      ? localeOf(words)
      : localeOfUser(from.language_code);
  const texts = telegramTexts[locale];
  const content = contentOf(message, words, texts);
  const row = (text: string): InboundMessage => ({
    key: messageKey(me.id, message),
    kind: 'message',
    target: target.name,
    chatUser: String(from.id),
    text,
    click: null,
    file: null,
  });
  const answer = (text: string): Read => {
    const { key, chatUser } = row('');
    const notice = { target: target.name, chatUser, name: `answer-${key}`, text };
    return { kind: 'answer', message: row(words), notice };
  };
  switch (content.kind) {
    case 'words':
      return { kind: 'message', message: { ...row(content.text), file: content.file } };
    case 'command':
      if (content.name !== 'cancel') return answer(texts[content.name]);
      return { kind: 'message', message: row(texts.cancel) };
    case 'empty':
      return answer(texts.help);
    case 'tooLarge':
      return answer(textsOf(locale).fileTooLarge(content.fileName, fileMegabytesMax));
    case 'picture':
    case 'voice':
    case 'unsupported':
      return answer(texts[content.kind]);
    case 'service':
      return ignored('a service message');
  }
}

/**
 * An edit changes nothing: the message may be answered already. Telegram reports edits that nobody made, for example
 * when somebody reacts to a message: the same text gets no sentence.
 */
function readEdit(edited: Message, parts: UpdateReaderParts, memory: Memory): Read {
  const sender = senderOf(edited, parts);
  const target = sender?.target ?? null;
  if (sender === null || target === null || sender.words === null)
    return ignored('not for the bot');
  const chatUser = String(sender.from.id);
  if (!target.hasMember(chatUser)) return ignored('not allowed');
  const key = messageKey(parts.me.id, edited);
  const text = textOf(edited);
  const isEdit = edited.edit_date !== undefined && text !== '' && memory.textOf(key) !== text;
  if (!isEdit) return ignored('an edit without another text');
  memory.putText(key, text);
  const texts = telegramTexts[localeOf(text)];
  return {
    kind: 'answer',
    message: {
      key: `edit_${key}`,
      kind: 'message',
      target: target.name,
      chatUser,
      text,
      click: null,
      file: null,
    },
    notice: { target: target.name, chatUser, name: `edited-${key}`, text: texts.edited },
  };
}

/** Only the language of the label is used. */
const labelUnitsMax = 40;

function readClick(query: CallbackQuery, { me, targets, migrations }: UpdateReaderParts): Read {
  const { id: queryId, from, message, data = '' } = query;
  const texts = telegramTexts[localeOfUser(from.language_code)];
  const refuse = (refusal: string): Read => ({ kind: 'click', queryId, message: null, refusal });
  const click = parseClick(data);
  if (click === null || message === undefined) return refuse(texts.oldButton);
  const { chat } = message;
  // A message that is too old is not passed on: the place of its topic is not known then.
  const isTopic = 'is_topic_message' in message && message.is_topic_message;
  const topicId = isTopic ? (message.message_thread_id ?? null) : null;
  const groupId = chat.type === 'private' ? null : migrations.originOf(chat.id);
  const target = targets.placeOf(groupId, topicId);
  const chatUser = String(from.id);
  if (target?.hasMember(chatUser) !== true) return refuse(texts.notYours);
  const keyboard = 'reply_markup' in message ? (message.reply_markup?.inline_keyboard ?? []) : [];
  const button = keyboard
    .flat()
    .find((one) => 'callback_data' in one && one.callback_data === data);
  const row: InboundMessage = {
    key: `c_${me.id}_${chat.id}_${message.message_id}_${chatUser}_${data}`,
    kind: 'click',
    target: target.name,
    chatUser,
    text: removeNul(button?.text ?? '').slice(0, labelUnitsMax),
    click,
    file: null,
  };
  return { kind: 'click', queryId, message: row, refusal: texts.notYours };
}
