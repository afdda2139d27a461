/** Whether the bot may write into a chat, and where: chats, topics and replies by their ids. */
import { ApiError, badRequest, forbidden } from './api-error.ts';
import type { CallParams } from './call-params.ts';
import type { Message, TelegramChat } from './chat-types.ts';
import type { TelegramState } from './telegram-state.ts';

/** The id of the topic "General", which no message names. */
const generalTopic = 1;

/** Throws an `ApiError` as the real server: https://github.com/tdlib/telegram-bot-api, `check_chat_access`. */
export function writableChat(state: TelegramState, params: CallParams): TelegramChat {
  const chat = chatOf(state, params.text('chat_id'));
  const noun = chat.type === 'supergroup' ? 'supergroup' : 'group';
  if (chat.type === 'private') {
    if (state.user(chat.id)?.isDeactivated) throw forbidden('user is deactivated');
    if (chat.bot === 'unknown') throw forbidden("bot can't initiate conversation with a user");
    if (chat.bot === 'blocked') throw forbidden('bot was blocked by the user');
    return chat;
  }
  if (chat.migratedTo !== null) {
    throw new ApiError(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
      migrate_to_chat_id: chat.migratedTo,
    });
  }
  if (chat.bot === 'kicked') throw forbidden(`bot was kicked from the ${noun} chat`);
  if (chat.bot !== 'member') throw forbidden(`bot is not a member of the ${noun} chat`);
  return chat;
}

function chatOf(state: TelegramState, given: string): TelegramChat {
  if (given === '') throw badRequest('chat_id is empty');
  const chat = state.chats.get(Number(given));
  // By @name only channels and supergroups can be found; the simulator has none with a name.
  if (chat === undefined) throw badRequest('chat not found');
  return chat;
}

/** Null: not in a topic. */
export function topicOf(chat: TelegramChat, params: CallParams): number | null {
  const threadId = params.integer('message_thread_id', 0);
  if (threadId <= 0 || chat.type !== 'supergroup') return null;
  // In a supergroup without topics a thread is one of replies, and is ignored.
  if (chat.topics === null) return null;
  const isKnown = chat.topics.some((topic) => topic.threadId === threadId);
  if (threadId === generalTopic || !isKnown) throw badRequest('message thread not found');
  return threadId;
}

/** The message that is replied to; null for none. */
export function replyOf(
  state: TelegramState,
  chat: TelegramChat,
  reply: ReplyParameters,
): number | null {
  if (reply.messageId <= 0) return null;
  const message = state.message(chat.id, reply.messageId);
  if (message !== undefined && !message.isDeleted) return message.messageId;
  if (reply.allowsMissing) return null;
  throw badRequest('message to be replied not found');
}

export interface ReplyParameters {
  /** 0: no reply. */
  messageId: number;
  allowsMissing: boolean;
}

export function replyParameters(params: CallParams): ReplyParameters {
  if (!params.has('reply_parameters')) {
    return {
      messageId: params.integer('reply_to_message_id', 0),
      allowsMissing: params.flag('allow_sending_without_reply'),
    };
  }
  const json = params.text('reply_parameters');
  if (json === '') return { messageId: 0, allowsMissing: false };
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    throw badRequest("can't parse reply parameters JSON object");
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw badRequest('object expected as reply parameters');
  }
  const fields = given as Record<string, unknown>;
  if (Object.keys(fields).length === 0) return { messageId: 0, allowsMissing: false };
  if (fields['message_id'] === undefined) throw badRequest('Can\'t find field "message_id"');
  const messageId = Number(fields['message_id']);
  if (!Number.isInteger(messageId)) {
    throw badRequest('Field "message_id" must be a valid Number');
  }
  return { messageId, allowsMissing: fields['allow_sending_without_reply'] === true };
}

/** The message of an edit: one of the bot's own. */
export function editableMessage(
  state: TelegramState,
  chat: TelegramChat,
  params: CallParams,
): Message {
  const message = state.message(chat.id, params.integer('message_id', 0));
  if (message === undefined || message.isDeleted) throw badRequest('message to edit not found');
  if (message.author.kind !== 'bot') throw badRequest("message can't be edited");
  return message;
}
