/**
 * The fixture of the bridge's tests: a broker, a core with fake models, a fake NAS and a bridge between them.
 * Core, NAS and bridge run in this process; everything is closed after each test.
 */
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { startBridge, type Bridge, type BridgeOptions } from '#channels/bridge';
import type { CoreLink } from '#channels/core-link-port';
import { openSynology } from '#channels/synology/synology-channel';
import type { TlsTrust } from '#shared/tls-options';
import { configSchema, type Config } from '#app/config/config';
import type { BridgeStorage } from '#channels/bridge-storage-port';
import type { DeliveryReport, Reply } from '#shared/wire/reply';
import { startFakeDsm, type FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { silentLog } from '#shared/log';
import { ChannelLink } from '#events/channel-link/channel-link';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import { broker, folderForTest, natsCommand } from '#test/events/nats-fixture';
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';
import type { NatsServer } from '#test/support/nats-server';

export { natsCommand };

/** The timeout of every wait in these tests. */
export const waitMs = 20_000;
export const token = 'T'.repeat(64);

export async function fakeNas(options: FakeDsmOptions = {}): Promise<FakeDsm> {
  const { rules, ...rest } = options;
  const dsm = await startFakeDsm({
    token,
    ...rest,
    rules: { postIntervalMsMin: 0, ...rules },
  });
  onTestFinished(() => dsm.close());
  return dsm;
}

/** The final reply to a job, to user 4 unless changed. */
export const finalReply = (jobId: string, text: string, change: Partial<Reply> = {}): Reply => ({
  reply_id: `${jobId}:5`,
  job_id: jobId,
  user_id: '4',
  channel: 'synology',
  n: 5,
  kind: 'final',
  text,
  ...change,
});

/** Sets this process's wall clock ahead by `ms` until the test ends. */
export function clockAhead(): { ms: number } {
  const ahead = { ms: 0 };
  const real = Date.now.bind(Date);
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + ahead.ms);
  onTestFinished(() => spy.mockRestore());
  return ahead;
}

export interface OpenBridge {
  bridge: Bridge;
  storage: BridgeStorage;
  folder: string;
  /** The address of the webhook. */
  url: string;
  /** Stops the bridge and starts it again with the same database. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface BridgeInput {
  dsm: FakeDsm;
  natsUrl: string;
  synology?: Record<string, unknown>;
  nats?: Record<string, unknown>;
  timings?: BridgeOptions['timings'];
  log?: BridgeOptions['log'];
  trust?: TlsTrust;
}

export const bridgeConfig = (input: BridgeInput): Config =>
  configSchema.parse({
    nats: { mode: 'external', url: input.natsUrl, ...input.nats },
    synology: {
      incomingUrl: input.dsm.apiUrl(),
      token,
      allowedUserIds: [4, 5],
      port: 0,
      minIntervalMs: 0,
      ...input.synology,
    },
  });

export async function openBridge(input: BridgeInput): Promise<OpenBridge> {
  const folder = folderForTest();
  const { synology, nats } = bridgeConfig(input);
  const log = input.log ?? silentLog();
  const start = async (port: number) => {
    const database = openBridgeDatabase(join(folder, 'synology.db'));
    const storage = createBridgeStore(database, Date.now);
    const bridge = await startBridge({
      channel: 'synology',
      adapter: openSynology(synology, input.trust ?? {}, log),
      settings: { ...synology, port },
      storage,
      link: (onReply) =>
        new ChannelLink({
          config: nats,
          channel: 'synology',
          dataFolder: folder,
          onReply,
          log,
          timings: { retryMs: 10, retryMsMax: 200, nakDelayMs: 50 },
        }),
      locale: 'auto',
      log,
      timings: {
        orderTimeoutMs: 2_000,
        sweepIntervalMs: 200,
        minUnansweredMs: 500,
        ...input.timings,
      },
    });
    return { database, storage, bridge };
  };
  let current = await start(0);
  let isOpen = true;
  const stop = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await current.bridge.stop();
    current.database.close();
  };
  onTestFinished(stop);
  const port = Number(new URL(current.bridge.url).port);
  const opened: OpenBridge = {
    bridge: current.bridge,
    storage: current.storage,
    folder,
    url: current.bridge.url,
    async restart() {
      await stop();
      current = await start(port);
      isOpen = true;
      Object.assign(opened, { bridge: current.bridge, storage: current.storage });
    },
    stop,
  };
  return opened;
}

export interface BridgeWithCore extends OpenBridge {
  server: NatsServer;
  fixture: CoreFixture;
  dsm: FakeDsm;
  /** The texts that the bots have posted to a user, oldest first. */
  textsShownTo(userId: number): string[];
  /** Sends the text, and waits until the bridge has accepted it. */
  type(userId: number, text: string): Promise<void>;
  /** Waits until the user has received `count` texts. */
  waitForTexts(userId: number, count: number): Promise<string[]>;
}

