/** A simulated Telegram, a broker, a core with fake models and the bridge between them, all in this process. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { channels } from '#app/channels';
import { openBridge } from '#app/bridge';
import { configSchema } from '#app/config/config';
import { textsOf } from '#machines/texts';
import { createLog } from '#shared/log';
import type { FakeTelegram } from '#simulators/telegram/telegram-controls';
import { startFakeTelegram, type FakeTelegramOptions } from '#simulators/telegram/fake-telegram';
import type { Message } from '#simulators/telegram/chat-types';
import { broker } from '#test/events/nats-fixture';
import { openCore } from '#test/support/core';
import { waitMs } from '../bridge-fixture.ts';

export const polled = { timeout: waitMs, interval: 20 };

/** Users of the simulated Telegram; Ann is not allowed. */
export const [hana, duri, ann] = [501, 502, 503];
export const family = -401;
export const lab = -1_001_000_000_402;

export const telegramChannel = channels.find(({ name }) => name === 'telegram')!;

/** Without limits of rate, and without the slowness of the real server. */
export async function fakeTelegram(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
  const rules = { chatIntervalMs: 0, groupPerMinute: 0, perSecond: 0, repeatedPollMs: 0 };
  const quick = { ...rules, conflictDelayMs: 0, privacyMode: false, ...options.rules };
  const telegram = await startFakeTelegram({ ...options, rules: quick });
  onTestFinished(() => telegram.close());
  return telegram;
}

export interface TelegramInput {
  telegram?: Record<string, unknown>;
  rules?: FakeTelegramOptions['rules'];
  /** More of the configuration of bridge and core. */
  config?: Record<string, unknown>;
}

/** Log lines of the bridge, as JSON. */
function recordedLog() {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', pretty: false }, { write: (line) => lines.push(line) });
  return { lines, log };
}

export async function openTelegramBridge(input: TelegramInput = {}) {
  const telegram = await fakeTelegram({ rules: input.rules ?? {} });
  const server = await broker();
  const nats = { mode: 'external', url: server.url };
  const core = await openCore({ nats, ...input.config }, { channels: ['telegram'] });
  onTestFinished(() => core.close());
  const { lines, log } = recordedLog();
  const configOf = (change: Record<string, unknown> = {}) =>
    configSchema.parse({
      nats,
      database: join(core.folder, 'gatehouse.db'),
      ...input.config,
      telegram: {
        token: telegram.token,
        apiRoot: telegram.url,
        allowedUserIds: [hana, duri],
        groups: [{ id: family }, { id: lab, triggerWords: ['집사'] }],
        port: 0,
        // Longer than any answer here takes on a loaded machine: its notice is dropped when the answer arrives.
        noticeDelayMs: 60_000,
        ratePerMinute: 1_000,
        database: join(core.folder, 'telegram.db'),
        ...input.telegram,
        ...change,
      },
    });
  const start = (change?: Record<string, unknown>) =>
    openBridge(telegramChannel, configOf(change), log);
  let bridge = await start();
  let isRunning = true;
  const stop = async (): Promise<void> => {
    if (isRunning) await bridge.stop();
    isRunning = false;
  };
  onTestFinished(stop);
  return {
    ...core,
    telegram,
    server,
    lines,
    config: configOf(),
    health: () => bridge.health(),
    stop,
    async restart(change?: Record<string, unknown>) {
      await stop();
      bridge = await start(change);
      isRunning = true;
    },
    /** Without the notice of the bridge that the core does not answer yet: on a loaded machine it comes now and then. */
    texts: (chatId: number): string[] =>
      telegram
        .posted(chatId)
        .map(({ text }) => text)
        .filter((text) => text !== waiting),
    /** The delivery reports of all jobs of the user. */
    async deliveries(user = String(hana)) {
      const { jobs } = await core.client.jobs({ user_id: user });
      const all = await Promise.all(jobs.map(({ job_id }) => core.client.job(job_id)));
      return all.flatMap(({ deliveries }) => deliveries);
    },
  };
}

const waiting = textsOf('ko').chatWaiting;

export type TelegramBridge = Awaited<ReturnType<typeof openTelegramBridge>>;

export const buttonsOf = ({ keyboard }: Message): string[] =>
  (keyboard ?? []).flat().map(({ text }) => text);
