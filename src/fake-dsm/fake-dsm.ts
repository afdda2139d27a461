/**
 * A program that behaves like Synology Chat on a NAS, as far as that is known: the API that bridges post to, the
 * webhooks that it sends, and every way in which both were seen to fail. For tests (in process, `startFakeDsm`) and for a
 * person (`gatehouse fake-dsm`, with a page).
 *
 * It is modelled on documentation and on the code of existing bridges; nothing was compared with a real NAS.
 *
 *     const dsm = await startFakeDsm({ bridgeUrl: 'http://127.0.0.1:8101/webhook/synology', token });
 *     dsm.fail({ kind: 'cut', at: 'stored' });            // the next request: posted, but its answer is lost
 *     const { settled } = dsm.say({ userId: 4, text: '안녕' });
 *     await settled;                                       // the bridge has answered the webhook
 *     await dsm.until(() => dsm.posts().length === 2, 5_000);
 *     await dsm.close();
 */
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '../lib/clock.ts';
import { ApiServer } from './api-server.ts';
import type { Audit } from './audit.ts';
import { provideCertificate } from './certificate.ts';
import {
  Chat,
  type ChatChannel,
  type ChatFile,
  type ChatUser,
  type Conversation,
  type Integration,
  type Post,
} from './chat.ts';
import { controlsOf } from './controls.ts';
import type { Delivery } from './delivery.ts';
import {
  Faults,
  type ApiMethod,
  type Fault,
  type FaultScope,
  type QueuedFault,
  type Storm,
} from './faults.ts';
import { Feed, type Happening } from './feed.ts';
import type { Nas } from './nas.ts';
import { Outgoing } from './outgoing.ts';
import { PageServer } from './page-server.ts';
import { randomOf } from './random.ts';
import { RequestLog, type ApiRequest } from './request-log.ts';
import { defaultRules, type DsmRules } from './rules.ts';
import { defaultChannels, defaultIntegrations, defaultUsers } from './scene.ts';

export interface FakeDsmOptions {
  /** Of the API; 0 (the default) takes a free one. */
  port?: number;
  /** Loopback by default. */
  host?: string;
  /** Of the page; none without it. 0 takes a free one. */
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
  storm?: Storm;
  /** HTTPS with a self-signed certificate whose only name is "synology". */
  tls?: boolean;
  /** Where the certificate is kept; without it each start makes a new one. */
  tlsFolder?: string;
  /** Of posts and of the interval between them; the system's by default. */
  clock?: Clock;
  /** For duplicates and reordering of webhooks; 1 by default. */
  seed?: number;
}

/** A message as a person types it. */
export interface Said {
  userId: number;
  text: string;
  /** In this channel; else to a bot. */
  channelId?: number;
  /** Default: the first bot. */
  bot?: string;
  file?: ChatFile;
}

/** A press on a button. */
export interface Press {
  userId: number;
  postId: number;
  /** The `value` of the button. Where two of a post share one, the first is meant. */
  value: string;
}

/** What was done, and when the webhooks that it caused have come to an end. */
export interface SentPost {
  post: Post;
  settled: Promise<Delivery[]>;
}

/** What the page shows beside the posts. */
export interface DsmState {
  url: string;
  fingerprint256: string | null;
  isPackageRunning: boolean;
  isListening: boolean;
  rules: DsmRules;
  faults: readonly QueuedFault[];
  storm: Storm | null;
  users: readonly ChatUser[];
  /** `bridgeUrl`: where its webhooks go. `apiUrl`: where a bridge posts; null for an outgoing webhook. */
  integrations: {
    kind: Integration['kind'];
    name: string;
    bridgeUrl: string | null;
    apiUrl: string | null;
    isSulking: boolean;
  }[];
}