export async function openBridgeWithCore(
  change: {
    core?: ConfigInput;
    dsm?: FakeDsmOptions;
    synology?: Record<string, unknown>;
    timings?: BridgeOptions['timings'];
  } = {},
): Promise<BridgeWithCore> {
  const server = await broker();
  const fixture = await openCore((small, large) => ({
    nats: { mode: 'external', url: server.url },
    ...(typeof change.core === 'function' ? change.core(small, large) : change.core),
  }));
  onTestFinished(() => fixture.close());
  const dsm = await fakeNas(change.dsm);
  const { synology, timings } = change;
  const opened = await openBridge({
    dsm,
    natsUrl: server.url,
    ...(synology === undefined ? {} : { synology }),
    ...(timings === undefined ? {} : { timings }),
  });
  dsm.saveUrl('Gatehouse', opened.url);
  return Object.assign(opened, {
    server,
    fixture,
    dsm,
    textsShownTo: (userId: number) => textsShownTo(dsm, userId),
    async type(userId: number, text: string) {
      const [delivery] = await dsm.say({ userId, text }).settled;
      if (delivery?.state !== 'answered') throw new Error(JSON.stringify(delivery));
    },
    async waitForTexts(userId: number, count: number) {
      await dsm.until(() => textsShownTo(dsm, userId).length >= count, waitMs);
      return textsShownTo(dsm, userId);
    },
  });
}

/** The texts that the bots have posted to a user, oldest first. */
export function textsShownTo(dsm: FakeDsm, userId: number): string[] {
  const ids = dsm
    .conversations()
    .filter((one) => one.kind === 'direct' && one.userId === userId)
    .map(({ id }) => id);
  return dsm
    .posts()
    .filter((post) => ids.includes(post.conversationId) && post.author.kind === 'integration')
    .map(({ text }) => text);
}

export interface BridgeWithoutCore {
  bridge: Bridge;
  storage: BridgeStorage;
  folder: string;
  /** Passes a reply to the bridge as the core would. */
  reply(reply: Reply): Promise<'done' | 'later'>;
  /** The delivery reports that the core would have received, in order. */
  reports: Omit<DeliveryReport, 'reply_id'>[];
  textsShownTo(userId: number): string[];
  stop(): Promise<void>;
}

export interface BridgeWithoutCoreInput {
  /** The folder of a stopped bridge, to continue with its database. */
  folder?: string;
  /** Wraps the storage, for example to fail. */
  disk?(storage: BridgeStorage): BridgeStorage;
  link?: Partial<CoreLink>;
}

/** A bridge without a core: the test sends the replies that a core would send. */
export async function openBridgeWithoutCore(
  dsm: FakeDsm,
  change: Record<string, unknown> = {},
  { folder = folderForTest(), disk = (storage) => storage, link }: BridgeWithoutCoreInput = {},
): Promise<BridgeWithoutCore> {
  const { synology } = bridgeConfig({ dsm, natsUrl: 'nats://127.0.0.1:1', synology: change });
  const database = openBridgeDatabase(join(folder, 'synology.db'));
  const storage = createBridgeStore(database, Date.now);
  const reports: BridgeWithoutCore['reports'] = [];
  let onReply: BridgeWithoutCore['reply'] = () => Promise.resolve('later');
  const away = {
    ok: false as const,
    problem: { code: 'GH_BUS_UNREACHABLE' as const, message: 'there is no core' },
  };
  const bridge = await startBridge({
    channel: 'synology',
    adapter: openSynology(synology, {}, silentLog()),
    settings: synology,
    storage: disk(storage),
    link(take) {
      onReply = take;
      return {
        start: () => undefined,
        stop: () => Promise.resolve(),
        state: 'connected',
        problem: null,
        submit: () => Promise.resolve(away),
        request: () => Promise.resolve(away),
        report(_, report) {
          reports.push(report);
          return Promise.resolve({ ok: true, value: 'stored' });
        },
        ...link,
      };
    },
    locale: 'auto',
    log: silentLog(),
  });
  let isOpen = true;
  const stop = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await bridge.stop();
    database.close();
  };
  onTestFinished(stop);
  return {
    bridge,
    storage,
    folder,
    stop,
    reply: (reply) => onReply(reply),
    reports,
    textsShownTo: (userId) => textsShownTo(dsm, userId),
  };
}
