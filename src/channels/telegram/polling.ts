/**
 * Long polling. Our own loop, because an update is acknowledged by the `offset` of the next request: grammY raises it
 * before its handlers have ended, and confirms it when it stops, so a message could be lost (docs/decisions.md).
 *
 * P1: the offset is raised over an update only when what follows from it is on disk.
 * P2: an update that cannot be read is logged and acknowledged: it would come again for ever.
 */
import type { Update } from 'grammy/types';
import { createTokenBuckets } from '#shared/token-buckets';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type {
  InboundHandler,
  InboundMessage,
  InboundOutcome,
  Poll,
  SayNotice,
} from '../channel-adapter-port.ts';
import { pollSeconds, type ApiFailure, type BotApi } from './bot-api.ts';
import type { Migrations } from './migrations.ts';
import { addressOf, type Targets } from './targets.ts';
import { telegramTexts } from './texts.ts';
import { createUpdateReader, type Read } from './update-reader.ts';

export interface PollParts {
  api: BotApi;
  targets: Targets;
  migrations: Migrations;
  inbound: InboundHandler;
  say: SayNotice;
  log: Log;
}

const allowedUpdates = ['message', 'edited_message', 'callback_query', 'my_chat_member'] as const;
/** Sentences to people who are not served, and log lines about them, per minute: anybody can find a bot. */
const strangersPerMinute = 10;
const supergroupIdMax = -1_000_000_000_000;

export function createPoll(parts: PollParts): Poll {
  const { api } = parts;
  let handler: UpdateHandler | null = null;
  let offset = 0;
  return async (signal) => {
    handler ??= await prepare(parts, signal);
    const outcome = await api.call((methods) =>
      methods.getUpdates(
        { offset, timeout: pollSeconds, allowed_updates: allowedUpdates },
        signal as never,
      ),
    );
    if (signal.aborted) return;
    if (!outcome.ok) throw new Error(describe(outcome.failure));
    const handle = handler;
    // At once: the messages of one answer share a commit, in their order.
    const stored = await Promise.all(outcome.value.map((update) => handle(update, signal)));
    const missing = stored.indexOf(false);
    const done = missing === -1 ? outcome.value : outcome.value.slice(0, missing);
    const last = done.at(-1);
    if (last !== undefined) offset = last.update_id + 1;
    if (missing !== -1) throw new Error('a message could not be stored; it is asked for again');
  };
}

export const twoPollers =
  'another process gets the messages of this bot: stop it, or give the bot a new token (/revoke at BotFather)';
export const webhookIsSet =
  'a webhook is set for this bot, so that no messages can be asked for: stop the program that sets it, then start the bridge again, which removes it';

function describe(failure: ApiFailure): string {
  if (failure.kind !== 'refused' || failure.code !== 409) return failure.error;
  return `${/webhook/i.test(failure.error) ? webhookIsSet : twoPollers} (${failure.error})`;
}

/** Once per process, before the first poll. @throws if Telegram does not say who the bot is */
async function prepare(parts: PollParts, signal: AbortSignal) {
  const { api, targets, migrations, log } = parts;
  const me = await api.call((methods) => methods.getMe(signal as never));
  if (!me.ok) throw new Error(describe(me.failure));
  await removeWebhook(api, log, signal);
  for (const { groupId } of targets.groups) {
    if (groupId === null || groupId <= supergroupIdMax) continue;
    const group = await api.call((methods) => methods.getChat(groupId, signal as never));
    const migratedTo =
      !group.ok && group.failure.kind === 'refused' ? group.failure.migratedTo : null;
    if (migratedTo !== null) migrations.record(groupId, migratedTo);
  }
  for (const locale of ['en', 'ko'] as const) {
    const { commands } = telegramTexts[locale];
    const list = Object.entries(commands).map(([command, description]) => ({
      command,
      description,
    }));
    // Without them people type the commands.
    await api.call((methods) =>
      methods.setMyCommands(
        list,
        locale === 'en' ? {} : { language_code: locale },
        signal as never,
      ),
    );
  }
  log.info({ bot: me.value.username }, 'the bot is known to Telegram');
  return createUpdateHandler(parts, createUpdateReader({ me: me.value, targets, migrations }));
}

