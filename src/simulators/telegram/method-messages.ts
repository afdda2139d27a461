/** The methods that write into a chat. A refused call writes nothing and does not count for the limits. */
import { badRequest, tooManyRequests } from './api-error.ts';
import { editableMessage, replyOf, replyParameters, topicOf, writableChat } from './chat-access.ts';
import type { CallParams } from './call-params.ts';
import type { Keyboard, Media, TelegramChat } from './chat-types.ts';
import { formattedText } from './entities.ts';
import type { FormattedText } from './entity-types.ts';
import { messageJson } from './message-json.ts';
import type { MethodCall, MethodResult } from './method-call.ts';
import { checkKeyboard, keyboardOf } from './reply-markup.ts';
import type { TelegramContext } from './telegram-context.ts';

export function sendMessage(call: MethodCall): MethodResult {
  const given = givenText(call.params);
  return send(call, () => {
    checkLength(call.telegram, given);
    return { ...given, media: null };
  });
}

export function sendDocument(call: MethodCall): MethodResult {
  const { telegram, params } = call;
  const { state, rules } = telegram;
  const caption = formattedText({
    text: params.text('caption'),
    parseMode: params.text('parse_mode'),
    entities: params.text('caption_entities'),
  });
  const attached = /^attach:\/\/(.+)$/.exec(params.text('document'))?.[1] ?? 'document';
  const upload = params.file(attached);
  const known = state.files.get(params.text('document'));
  if (upload === null && known === undefined) {
    throw badRequest(
      params.text('document') === ''
        ? 'there is no document in the request'
        : 'wrong file identifier/HTTP URL specified',
    );
  }
  return send(call, () => {
    if (lengthOf(telegram, caption.text) > rules.captionLengthMax) {
      throw badRequest('message caption is too long');
    }
    const file = known ?? state.addFile(upload!, 'document');
    return { ...caption, media: { kind: 'document', file } };
  });
}

/** @param content called when the chat is known to take it */
function send(
  call: MethodCall,
  content: () => FormattedText & { media: Media | null },
): MethodResult {
  const { telegram, params, requestN } = call;
  const { state } = telegram;
  const reply = replyParameters(params);
  const keyboard = keyboardOf(params.text('reply_markup'));
  const chat = writableChat(state, params);
  const threadId = topicOf(chat, params);
  const replyTo = replyOf(state, chat, reply);
  const written = content();
  checkKeyboard(keyboard);
  countMessage(telegram, chat);
  const message = state.addMessage({
    chatId: chat.id,
    author: { kind: 'bot' },
    ...written,
    keyboard,
    replyTo,
    threadId,
    requestN,
  });
  call.touched(message);
  return { result: messageJson(state, message) };
}

export function editText(call: MethodCall): MethodResult {
  const { telegram, params } = call;
  const { state } = telegram;
  const given = givenText(params);
  const keyboard = keyboardOf(params.text('reply_markup'));
  const chat = editedChat(call);
  const message = editableMessage(state, chat, params);
  if (message.media !== null) throw badRequest('there is no text in the message to edit');
  checkLength(telegram, given);
  checkKeyboard(keyboard);
  const isSame =
    message.text === given.text &&
    JSON.stringify(message.entities) === JSON.stringify(given.entities) &&
    isSameKeyboard(message.keyboard, keyboard);
  if (isSame) throw notModified();
  countMessage(telegram, chat);
  state.changeMessage(message, { ...given, keyboard });
  call.touched(message);
  return { result: messageJson(state, message) };
}

export function editMarkup(call: MethodCall): MethodResult {
  const { telegram, params } = call;
  const { state } = telegram;
  const keyboard = keyboardOf(params.text('reply_markup'));
  const chat = editedChat(call);
  const message = editableMessage(state, chat, params);
  checkKeyboard(keyboard);
  if (isSameKeyboard(message.keyboard, keyboard)) throw notModified();
  countMessage(telegram, chat);
  state.changeMessage(message, { keyboard });
  call.touched(message);
  return { result: messageJson(state, message) };
}

export function deleteMessage(call: MethodCall): MethodResult {
  const { telegram, params } = call;
  const { state } = telegram;
  const chat = writableChat(state, params);
  const message = state.message(chat.id, params.integer('message_id', 0));
  if (message === undefined || message.isDeleted) throw badRequest('message to delete not found');
  if (message.author.kind !== 'bot' && chat.type !== 'private') {
    throw badRequest("message can't be deleted for everyone");
  }
  state.changeMessage(message, { isDeleted: true });
  call.touched(message);
  return { result: true };
}

function givenText(params: CallParams): FormattedText {
  const text = params.text('text');
  if (text === '') throw badRequest('message text is empty');
  return formattedText({
    text,
    parseMode: params.text('parse_mode'),
    entities: params.text('entities'),
  });
}

/** An edit names a chat and a message, or an inline message, which the simulator does not have. */
function editedChat({ telegram: { state }, params }: MethodCall): TelegramChat {
  if (params.text('chat_id') === '' && params.integer('message_id', 0) <= 0) {
    throw badRequest(
      params.text('inline_message_id') === ''
        ? 'message identifier is not specified'
        : 'MESSAGE_ID_INVALID',
    );
  }
  return writableChat(state, params);
}

function checkLength(telegram: TelegramContext, { text }: FormattedText): void {
  if (text === '') throw badRequest('message must be non-empty');
  if (lengthOf(telegram, text) > telegram.rules.textLengthMax) {
    throw badRequest('message is too long');
  }
}

function lengthOf({ rules }: TelegramContext, text: string): number {
  return rules.textLengthUnit === 'utf16' ? text.length : Array.from(text).length;
}

function countMessage({ limits }: TelegramContext, chat: TelegramChat): void {
  const waitSeconds = limits.take(chat);
  if (waitSeconds > 0) throw tooManyRequests(waitSeconds);
}

const isSameKeyboard = (a: Keyboard | null, b: Keyboard | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const notModified = () =>
  badRequest(
    'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
  );
