/**
 * The targets in the chat that this bridge serves, from the configuration: bots (direct messages of a user) and
 * channels (an outgoing webhook for posts, an incoming one for answers).
 *
 * A channel's webhook has its own user numbers: only users mapped to the chat's numbers by the configuration are
 * served, because the same number can be another user there.
 */
import { GatehouseError } from '#shared/errors';
import { createTargets, type ChannelTarget, type ChannelTargets } from '../targets.ts';
import type { SynologySettings } from './synology-config.ts';

/** The places and users of the section `synology`. */
type TargetSettings = Pick<
  SynologySettings,
  'incomingUrl' | 'token' | 'allowedUserIds' | 'bots' | 'channels' | 'users'
>;
type BotSettings = TargetSettings['bots'][number];
type ChannelSettings = TargetSettings['channels'][number];

export interface Target extends ChannelTarget {
  kind: 'bot' | 'channel';
  /** As shown by Chat, token included: never log it. */
  url: string;
  /** Accepted tokens: a click on a channel's button carries the token of the incoming webhook. */
  tokens: readonly string[];
  triggerWords: readonly string[];
  /** Null: any channel, or direct messages. */
  channelId: string | null;
  /** The chat's number of the sender; null: the user is not served. */
  resolveChatUser(userId: string): string | null;
}

export type Targets = ChannelTargets<Target>;

const mainBot = 'main';
const channelPrefix = 'channel-';
const botThread = (name: string): string => `bot-${name}`;

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID */
export function parseTargets(settings: TargetSettings): Targets {
  const { incomingUrl, token, allowedUserIds } = settings;
  const bots = [...settings.bots];
  if (incomingUrl !== null && token !== null) {
    bots.unshift({ name: mainBot, incomingUrl, token, allowedUserIds });
  } else if (bots.length + settings.channels.length === 0) {
    throw new GatehouseError(
      'GH_BRIDGE_NOT_CONFIGURED',
      `synology.${incomingUrl === null ? 'incomingUrl' : 'token'}: not set. Make a bot in Synology Chat and copy its URL and token`,
    );
  }
  const all = [
    ...bots.map((bot, index) => botTarget(bot, index === 0)),
    ...settings.channels.map(channelTarget),
  ];
  checkDistinct(all);
  checkPeople(settings.users, bots, settings.channels);
  return createTargets(all, settings.users, (name) =>
    name === mainBot ? null : name.startsWith(channelPrefix) ? name : botThread(name),
  );
}

function botTarget(bot: BotSettings, isFirst: boolean): Target {
  const allowed = new Set(bot.allowedUserIds.map(String));
  const where = bot.name === mainBot ? 'synology' : `synology.bots, ${bot.name}`;
  if (allowed.size === 0) {
    throw new GatehouseError(
      'GH_BRIDGE_NO_USERS',
      `${where}: allowedUserIds is empty. Name who may talk to the assistant; a bot without it would answer anybody`,
    );
  }
  return {
    name: bot.name,
    kind: 'bot',
    isPrivate: true,
    ...parseIncomingUrl(bot.incomingUrl, where),
    tokens: [bareToken(bot.token)],
    thread: isFirst ? null : botThread(bot.name),
    triggerWords: [],
    channelId: null,
    resolveChatUser: (userId) => (allowed.has(userId) ? userId : null),
    hasMember: (chatUser) => allowed.has(chatUser),
  };
}

function channelTarget(channel: ChannelSettings): Target {
  const name = String(channel.name ?? channel.channelId ?? '');
  const where = `synology.channels, ${name || 'one without a name'}`;
  if (!/^[A-Za-z0-9_-]{1,48}$/.test(name)) {
    throw new GatehouseError(
      'GH_CONFIG_INVALID',
      `${where}: expected a channelId, or a name of letters, digits, _ and -`,
    );
  }
  const people = new Map(
    Object.entries(channel.userIdMap).map(([webhookId, chatId]) => [webhookId, String(chatId)]),
  );
  const members = new Set(people.values());
  if (people.size === 0) {
    throw new GatehouseError(
      'GH_BRIDGE_NO_USERS',
      `${where}: userIdMap is empty. Name who may talk to the assistant there: the webhook's number of each person, and the chat's`,
    );
  }
  const address = parseIncomingUrl(channel.incomingUrl, where);
  const urlToken = tokenFromUrl(channel.incomingUrl);
  return {
    name: `${channelPrefix}${name}`,
    kind: 'channel',
    isPrivate: false,
    ...address,
    tokens: [bareToken(channel.token), ...(urlToken === null ? [] : [urlToken])],
    thread: `${channelPrefix}${name}`,
    triggerWords: channel.triggerWords,
    channelId: channel.channelId === undefined ? null : String(channel.channelId),
    resolveChatUser: (userId) => people.get(userId) ?? null,
    hasMember: (chatUser) => members.has(chatUser),
  };
}

function parseIncomingUrl(incomingUrl: string, where: string): { url: string; server: string } {
  const url = URL.canParse(incomingUrl) ? new URL(incomingUrl) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new GatehouseError('GH_CONFIG_INVALID', `${where}: incomingUrl is not an http address`);
  }
  return { url: incomingUrl, server: url.origin };
}

/** The token in the URL, without the quotes around it; null if there is none. */
export function tokenFromUrl(incomingUrl: string): string | null {
  const token = new URL(incomingUrl).searchParams.get('token');
  return token === null || token === '' ? null : bareToken(token);
}

/** Chat writes tokens as JSON strings in some places. */
const bareToken = (token: string): string => token.replace(/^"(.*)"$/, '$1');

/** Answers are routed by user id: two users with one id would read each other's. */
function checkPeople(
  users: TargetSettings['users'],
  bots: readonly BotSettings[],
  channels: readonly ChannelSettings[],
): void {
  const numbers = new Set(
    [
      ...bots.flatMap((bot) => bot.allowedUserIds),
      ...channels.flatMap((channel) => Object.values(channel.userIdMap)),
    ].map(String),
  );
  const owners = new Map<string, string>();
  for (const [chatUser, userId] of Object.entries(users)) {
    const owner = numbers.has(userId) && userId !== chatUser ? userId : owners.get(userId);
    if (owner !== undefined) {
      throw new GatehouseError(
        'GH_CONFIG_INVALID',
        `synology.users, ${chatUser}: the id ${userId} is that of person ${owner} of the chat already`,
      );
    }
    owners.set(userId, chatUser);
  }
}

function checkDistinct(all: readonly Target[]): void {
  const names = all.map(({ name }) => name);
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) {
    throw new GatehouseError('GH_CONFIG_INVALID', `synology: the name ${double} stands twice`);
  }
  for (const [index, target] of all.entries()) {
    for (const token of target.tokens) {
      const other = all.slice(0, index).find((one) => one.tokens.includes(token));
      // One webhook token for several channels: the channel id distinguishes them.
      const isApart = other?.channelId && target.channelId && other.channelId !== target.channelId;
      if (token === '' || (other !== undefined && !isApart)) {
        const why = token === '' ? 'an empty token' : `the token of ${other?.name}`;
        throw new GatehouseError('GH_CONFIG_INVALID', `synology: ${target.name} has ${why}`);
      }
    }
  }
}
