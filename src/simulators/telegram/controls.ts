/** Implements `TelegramControls` for a running simulator. */
import { faultControlsOf } from '../fault-controls.ts';
import type { ApiServer } from './api-server.ts';
import { auditRun } from './audit.ts';
import type { TelegramContext } from './telegram-context.ts';
import type { TelegramControls } from './telegram-controls.ts';
import { refuse, UserActions } from './user-actions.ts';

interface ControlsParts {
  telegram: TelegramContext;
  server: ApiServer;
  url: string;
  token: string;
}

export const controlsOf = (parts: ControlsParts): TelegramControls => ({
  url: parts.url,
  token: parts.token,
  bot: parts.telegram.state.bot,
  ...peopleControls(parts),
  ...faultControls(parts),
  ...views(parts),
});

type PeopleControls = Pick<
  TelegramControls,
  | 'say'
  | 'sendAlbum'
  | 'edit'
  | 'deleteMessage'
  | 'press'
  | 'block'
  | 'unblock'
  | 'deactivate'
  | 'kick'
  | 'add'
  | 'migrate'
>;

function peopleControls({ telegram }: ControlsParts): PeopleControls {
  const actions = new UserActions(telegram);
  const messageOf = (chatId: number, messageId: number) =>
    telegram.state.message(chatId, messageId) ??
    refuse(`there is no message ${messageId} in chat ${chatId}`);
  return {
    say: (message) => actions.say(message),
    sendAlbum: (album) => actions.sendAlbum(album),
    edit: (chatId, messageId, text) => actions.edit(messageOf(chatId, messageId), text),
    deleteMessage: (chatId, messageId) => actions.deleteMessage(messageOf(chatId, messageId)),
    press: (userId, chatId, messageId, data) =>
      actions.press(userId, messageOf(chatId, messageId), data),
    block: (userId) => actions.setBlocked(userId, true),
    unblock: (userId) => actions.setBlocked(userId, false),
    deactivate: (userId) => actions.deactivate(userId),
    kick: (chatId) => actions.setKicked(chatId, true),
    add: (chatId) => actions.setKicked(chatId, false),
    migrate: (chatId) => actions.migrate(chatId),
  };
}

type FaultControls = Pick<
  TelegramControls,
  'revokeToken' | 'restoreToken' | 'redeliver' | keyof ReturnType<typeof faultControlsOf>
>;

function faultControls({ telegram, server, token }: ControlsParts): FaultControls {
  const { faults, rules, access, feed } = telegram;
  const changed = (): void => feed.emit({ type: 'state' });
  const setToken = (now: string | null): void => {
    access.token = now;
    changed();
  };
  return {
    revokeToken: () => setToken(null),
    restoreToken: () => setToken(token),
    redeliver(count) {
      faults.add({ kind: 'repeat', updates: count }, { method: 'getupdates' });
      changed();
    },
    ...faultControlsOf({ faults, rules, server, changed }),
  };
}

type Views = Omit<
  TelegramControls,
  'url' | 'token' | 'bot' | keyof PeopleControls | keyof FaultControls
>;

function views({ telegram, url }: ControlsParts): Views {
  const { state, updates, feed, faults, requests, rules, access } = telegram;
  return {
    status: () => ({
      url,
      bot: state.bot,
      ...access,
      isPolled: updates.isPolled,
      pending: updates.pending,
      rules: { ...rules },
      faults: faults.queue.map((one) => ({ ...one })),
      storm: faults.storm,
      users: state.users,
      commands: [...state.commands.values()][0] ?? [],
    }),
    chats: () => [...state.chats.values()],
    chat: (chatId) => state.chats.get(chatId),
    messages: () => state.messages,
    posted: (chatId) =>
      state.messages.filter(
        (one) => one.chatId === chatId && one.author.kind === 'bot' && !one.isDeleted,
      ),
    callbacks: () => [...state.callbacks.values()],
    updates: () => updates.records,
    requests: () => requests.entries,
    audit: () => auditRun(telegram),
    subscribe: (listener) => feed.subscribe(listener),
    until: (condition, timeoutMs) => feed.until(condition, timeoutMs),
  };
}
