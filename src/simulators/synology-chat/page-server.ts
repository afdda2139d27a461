/**
 * The HTTP server of the page: its files, the simulator's events as server-sent events, and one route for all actions.
 * It has its own port, so that the page stays while connections to the NAS are refused.
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
import type { DsmControls } from './dsm-controls.ts';
import type { SimulatorEvent } from './event-feed.ts';
import { readBody } from './api-request.ts';
import { performAction } from './page-actions.ts';
import { snapshotOf, toWire } from './page-view.ts';

/** The largest file that Chat accepts, in base64, and its envelope. */
const bodyBytesMax = 48 * 1024 * 1024;
/** A page with more unread bytes is disconnected; its browser reconnects and gets a new snapshot. */
const backlogBytesMax = 4 * 1024 * 1024;

const headers = { ...pageHeaders, 'cache-control': 'no-store' };

export class PageServer {
  readonly #controls: DsmControls;
  readonly #assets = readPage(join(import.meta.dirname, 'page'));
  readonly #server = createServer((request, response) => {
    void this.#handle(request, response).catch(() => response.destroy());
  });
  readonly #followers = new Set<ServerResponse>();
  #isLocal = true;
  #unsubscribe: () => void = () => undefined;

  constructor(controls: DsmControls) {
    this.#controls = controls;
  }

  async listen(host: string, port: number): Promise<string> {
    this.#isLocal = isLoopback(host);
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#unsubscribe = this.#controls.subscribe((happening) => this.#broadcast(happening));
    const { port: openPort } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${openPort}/`;
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
      const result = await performAction(this.#controls, JSON.parse(body));
      send(response, 200, json, JSON.stringify(result));
    } catch (error) {
      send(response, 400, json, JSON.stringify({ problem: messageOf(error) }));
    }
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    response.write(sseMessage('snapshot', snapshotOf(this.#controls)));
    this.#followers.add(response);
    response.on('close', () => this.#followers.delete(response));
  }

  #broadcast(event: SimulatorEvent): void {
    if (this.#followers.size === 0) return;
    const text = sseMessage(event.type, toWire(this.#controls, event));
    for (const follower of this.#followers) {
      if (follower.writableLength > backlogBytesMax) follower.destroy();
      else follower.write(text);
    }
  }

  #sendFile(pathname: string, response: ServerResponse): void {
    const postId = Number(pathname.slice('/files/'.length));
    const file = this.#controls.posts().find((post) => post.postId === postId)?.file;
    if (file === undefined || file === null) return send(response, 404, 'text/plain', 'no file');
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
