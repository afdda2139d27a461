/** A fake NAS with a settable clock, and a bridge with settable answers to webhooks. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { startFakeDsm, type FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

export interface TestNas extends FakeDsm {
  /** Moves the clock past the interval between posts. */
  wait(ms?: number): void;
}

export async function openNas(options: FakeDsmOptions = {}): Promise<TestNas> {
  let now = 1_795_000_000_000;
  const dsm = await startFakeDsm({ clock: { now: () => now }, ...options });
  open.push(() => dsm.close());
  return { ...dsm, wait: (ms = 500) => void (now += ms) };
}

/** A response of the API. `success: false` is a normal response, not an exception. */
export interface ApiReply {
  status: number;
  body: {
    success?: boolean;
    error?: { code: number; errors: string };
    data?: Record<string, unknown>;
  };
}

export async function sendRequest(url: string, init: RequestInit = {}): Promise<ApiReply> {
  // One connection per request: a fault cannot affect the next request.
  const headers = { ...(init.headers as Record<string, string>), connection: 'close' };
  const response = await fetch(url, { ...init, headers });
  return { status: response.status, body: (await response.json()) as ApiReply['body'] };
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

export const postBody = (url: string, body: string): Promise<ApiReply> =>
  sendRequest(url, { method: 'POST', headers: formType, body });

export const postPayload = (url: string, payload: unknown): Promise<ApiReply> =>
  postBody(url, `payload=${encodeURIComponent(JSON.stringify(payload))}`);

/** The error code of a request without a response, or `answered`. */
export const failureOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'answered',
    (error: Error) => (error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message,
  );

export interface Webhook {
  method: string;
  contentType: string | undefined;
  form: URLSearchParams;
}

export interface BridgeAnswer {
  status?: number;
  body?: string;
}

export interface WebhookReceiver {
  url: string;
  /** All requests, in order of arrival. */
  seen: Webhook[];
  /** The forms of the POST requests. */
  posts(): URLSearchParams[];
  /** For later requests. A promise that never resolves gives no response. */
  answer(how: (webhook: Webhook) => BridgeAnswer | Promise<BridgeAnswer>): void;
}

/** A bridge that accepts every request until `answer` is called. */
export async function openReceiver(): Promise<WebhookReceiver> {
  let answer: (webhook: Webhook) => BridgeAnswer | Promise<BridgeAnswer> = () => ({});
  const seen: Webhook[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const form = new URLSearchParams(await textOf(request));
      const webhook = {
        method: request.method ?? '',
        contentType: request.headers['content-type'],
        form,
      };
      seen.push(webhook);
      const { status = 200, body = '' } = await answer(webhook);
      response.writeHead(status).end(body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook/synology`,
    seen,
    posts: () => seen.filter((one) => one.method === 'POST').map((one) => one.form),
    answer: (how) => void (answer = how),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += String(part);
  return text;
}
