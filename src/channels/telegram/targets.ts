/**
 * The places that the bot serves: the private chat with each allowed user, and the configured groups, each with its
 * topics. A topic is a target of its own, named after its place: `main/7`, `group-1001234567890/7`.
 *
 * The target `strangers` takes the one sentence to a user or group that is not served. No reply is routed to it.
 */
import { GatehouseError } from '#shared/errors';
import type { Pace } from '../channel-adapter-port.ts';
import { createTargets, type ChannelTarget, type ChannelTargets } from '../targets.ts';
import type { TelegramSettings } from './telegram-config.ts';

export interface Target extends ChannelTarget {
  /** Configured id of the group; null: the private chat with the user. */
  groupId: number | null;
  /** `message_thread_id`; null: no topic. */
  topicId: number | null;
  triggerWords: readonly string[];
}

export interface Targets extends ChannelTargets<Target> {
  allowed: ReadonlySet<string>;
  groups: readonly Target[];
  /** The target of a message; null: the group is not configured. */
  placeOf(groupId: number | null, topicId: number | null): Target | null;
}

export const strangers = 'strangers';
const main = 'main';
const groupPrefix = 'group-';
const privateTopicPrefix = 'topic-';

type TargetSettings = Pick<TelegramSettings, 'token' | 'apiRoot' | 'allowedUserIds' | 'groups'>;

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID */
export function parseTargets(settings: TargetSettings): Targets {
  const { token, apiRoot, allowedUserIds } = settings;
  if (token === null) {
    throw new GatehouseError(
      'GH_BRIDGE_NOT_CONFIGURED',
      'telegram.token: not set. Make a bot with BotFather in Telegram and copy its token',
    );
  }
  const allowed = new Set(allowedUserIds.map(String));
  if (allowed.size === 0) {
    throw new GatehouseError(
      'GH_BRIDGE_NO_USERS',
      'telegram.allowedUserIds is empty, and no person has an id in telegram. Name who may talk to the assistant',
    );
  }
  const server = new URL(apiRoot).origin;
  const mainTarget: Target = {
    name: main,
    isPrivate: true,
    server,
    thread: null,
    groupId: null,
    topicId: null,
    triggerWords: [],
    hasMember: (chatUser) => allowed.has(chatUser),
  };
  const groups = settings.groups.map((group) => groupTarget(group, server, allowed));
  checkDistinct(groups);
  const strangersTarget: Target = {
    ...mainTarget,
    name: strangers,
    isPrivate: false,
    thread: strangers,
    hasMember: () => true,
  };
  const base = createTargets<Target>([mainTarget, ...groups], {}, threadOfName);
  const byName = (name: string): Target | null => {
    if (name === strangers) return strangersTarget;
    const [, place = '', topic = null] = /^([^/]+)(?:\/(\d{1,15}))?$/.exec(name) ?? [];
    const target = base.byName(place);
    return target === null || topic === null ? target : topicOf(target, Number(topic));
  };
  return {
    ...base,
    byName,
    threadOf: threadOfName,
    byThread(thread) {
      if (thread === null) return mainTarget;
      // A thread of this name must not reach people who are not served.
      return thread === strangers ? null : byName(nameOfThread(thread));
    },
    allowed,
    groups,
    placeOf(groupId, topicId) {
      const target = groupId === null ? mainTarget : base.byName(nameOfGroup(groupId));
      return target === null || topicId === null ? target : topicOf(target, topicId);
    },
  };
}

const nameOfGroup = (id: number): string => `${groupPrefix}${String(id).replace('-', '')}`;

function groupTarget(
  { id, triggerWords, allowedUserIds }: TelegramSettings['groups'][number],
  server: string,
  allowed: ReadonlySet<string>,
): Target {
  const members = new Set((allowedUserIds ?? [...allowed]).map(String));
  const name = nameOfGroup(Number(id));
  return {
    name,
    isPrivate: false,
    server,
    thread: name,
    groupId: Number(id),
    topicId: null,
    triggerWords,
    hasMember: (chatUser) => members.has(chatUser),
  };
}

function topicOf(target: Target, topicId: number): Target {
  const name = `${target.name}/${topicId}`;
  return { ...target, name, thread: threadOfName(name), topicId };
}

/** `main/7` → `topic-7`, `group-1/7` → `group-1-7`; null: the private chat itself. */
function threadOfName(name: string): string | null {
  if (name === main) return null;
  return name.replace(/^main\//, privateTopicPrefix).replace('/', '-');
}

function nameOfThread(thread: string): string {
  const [, topic] = /^topic-(\d+)$/.exec(thread) ?? [];
  return topic === undefined ? thread.replace(/^(group-\d+)-(\d+)$/, '$1/$2') : `${main}/${topic}`;
}

function checkDistinct(groups: readonly Target[]): void {
  const names = groups.map(({ name }) => name);
  const double = groups.find(({ name }, index) => names.indexOf(name) !== index);
  if (double === undefined) return;
  throw new GatehouseError(
    'GH_CONFIG_INVALID',
    `telegram.groups: the group ${double.groupId} stands twice`,
  );
}

export interface Address {
  chatId: number;
  topicId: number | null;
}

/** `chatUser` of the target `strangers`. */
export const strangerAddress = ({ chatId, topicId }: Address): string =>
  topicId === null ? String(chatId) : `${chatId}/${topicId}`;

/** Configured address: the id of a group may be another one now (migrations.ts). */
export function addressOf({ name, groupId, topicId }: Target, chatUser: string): Address {
  if (name !== strangers) return { chatId: groupId ?? Number(chatUser), topicId };
  const [chatId, topic] = chatUser.split('/');
  return { chatId: Number(chatId), topicId: topic === undefined ? null : Number(topic) };
}

/** Of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this. */
const chatIntervalMs = 1_000;
const groupPerMinute = 20;

export function paceOf(target: Target, chatUser: string): Pace {
  const { chatId } = addressOf(target, chatUser);
  return {
    place: String(chatId),
    minIntervalMs: chatIntervalMs,
    perMinute: chatId < 0 ? groupPerMinute : 0,
  };
}
