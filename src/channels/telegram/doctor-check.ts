/**
 * Doctor check of Telegram: whether the token is known, whether a webhook blocks polling, whether the bot can write to
 * the allowed users, and sees the messages of its groups. Asks for no messages: that would interrupt the bridge.
 */
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { isLoopback } from '#shared/loopback';
import type { BotApi } from './bot-api.ts';
import { tokenRefused } from './bot-api.ts';
import { twoPollers, webhookIsSet } from './polling.ts';
import type { TelegramSettings } from './telegram-config.ts';
import type { Targets } from './targets.ts';

const { fine, fault } = checkResultsOf('telegram');
/** Enough for a home; each is one request. */
const usersMax = 30;

export async function checkTelegram(
  settings: TelegramSettings,
  targets: Targets,
  api: BotApi,
): Promise<CheckResult[]> {
  const me = await api.call((methods) => methods.getMe());
  if (!me.ok) return [fault(me.failure.error, adviceFor(me.failure.error))];
  const { username, can_read_all_group_messages: readsAll } = me.value;
  return [
    fine(`the bot is @${username}`),
    ...checkAddress(settings),
    ...(await checkWebhook(api)),
    ...(await checkUsers(targets, api)),
    ...(await checkGroups(targets, api)),
    ...(targets.groups.length === 0 || readsAll ? [] : [privacy]),
  ];
}

const privacy = fine(
  'privacy mode is on: in groups the bot gets commands and replies to its messages only',
  'for names and trigger words turn it off (BotFather: /setprivacy, Disable), then add the bot to the group anew',
);

function checkAddress({ apiRoot }: TelegramSettings): CheckResult[] {
  const { protocol, hostname } = new URL(apiRoot);
  if (protocol === 'https:' || isLoopback(hostname)) return [];
  return [fine('telegram.apiRoot is not encrypted', 'the token is in every request: use https')];
}

async function checkWebhook(api: BotApi): Promise<CheckResult[]> {
  const info = await api.call((methods) => methods.getWebhookInfo());
  const url = info.ok ? (info.value.url ?? '') : '';
  if (url === '') return [];
  const what = `a webhook is set (${new URL(url).host}): it blocks the messages of the bridge`;
  return [
    fault(what, 'stop the program that uses it; the bridge removes the webhook at its start'),
  ];
}

async function checkUsers({ allowed }: Targets, api: BotApi): Promise<CheckResult[]> {
  const missing: string[] = [];
  for (const user of [...allowed].slice(0, usersMax)) {
    const chat = await api.call((methods) => methods.getChat(user));
    if (!chat.ok && chat.failure.kind === 'refused' && chat.failure.code < 500) missing.push(user);
  }
  if (missing.length === 0) return [];
  const advice = 'each of them must open the bot once and press Start; or the number is wrong';
  return [fine(`the bot cannot write to ${missing.join(', ')}`, advice)];
}

async function checkGroups({ groups }: Targets, api: BotApi): Promise<CheckResult[]> {
  const findings: CheckResult[] = [];
  for (const { groupId } of groups) {
    const chat = await api.call((methods) => methods.getChat(groupId!));
    if (chat.ok) continue;
    const { failure } = chat;
    const migratedTo = failure.kind === 'refused' ? failure.migratedTo : null;
    findings.push(
      migratedTo === null
        ? fault(`group ${groupId}: ${failure.error}`, 'is the bot a member, and the id right?')
        : fine(`group ${groupId} has the id ${migratedTo} now`, 'write it into telegram.groups'),
    );
  }
  return findings;
}

/** The advice for an error of the Bot API or of the connection to it. */
export function adviceFor(error: string): string {
  if (error.includes(tokenRefused)) {
    return 'copy the token again from BotFather (/mybots, API Token) into telegram.token, and start the bridge again';
  }
  if (error.includes(twoPollers)) return 'only one process may ask for the messages of a bot';
  if (error.includes(webhookIsSet)) return 'a bot has either a webhook or a bridge';
  if (/chat not found|initiate conversation/i.test(error)) {
    return 'the person must open the bot in Telegram and press Start; in a group, add the bot';
  }
  if (/blocked|deactivated/i.test(error)) return 'the person has blocked the bot, or left Telegram';
  if (/kicked|not a member|rights|WRITE_FORBIDDEN/i.test(error)) {
    return 'add the bot to the group again, and allow it to write';
  }
  if (/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN|no connection/.test(error)) {
    return 'does this machine reach the address in telegram.apiRoot? Some networks block Telegram';
  }
  return 'see docs/telegram.md; if it stays so, is telegram.apiRoot right?';
}
