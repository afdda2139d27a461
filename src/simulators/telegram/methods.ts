/**
 * The methods of the Bot API that the simulator has, by their names in lower case: the real server ignores the case.
 * Independent of sockets.
 */
import { badRequest } from './api-error.ts';
import type { CallParams } from './call-params.ts';
import { writableChat } from './chat-access.ts';
import { botJson, chatJson } from './message-json.ts';
import type { Method, MethodCall } from './method-call.ts';
import {
  deleteMessage,
  editMarkup,
  editText,
  sendDocument,
  sendMessage,
} from './method-messages.ts';
import { deleteWebhook, getUpdates, setWebhook, webhookInfo } from './method-updates.ts';
import type { BotCommand } from './telegram-state.ts';

export const methods: Readonly<Record<string, Method>> = {
  getme: ({ telegram: { state, rules } }) => ({
    result: {
      ...botJson(state.bot),
      can_join_groups: true,
      can_read_all_group_messages: !rules.privacyMode,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    },
  }),
  getupdates: getUpdates,
  setwebhook: setWebhook,
  deletewebhook: deleteWebhook,
  getwebhookinfo: webhookInfo,
  sendmessage: sendMessage,
  senddocument: sendDocument,
  editmessagetext: editText,
  editmessagereplymarkup: editMarkup,
  deletemessage: deleteMessage,
  answercallbackquery: answerCallback,
  sendchataction: sendChatAction,
  getchat: ({ telegram: { state }, params }) => ({
    result: chatJson(state, writableChat(state, params)),
  }),
  getfile: getFile,
  setmycommands: setCommands,
  deletemycommands({ telegram: { state }, params }) {
    state.commands.delete(scopeOf(params));
    return { result: true };
  },
  getmycommands: ({ telegram: { state }, params }) => ({
    result: state.commands.get(scopeOf(params)) ?? [],
  }),
};

const chatActions = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
]);

function sendChatAction({ telegram: { state }, params }: MethodCall) {
  if (!chatActions.has(params.text('action').toLowerCase())) {
    throw badRequest('wrong parameter action in request');
  }
  writableChat(state, params);
  return { result: true };
}

/** The notice over the chat has room for this many characters. */
const answerLengthMax = 200;

function answerCallback({ telegram: { state, rules, clock }, params }: MethodCall) {
  const callback = state.callbacks.get(params.text('callback_query_id'));
  const isOpen =
    callback !== undefined &&
    callback.answer === null &&
    clock.now() - callback.atMs < rules.callbackQueryMs;
  if (!isOpen) {
    throw badRequest('query is too old and response timeout expired or query ID is invalid');
  }
  const text = params.text('text');
  if (text.length > answerLengthMax) throw badRequest('MESSAGE_TOO_LONG');
  state.answerCallback(callback, { text, showAlert: params.flag('show_alert') });
  return { result: true };
}

function getFile({ telegram: { state, rules, clock }, params }: MethodCall) {
  const fileId = params.text('file_id');
  if (fileId === '') throw badRequest('file_id not specified');
  // The smaller sizes of a photo.
  const file = state.files.get(fileId) ?? state.files.get(fileId.replace(/s$/, ''));
  if (file === undefined) throw badRequest('invalid file_id');
  if (file.size > rules.fileBytesMax) throw badRequest('file is too big');
  const ending = /\.[a-zA-Z0-9]{1,8}$/.exec(file.name)?.[0] ?? '';
  const path = `documents/file_${file.fileUniqueId}${ending}`;
  state.paths.set(path, { file, untilMs: clock.now() + rules.filePathMs });
  return {
    result: {
      file_id: file.fileId,
      file_unique_id: file.fileUniqueId,
      file_size: file.size,
      file_path: path,
    },
  };
}

const commandsMax = 100;

function setCommands({ telegram: { state }, params }: MethodCall) {
  state.commands.set(scopeOf(params), commandsOf(params.text('commands')));
  return { result: true };
}

function commandsOf(json: string): BotCommand[] {
  if (json === '') return [];
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    throw badRequest("can't parse commands JSON object");
  }
  if (!Array.isArray(given)) throw badRequest('expected an Array of BotCommand');
  if (given.length > commandsMax) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  return given.map((one: unknown) => {
    if (typeof one !== 'object' || one === null) {
      throw badRequest("can't parse BotCommand: expected an Object");
    }
    const { command, description } = one as Record<string, unknown>;
    for (const [name, value] of Object.entries({ command, description })) {
      if (typeof value !== 'string') {
        throw badRequest(`can't parse BotCommand: Can't find field "${name}"`);
      }
    }
    const named = String(command).replace(/^\//, '');
    if (!/^[a-z0-9_]{1,32}$/.test(named)) throw badRequest('BOT_COMMAND_INVALID');
    const length = String(description).trim().length;
    if (length < 1 || length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
    return { command: named, description: String(description).trim() };
  });
}

const scopeOf = (params: CallParams): string =>
  `${params.text('scope') || '{"type":"default"}'} ${params.text('language_code')}`;