async function removeWebhook(api: BotApi, log: Log, signal: AbortSignal): Promise<void> {
  const info = await api.call((methods) => methods.getWebhookInfo(signal as never));
  if (!info.ok || (info.value.url ?? '') === '') return;
  const { host } = new URL(info.value.url!);
  log.warn({ host }, 'a webhook was set for the bot; it is removed');
  const removed = await api.call((methods) => methods.deleteWebhook({}, signal as never));
  if (!removed.ok) throw new Error(describe(removed.failure));
}

/** Whether what follows from the update is on disk, or nothing does. */
type UpdateHandler = (update: Update, signal: AbortSignal) => Promise<boolean>;

function createUpdateHandler(parts: PollParts, read: (update: Update) => Read): UpdateHandler {
  const { say, inbound, log } = parts;
  const strangersLeft = createTokenBuckets({ perMinute: strangersPerMinute, keysMax: 1 });

  const handle: UpdateHandler = async (update, signal) => {
    const found = read(update);
    switch (found.kind) {
      case 'message':
        return acceptMessage(found.message, parts, signal);
      case 'answer':
        return accept(inbound, found.message, () => say(found.notice));
      case 'click':
        return acceptClick(found, parts, signal);
      case 'stranger': {
        const { notice, userId, chatId } = found;
        const isHeard = strangersLeft.take('all', 1) === 0;
        const level = isHeard ? 'warn' : 'debug';
        log[level]({ user: userId, chat: chatId }, 'somebody who is not served wrote to the bot');
        if (isHeard) say(notice);
        return true;
      }
      case 'membership':
        log.info({ chat: found.chatId, status: found.status }, 'the place of the bot has changed');
        return true;
      case 'ignored':
        log.debug({ update: update.update_id, why: found.why }, 'an update was not for the bot');
        return true;
    }
  };

  return async (update, signal) => {
    try {
      return await handle(update, signal);
    } catch (error) {
      if (error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE') return false;
      log.error({ update: update.update_id, error: messageOf(error) }, 'an update cannot be read');
      return true;
    }
  };
}

/**
 * Whether the message needs not come again: it is on disk, or was refused.
 * @param answer says what answers the message, which is not stored then
 */
async function accept(
  inbound: InboundHandler,
  message: InboundMessage,
  answer?: () => void,
): Promise<boolean> {
  const check = (say: () => void) => (): Promise<InboundOutcome> => {
    say();
    return Promise.resolve({ ok: true, isNew: false });
  };
  const outcome = await inbound.accept(message, answer === undefined ? undefined : check(answer));
  return isStored(outcome);
}

const isStored = (outcome: InboundOutcome): boolean =>
  outcome.ok || outcome.code !== 'GH_STORE_UNAVAILABLE';

async function acceptMessage(
  message: InboundMessage,
  { api, targets, migrations, inbound }: PollParts,
  signal: AbortSignal,
): Promise<boolean> {
  const outcome = await inbound.accept(message);
  // A repeated or refused message costs no request.
  if (!outcome.ok || !outcome.isNew) return isStored(outcome);
  const { chatId, topicId } = addressOf(targets.byName(message.target)!, message.chatUser);
  const topic = topicId === null ? {} : { message_thread_id: topicId };
  void api.call((methods) =>
    methods.sendChatAction(migrations.currentOf(chatId), 'typing', topic, signal as never),
  );
  return true;
}

async function acceptClick(
  { queryId, message, refusal }: Read & { kind: 'click' },
  { api, inbound }: PollParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (message !== null && !(await accept(inbound, message))) return false;
  // Without an answer the button turns for a minute. A press that is too old cannot be answered any more.
  const text = message === null ? { text: refusal, show_alert: true } : {};
  void api.call((methods) => methods.answerCallbackQuery(queryId, text, signal as never));
  return true;
}
