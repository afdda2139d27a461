/** Messages, users and chats as the Bot API writes them: https://core.telegram.org/bots/api#available-types */
import type { Entity } from './entity-types.ts';
import type {
  CallbackQuery,
  Keyboard,
  Media,
  Message,
  StoredFile,
  TelegramChat,
  TelegramUser,
} from './chat-types.ts';
import type { Bot, TelegramState } from './telegram-state.ts';

type Json = Record<string, unknown>;

/** Epoch seconds. */
export const seconds = (ms: number): number => Math.floor(ms / 1_000);

export const userJson = ({ id, firstName, username, languageCode }: TelegramUser): Json => ({
  id,
  is_bot: false,
  first_name: firstName,
  ...(username === null ? {} : { username }),
  ...(languageCode === null ? {} : { language_code: languageCode }),
});

export const botJson = ({ id, firstName, username }: Bot): Json => ({
  id,
  is_bot: true,
  first_name: firstName,
  username,
});

export function chatJson(state: TelegramState, chat: TelegramChat): Json {
  const { id, type, title, topics } = chat;
  if (type === 'private') {
    const user = state.user(id);
    return {
      id,
      ...(user === undefined ? {} : { first_name: user.firstName }),
      ...(user?.username ? { username: user.username } : {}),
      type,
    };
  }
  return { id, title, type, ...(topics === null ? {} : { is_forum: true }) };
}

function entityJson(state: TelegramState, { user_id, ...entity }: Entity): Json {
  if (user_id === undefined) return { ...entity };
  const user = state.user(user_id);
  return { ...entity, ...(user === undefined ? {} : { user: userJson(user) }) };
}

export const keyboardJson = (keyboard: Keyboard): Json => ({
  inline_keyboard: keyboard.map((row) =>
    row.map(({ text, callbackData, url }) => ({
      text,
      ...(url === null ? { callback_data: callbackData } : { url }),
    })),
  ),
});

const fileJson = ({ fileId, fileUniqueId, size }: StoredFile): Json => ({
  file_id: fileId,
  file_unique_id: fileUniqueId,
  file_size: size,
});

function mediaJson({ kind, file }: Media): Json {
  const named = { ...fileJson(file), file_name: file.name, mime_type: file.type };
  switch (kind) {
    case 'document':
      return { document: named };
    case 'photo':
      return { photo: photoSizes(file) };
    case 'voice':
      return { voice: { ...fileJson(file), duration: 3, mime_type: file.type } };
    case 'audio':
      return { audio: { ...named, duration: 3 } };
    case 'video':
      return { video: { ...named, duration: 3, width: 320, height: 240 } };
    case 'sticker':
      return {
        sticker: {
          ...fileJson(file),
          type: 'regular',
          width: 512,
          height: 512,
          is_animated: false,
          is_video: false,
          emoji: '👍',
        },
      };
    default:
      throw kind satisfies never;
  }
}

/** The same picture in several sizes, smallest first; the last one is the whole file. */
const photoSizes = (file: StoredFile): Json[] => [
  {
    file_id: `${file.fileId}s`,
    file_unique_id: `${file.fileUniqueId}s`,
    file_size: Math.min(1_200, file.size),
    width: 90,
    height: 67,
  },
  { ...fileJson(file), width: 1_280, height: 960 },
];

/** @param depth of replies: the message of a reply has no reply itself */
export function messageJson(state: TelegramState, message: Message, depth = 1): Json {
  const { messageId, chatId, author, text, entities, media, replyTo, threadId, keyboard } = message;
  const chat = state.chats.get(chatId)!;
  const user = author.kind === 'user' ? state.user(author.userId) : undefined;
  const marked = entities.map((entity) => entityJson(state, entity));
  const named = media === null ? ['text', 'entities'] : ['caption', 'caption_entities'];
  const original = replyTo === null || depth === 0 ? undefined : state.message(chatId, replyTo);
  return {
    message_id: messageId,
    from: user === undefined ? botJson(state.bot) : userJson(user),
    chat: chatJson(state, chat),
    date: seconds(message.atMs),
    ...(message.editedAtMs === null ? {} : { edit_date: seconds(message.editedAtMs) }),
    ...(threadId === null ? {} : { message_thread_id: threadId, is_topic_message: true }),
    ...(message.mediaGroupId === null ? {} : { media_group_id: message.mediaGroupId }),
    ...(original === undefined || original.isDeleted
      ? {}
      : { reply_to_message: messageJson(state, original, depth - 1) }),
    ...(media === null ? {} : mediaJson(media)),
    ...(text === '' ? {} : { [named[0]!]: text }),
    ...(marked.length === 0 ? {} : { [named[1]!]: marked }),
    ...(keyboard === null ? {} : { reply_markup: keyboardJson(keyboard) }),
    ...message.extra,
  };
}

export function callbackJson(state: TelegramState, callback: CallbackQuery): Json {
  const message = state.message(callback.chatId, callback.messageId)!;
  const user = state.user(callback.userId)!;
  const content = message.isDeleted
    ? { message_id: message.messageId, chat: messageJson(state, message)['chat'], date: 0 }
    : messageJson(state, message);
  return {
    id: callback.id,
    from: userJson(user),
    message: content,
    chat_instance: String(callback.chatId * 7_919),
    data: callback.data,
  };
}