export interface FakeDsm {
  /** `http://127.0.0.1:port` or `https://…`. */
  readonly url: string;
  readonly pageUrl: string | null;
  /** PEM; null without TLS. */
  readonly certificate: string | null;
  /** `AA:BB:…`, SHA-256; null without TLS. */
  readonly fingerprint256: string | null;
  /** The address that Chat would show for this integration; `bare` leaves the quotes of the token out. */
  apiUrl(integration?: string, method?: ApiMethod, form?: 'quoted' | 'bare'): string;

  /** Types a message. Throws for a user, channel or bot that does not exist. */
  say(said: Said): SentPost;
  /** Presses a button; it stays clickable. Throws where the post has no such button. */
  press(press: Press): SentPost;
  /** Sends a webhook of the past once more, whatever became of it. */
  redeliver(deliveryId: number): Promise<Delivery>;
  /** Saves the outgoing URL of an integration (the same one without `url`), which ends its sulking. */
  saveUrl(integration: string, url?: string | null): void;
  changeRules(change: Partial<DsmRules>): void;
  /** Faults meet requests in the order in which they were added. */
  fail(fault: Fault, scope?: FaultScope): void;
  clearFaults(): void;
  setStorm(storm: Storm | null): void;
  /** Stopped: the API is gone (102) and nothing is sent. */
  setPackage(running: boolean): void;
  /** Closes the port and every connection; resolves when connecting is refused. Opens again after `forMs`, where given. */
  refuseConnections(forMs?: number): Promise<void>;
  acceptConnections(): Promise<void>;

  /** Where things stand that a person can change; see `DsmState`. */
  state(): DsmState;
  conversations(): Conversation[];
  /** Oldest first. */
  posts(): readonly Post[];
  deliveries(): readonly Delivery[];
  /** Oldest first; the last 50,000. */
  requests(): readonly ApiRequest[];
  /** Integrations that sulk. */
  sulking(): string[];
  audit(): Audit;
  /** Tells everything that happens; returns what ends the subscription. */
  subscribe(listener: (happening: Happening) => void): () => void;
  /** Resolves when `condition` holds; looks again at each happening. Rejects after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs: number): Promise<void>;
  /** Ends everything: listeners, connections, timers. */
  close(): Promise<void>;
}

/** Resolves when the ports are open. Rejects where one is taken. */
export async function startFakeDsm(options: FakeDsmOptions = {}): Promise<FakeDsm> {
  const { host = '127.0.0.1', port = 0, pagePort, clock = systemClock, tls = false } = options;
  const closing = new AbortController();
  const feed = new Feed();
  const chat = new Chat({
    users: options.users ?? defaultUsers,
    channels: options.channels ?? defaultChannels,
    integrations:
      options.integrations ?? defaultIntegrations(options.bridgeUrl ?? null, options.token),
    clock,
    feed,
  });
  const nas: Nas = {
    chat,
    feed,
    faults: new Faults(),
    requests: new RequestLog(feed),
    rules: { ...defaultRules, ...options.rules },
    power: { isPackageRunning: true, isListening: false },
    clock,
    closing: closing.signal,
  };
  // Each webhook and each wait listens to it.
  setMaxListeners(0, closing.signal);
  nas.faults.storm = options.storm ?? null;
  const certificate = tls ? await provideCertificate(options.tlsFolder ?? null) : null;
  const server = new ApiServer(nas, certificate);
  const outgoing = new Outgoing(nas, randomOf(options.seed ?? 1));
  const openPort = await server.listen(host, port);
  const url = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${openPort}`;
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
  const page = pagePort === undefined ? null : new PageServer(controls);
  try {
    const pageUrl = page === null ? null : await page.listen(host, pagePort ?? 0);
    return {
      ...controls,
      pageUrl,
      certificate: certificate?.cert ?? null,
      async close() {
        await page?.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Everything of a `FakeDsm` but its page and its end: what the page itself can do. */
export type DsmControls = Omit<FakeDsm, 'pageUrl' | 'certificate' | 'close'>;
