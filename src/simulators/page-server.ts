/**
 * The HTTP server of a simulator's page: its files, the simulator's events as server-sent events, and one route for all
 * actions. It has its own port, so that the page stays while connections to the simulated service are refused.
 *
 * Only a page of this server may use it: a page of another site is refused by its Origin, a foreign host name (DNS
 * rebinding) by the Host header, and a form of another site by the content type.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { messageOf } from '#shared/errors';
import { isLoopback, isLoopbackHostHeader } from '#shared/loopback';
import { pageHeaders, readPage } from '#shared/page-assets';
import { readBody } from './http-trouble.ts';
import { addressOf } from './refusable-server.ts';

/** The largest file that a page sends, in base64, and its envelope. */
const bodyBytesMax = 48 * 1024 * 1024;
/** A page with more unread bytes is disconnected; its browser reconnects and gets a new snapshot. */
const backlogBytesMax = 4 * 1024 * 1024;

const headers = { ...pageHeaders, 'cache-control': 'no-store' };

export interface PagePort<E extends { type: string }> {
  /** The folder of the page's own files. */
  folder: string;
  /** Performs an action of the page. Throws for an invalid one, with a message for the user. */
  perform(action: unknown): Promise<object>;
  /** All that a page shows when it opens. */
  snapshot(): unknown;
  /** The data of an event for the page. */
  toWire(event: E): unknown;
  subscribe(listener: (event: E) => void): () => void;
  /** By the last part of `/files/…`. */
  fileOf(id: string): { name: string; content: Buffer } | null;
}

class PageServer<E extends { type: string }> {
  readonly #port: PagePort<E>;
  readonly #assets;
  readonly #server = createServer((request, response) => {
    void this.#handle(request, response).catch(() => response.destroy());
  });
  readonly #followers = new Set<ServerResponse>();
  #isLocal = true;
  #unsubscribe: () => void = () => undefined;

  constructor(port: PagePort<E>) {
    this.#port = port;
    this.#assets = readPage(join(import.meta.dirname, 'page'), port.folder);
  }

  /** Resolves to the address of the page. */
  async listen(host: string, port: number): Promise<string> {
    this.#isLocal = isLoopback(host);
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#unsubscribe = this.#port.subscribe((event) => this.#broadcast(event));
    const { port: openPort } = this.#server.address() as AddressInfo;
    return `${addressOf('http', host, openPort)}/`;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    if (!this.#mayTalk(request)) return send(response, 403, 'text/plain', 'not from here');
    if (request.method === 'POST' && pathname === '/do') return this.#act(request, response);
    if (request.method !== 'GET') return send(response, 405, 'text/plain', 'not allowed');
    if (pathname === '/events') return this.#follow(response);
    if (pathname.startsWith('/files/')) return this.#sendFile(pathname, response);
    const asset = this.#assets.get(pathname === '/' ? 'index.html' : pathname.slice(1));
    if (asset === undefined) return send(response, 404, 'text/plain', 'not found');
    return send(response, 200, asset.type, asset.body);
  }

  #mayTalk({ headers }: IncomingMessage): boolean {
    const { host = '', origin } = headers;
    if (origin !== undefined && origin !== `http://${host}`) return false;
    return !this.#isLocal || isLoopbackHostHeader(host);
  }

  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
    const body = isJson ? await readBody(request, bodyBytesMax) : null;
    const json = 'application/json';
    if (body === null) return send(response, 400, json, JSON.stringify({ problem: 'not JSON' }));
    try {
      const result = await this.#port.perform(JSON.parse(body));
      send(response, 200, json, JSON.stringify(result));
    } catch (error) {
      send(response, 400, json, JSON.stringify({ problem: messageOf(error) }));
    }
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    response.write(sseMessage('snapshot', this.#port.snapshot()));
    this.#followers.add(response);
    response.on('close', () => this.#followers.delete(response));
  }

  #broadcast(event: E): void {
    if (this.#followers.size === 0) return;
    const text = sseMessage(event.type, this.#port.toWire(event));
    for (const follower of this.#followers) {
      if (follower.writableLength > backlogBytesMax) follower.destroy();
      else follower.write(text);
    }
  }

  #sendFile(pathname: string, response: ServerResponse): void {
    const file = this.#port.fileOf(pathname.slice('/files/'.length));
    if (file === null) return send(response, 404, 'text/plain', 'no file');
    const name = encodeURIComponent(file.name);
    // As a download, never displayed: a file from another user must not run here.
    response.setHeader('content-disposition', `attachment; filename*=UTF-8''${name}`);
    send(response, 200, 'application/octet-stream', file.content);
  }
}

const sseMessage = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...headers, 'content-type': type });
  response.end(body);
}

/**
 * Opens the page of a simulator that runs. If that fails, the simulator is closed.
 * @param port null: no page
 */
export async function withPage<E extends { type: string }>(
  pagePort: PagePort<E>,
  host: string,
  port: number | null,
  closeSimulator: () => Promise<void>,
): Promise<{ pageUrl: string | null; close(): Promise<void> }> {
  const page = port === null ? null : new PageServer(pagePort);
  try {
    const pageUrl = (await page?.listen(host, port ?? 0)) ?? null;
    return {
      pageUrl,
      async close() {
        await page?.close();
        await closeSimulator();
      },
    };
  } catch (error) {
    await closeSimulator();
    throw error;
  }
}
