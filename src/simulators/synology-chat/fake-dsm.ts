/**
 * Simulates Synology Chat on a NAS, as far as its behaviour is known: the API that bridges post to, the webhooks that
 * it sends, and all failures of both that were seen. For tests (in process, `startFakeDsm`) and for users (`gatehouse
 * fake-dsm`, with a page).
 *
 * It is based on documentation and on the code of existing bridges; nothing was compared with a real NAS.
 *
 *     const dsm = await startFakeDsm({ bridgeUrl: 'http://127.0.0.1:8101/webhook/synology', token });
 *     dsm.fail({ kind: 'cut', at: 'stored' });            // the next request: posted, but its response is lost
 *     const { settled } = dsm.say({ userId: 4, text: '안녕' });
 *     await settled;                                       // the bridge has answered the webhook
 *     await dsm.until(() => dsm.posts().length === 2, 5_000);
 *     await dsm.close();
 */
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '#shared/clock';
import { ApiServer } from './api-server.ts';
import { provideCertificate } from './certificate.ts';
import { Chat } from './chat.ts';
import type { ChatChannel, ChatUser, Integration } from './chat-types.ts';
import { controlsOf } from './controls.ts';
import { FaultQueue, type Storm } from '../fault-queue.ts';
import { RequestLog } from '../request-log.ts';
import { withPage } from '../page-server.ts';
import { addressOf } from '../refusable-server.ts';
import { stormFaults, type Fault } from './api-faults.ts';
import { EventFeed } from '../event-feed.ts';
import type { SimulatorEvent } from './simulator-event.ts';
import type { SimulatorContext } from './simulator-context.ts';
import { OutgoingWebhooks } from './outgoing-webhooks.ts';
import { pagePort } from './page-view.ts';
import { randomOf } from '../random.ts';
import { defaultRules, type DsmRules } from './rules.ts';
import type { FakeDsm } from './dsm-controls.ts';

export interface FakeDsmOptions {
  /** Port of the API; 0 (the default): a free port. */
  port?: number;
  /** Default: loopback. */
  host?: string;
  /** Port of the page; without it there is no page. 0: a free port. */
  pagePort?: number;
  /** Default: 김하나 (4, webhook id 1), 박두리 (5, 2), Ann (6, 3). */
  users?: readonly ChatUser[];
  /** Default: 1 "General", 2 "Lab". */
  channels?: readonly ChatChannel[];
  /**
   * Default: the bot "Gatehouse" with `token`, and for the channel Lab the webhooks "Lab out" (`token` + `-out`, every
   * message) and "Lab in" (`-in`); all send to `bridgeUrl`.
   */
  integrations?: readonly Integration[];
  /** For the default integrations. */
  bridgeUrl?: string | null;
  /** For the default integrations; 64 letters by default, as in Chat. */
  token?: string;
  rules?: Partial<DsmRules>;
  storm?: Storm<Fault>;
  /** HTTPS with a self-signed certificate whose only name is "synology". */
  tls?: boolean;
  /** Folder of the certificate; without it each start creates a new one. */
  tlsFolder?: string;
  /** Clock for posts and the interval between them; the system's by default. */
  clock?: Clock;
  /** Seed for duplicates and reordering of webhooks; 1 by default. */
  seed?: number;
}

/** Resolves when the ports are open. Rejects if one is in use. */
export async function startFakeDsm(options: FakeDsmOptions = {}): Promise<FakeDsm> {
  const { host = '127.0.0.1', port = 0, clock = systemClock, tls = false } = options;
  const closing = new AbortController();
  const feed = new EventFeed<SimulatorEvent>();
  const chat = new Chat({
    users: options.users ?? defaultUsers,
    channels: options.channels ?? defaultChannels,
    integrations:
      options.integrations ?? defaultIntegrations(options.bridgeUrl ?? null, options.token),
    clock,
    feed,
  });
  const nas: SimulatorContext = {
    chat,
    feed,
    faults: new FaultQueue(stormFaults),
    requests: new RequestLog((request) => feed.emit({ type: 'request', request })),
    rules: { ...defaultRules, ...options.rules },
    power: { isPackageRunning: true, isListening: false },
    clock,
    closing: closing.signal,
  };
  // Every webhook and every wait adds a listener to it.
  setMaxListeners(0, closing.signal);
  nas.faults.storm = options.storm ?? null;
  const certificate = tls ? await provideCertificate(options.tlsFolder ?? null) : null;
  const server = new ApiServer(nas, certificate);
  const outgoing = new OutgoingWebhooks(nas, randomOf(options.seed ?? 1));
  const openPort = await server.listen(host, port);
  const url = addressOf(tls ? 'https' : 'http', host, openPort);
  const close = async (): Promise<void> => {
    closing.abort();
    outgoing.close();
    await server.close();
  };
  const controls = controlsOf({
    nas,
    outgoing,
    server,
    url,
    fingerprint256: certificate?.fingerprint256 ?? null,
  });
  const page = pagePort(controls);
  return {
    ...controls,
    certificate: certificate?.cert ?? null,
    ...(await withPage(page, host, options.pagePort ?? null, close)),
  };
}

/** As on a real server the two numbers of a user differ, so that mixing them up shows. */
const defaultUsers: readonly ChatUser[] = [
  { userId: 4, webhookUserId: 1, username: 'hana', nickname: '김하나' },
  { userId: 5, webhookUserId: 2, username: 'duri', nickname: '박두리' },
  { userId: 6, webhookUserId: 3, username: 'ann', nickname: 'Ann' },
];

const defaultChannels: readonly ChatChannel[] = [
  { channelId: 1, name: 'General' },
  { channelId: 2, name: 'Lab' },
];

/** 64 letters as in Chat. Constant, so that a configuration keeps working after a restart; it is valid only here. */
const defaultToken = 'practice'.repeat(8);

const defaultIntegrations = (bridgeUrl: string | null, token = defaultToken): Integration[] => [
  { kind: 'bot', name: 'Gatehouse', token, url: bridgeUrl },
  {
    kind: 'outgoing',
    name: 'Lab out',
    token: `${token}-out`,
    url: bridgeUrl,
    channelId: 2,
    triggerWord: null,
  },
  { kind: 'incoming', name: 'Lab in', token: `${token}-in`, url: bridgeUrl, channelId: 2 },
];
