/** The page's actions as JSON: `{do: 'say', …}`. Throws for invalid actions, with a message for the user. */
import { z } from 'zod';
import {
  encodedFile,
  faultActions,
  ms,
  networkFaults,
  parsedAction,
  performFaultAction,
} from '../action-schemas.ts';
import { mediaKinds } from './chat-types.ts';
import type { Fault } from './faults.ts';
import type { TelegramControls } from './telegram-controls.ts';
import type { TelegramRules } from './rules.ts';

const id = z.int();

const fault: z.ZodType<Fault> = z.discriminatedUnion('kind', [
  z
    .object({
      kind: z.literal('error'),
      code: z.int().min(400).max(599),
      description: z.string().max(500),
      parameters: z
        .object({ retry_after: z.int().min(1).max(3_600) })
        .partial()
        .optional(),
    })
    .transform(({ kind, code, description, parameters }): Fault => {
      const seconds = parameters?.retry_after;
      if (seconds === undefined) return { kind, code, description };
      return { kind, code, description, parameters: { retry_after: seconds } };
    }),
  z.object({ kind: z.literal('repeat'), updates: z.int().min(1).max(100) }),
  ...networkFaults,
]);

const message = { chatId: id, messageId: id };
const count = z.int().min(0).max(1_000_000);

const action = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('say'),
    userId: id,
    text: z.string().max(20_000),
    chatId: id.optional(),
    threadId: id.optional(),
    replyTo: id.optional(),
    /** Several files are an album. */
    files: z.array(encodedFile).max(10).default([]),
    kind: z.enum(mediaKinds).default('document'),
  }),
  z.object({ do: z.literal('edit'), ...message, text: z.string().max(20_000) }),
  z.object({ do: z.literal('delete'), ...message }),
  z.object({ do: z.literal('press'), ...message, userId: id, data: z.string() }),
  z.object({ do: z.literal('block'), userId: id, isBlocked: z.boolean() }),
  z.object({ do: z.literal('deactivate'), userId: id }),
  z.object({ do: z.literal('kick'), chatId: id, isKicked: z.boolean() }),
  z.object({ do: z.literal('migrate'), chatId: id }),
  z.object({ do: z.literal('token'), isValid: z.boolean() }),
  z.object({ do: z.literal('redeliver'), count: z.int().min(1).max(100) }),
  z.object({
    do: z.literal('fail'),
    fault,
    /** Null: until the faults are cleared. */
    times: z.int().min(1).nullable().default(1),
    /** In lower case. */
    method: z.string().max(100).optional(),
  }),
  ...faultActions,
  z.object({
    do: z.literal('rules'),
    change: z
      .object({
        textLengthMax: z.int().min(1),
        textLengthUnit: z.enum(['utf16', 'codePoints']),
        captionLengthMax: z.int().min(1),
        chatIntervalMs: ms,
        chatBurst: z.int().min(1).max(1_000),
        groupPerMinute: count,
        perSecond: count,
        privacyMode: z.boolean(),
        privacyPassesMentions: z.boolean(),
        fileBytesMax: z.int().min(0),
        filePathMs: ms,
        callbackQueryMs: ms,
        repeatedPollMs: ms,
        conflictDelayMs: ms,
      })
      .partial(),
  }),
]);

/** An action as the page sends it. */
export type PageAction = z.input<typeof action>;

/** Performs the action; returns `{messageId}` for a message. It does not wait for the bot. */
export async function performAction(telegram: TelegramControls, value: unknown): Promise<object> {
  const data = parsedAction(action, value);
  switch (data.do) {
    case 'say':
      return { messageId: say(telegram, data) };
    case 'edit':
      telegram.edit(data.chatId, data.messageId, data.text);
      break;
    case 'delete':
      telegram.deleteMessage(data.chatId, data.messageId);
      break;
    case 'press':
      telegram.press(data.userId, data.chatId, data.messageId, data.data);
      break;
    case 'block':
      (data.isBlocked ? telegram.block : telegram.unblock)(data.userId);
      break;
    case 'deactivate':
      telegram.deactivate(data.userId);
      break;
    case 'kick':
      (data.isKicked ? telegram.kick : telegram.add)(data.chatId);
      break;
    case 'migrate':
      telegram.migrate(data.chatId);
      break;
    default:
      await performOnServer(telegram, data);
  }
  return {};
}

type Action = z.infer<typeof action>;
type ServerAction = Extract<
  Action,
  { do: 'token' | 'redeliver' | 'fail' | 'clearFaults' | 'storm' | 'connections' | 'rules' }
>;

async function performOnServer(telegram: TelegramControls, data: ServerAction): Promise<void> {
  switch (data.do) {
    case 'token':
      return data.isValid ? telegram.restoreToken() : telegram.revokeToken();
    case 'redeliver':
      return telegram.redeliver(data.count);
    case 'fail': {
      const { times, method } = data;
      const scope = { times: times ?? Number.POSITIVE_INFINITY };
      return telegram.fail(data.fault, method === undefined ? scope : { ...scope, method });
    }
    case 'rules': {
      const change = Object.entries(data.change).filter(([, one]) => one !== undefined);
      return telegram.changeRules(Object.fromEntries(change) as Partial<TelegramRules>);
    }
    default:
      return performFaultAction(telegram, data);
  }
}

/** Resolves to the id of the first message. */
function say(telegram: TelegramControls, data: Extract<Action, { do: 'say' }>): number {
  const { userId, text, chatId, threadId, replyTo, kind } = data;
  const files = data.files.map((one) => ({ ...one, content: Buffer.from(one.content, 'base64') }));
  const place = { userId, ...(chatId === undefined ? {} : { chatId }) };
  if (files.length > 1) {
    return telegram.sendAlbum({ ...place, caption: text, kind, files })[0]!.message.messageId;
  }
  const [file] = files;
  return telegram.say({
    ...place,
    text,
    kind,
    ...(threadId === undefined ? {} : { threadId }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(file === undefined ? {} : { file }),
  }).message.messageId;
}
