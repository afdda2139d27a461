/**
 * Simulates Telegram for one bot: the Bot API (https://core.telegram.org/bots/api) as far as a chat bot needs it, the
 * people who write to the bot, and all failures of both that were seen. For tests (in process, `startFakeTelegram`) and
 * for users (`gatehouse fake-telegram`, with a page).
 *
 * It is based on the documentation and on the source of the real server; nothing was compared with the real service.
 *
 *     const telegram = await startFakeTelegram();
 *     telegram.fail({ kind: 'cut', at: 'stored' }, { method: 'sendmessage' });  // sent, but its response is lost
 *     telegram.say({ userId: 501, text: '안녕' });                                // an update for the bot
 *     await telegram.until(() => telegram.posted(501).length === 1, 5_000);      // the bot has answered
 *     await telegram.close();
 */
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '#shared/clock';
import { EventFeed } from '../event-feed.ts';
import { FaultQueue, type Storm } from '../fault-queue.ts';
import { addressOf } from '../refusable-server.ts';
import { withPage } from '../page-server.ts';
import { RequestLog } from '../request-log.ts';
import { ApiServer } from './api-server.ts';
import type { TelegramChat, TelegramUser } from './chat-types.ts';
import { controlsOf } from './controls.ts';
import { stormFaults, type Fault } from './faults.ts';
import { RateLimits } from './rate-limits.ts';
import { pagePort } from './page-view.ts';
import { defaultRules, type TelegramRules } from './rules.ts';
import type { TelegramContext } from './telegram-context.ts';
import type { FakeTelegram } from './telegram-controls.ts';
import type { TelegramEvent } from './telegram-event.ts';
import { TelegramState } from './telegram-state.ts';
import { UpdateQueue } from './update-queue.ts';

export interface FakeTelegramOptions {
  /** Port of the API; 0 (the default): a free port. */
  port?: number;
  /** Default: loopback. */
  host?: string;
  /** Port of the page; without it there is no page. 0: a free port. */
  pagePort?: number;
  /** Of the bot, `<id>:<letters>`; the default is public and valid only here. */
  token?: string;
  /** Default: gatehouse_bot. */
  username?: string;
  /** Default: 김하나 (501), 박두리 (502), Ann (503). */
  users?: readonly Pick<TelegramUser, 'id' | 'firstName' | 'username'>[];
  /** Default: the group "Family" (-401) and the supergroup "Lab" (-1001000000402) with the topics 2 and 3. */
  groups?: readonly TelegramChat[];
  rules?: Partial<TelegramRules>;
  storm?: Storm<Fault>;
  /** Clock for messages, limits and expiry; the system's by default. Waiting polls use real time. */
  clock?: Clock;
}

/** Resolves when the ports are open. Rejects if one is in use. */
export async function startFakeTelegram(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
  const { host = '127.0.0.1', port = 0, token = defaultToken, clock = systemClock } = options;
  const closing = new AbortController();
  // Every slow answer adds a listener to it.
  setMaxListeners(0, closing.signal);
  const feed = new EventFeed<TelegramEvent>();
  const rules: TelegramRules = { ...defaultRules, ...options.rules };
  const users = (options.users ?? defaultUsers).map(userOf);
  const telegram: TelegramContext = {
    state: new TelegramState({
      bot: {
        id: Number(token.split(':')[0]),
        username: options.username ?? 'gatehouse_bot',
        firstName: 'Gatehouse',
      },
      users,
      groups: options.groups ?? defaultGroups(users.map(({ id }) => id)),
      clock,
      feed,
    }),
    updates: new UpdateQueue({
      clock,
      rules,
      changed: (update) => feed.emit({ type: 'update', update }),
      polled: () => feed.emit({ type: 'state' }),
    }),
    limits: new RateLimits(rules, clock),
    feed,
    faults: new FaultQueue(stormFaults),
    requests: new RequestLog((request) => feed.emit({ type: 'request', request })),
    rules,
    access: { token, webhookUrl: '', isListening: false },
    clock,
    closing: closing.signal,
  };
  telegram.faults.storm = options.storm ?? null;
  const server = new ApiServer(telegram);
  const url = addressOf('http', host, await server.listen(host, port));
  const close = async (): Promise<void> => {
    closing.abort();
    telegram.updates.close();
    await server.close();
  };
  const controls = controlsOf({ telegram, server, url, token });
  const page = pagePort(controls);
  return {
    ...controls,
    ...(await withPage(page, host, options.pagePort ?? null, close)),
  };
}

/** In the form of real tokens. Constant, so that a configuration keeps working after a restart. */
const defaultToken = `7000000001:${'practice'.repeat(4)}-_A`;

const defaultUsers = [
  { id: 501, firstName: '김하나', username: 'hana' },
  { id: 502, firstName: '박두리', username: 'duri' },
  { id: 503, firstName: 'Ann', username: null },
];

const userOf = (given: Pick<TelegramUser, 'id' | 'firstName' | 'username'>): TelegramUser => ({
  ...given,
  languageCode: 'ko',
  isDeactivated: false,
});

const defaultGroups = (memberIds: number[]): TelegramChat[] => [
  {
    id: -401,
    type: 'group',
    title: 'Family',
    memberIds,
    bot: 'member',
    topics: null,
    migratedTo: null,
  },
  {
    id: -1_001_000_000_402,
    type: 'supergroup',
    title: 'Lab',
    memberIds,
    bot: 'member',
    topics: [
      { threadId: 2, name: 'Papers' },
      { threadId: 3, name: 'Meetings' },
    ],
    migratedTo: null,
  },
];
