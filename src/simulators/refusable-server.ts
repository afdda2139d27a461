/**
 * An HTTP server that can refuse connections for a while: its port is closed then, so that a client gets ECONNREFUSED,
 * not a silent peer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';

export interface RefusableServerOptions {
  /** A rejection closes the connection: a client that disconnects early is not an error of the simulator. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** PEM; null: plain HTTP. */
  certificate: { key: string; cert: string } | null;
  changed(isListening: boolean): void;
  /** Aborted at the end: the server opens no more. */
  closing: AbortSignal;
}

export class RefusableServer {
  readonly #options: RefusableServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #address: { host: string; port: number } = { host: '127.0.0.1', port: 0 };
  #reopening: NodeJS.Timeout | null = null;
  #isListening = false;
  /** A close that is still running. */
  #closed: Promise<unknown> = Promise.resolve();

  constructor(options: RefusableServerOptions) {
    this.#options = options;
    const { certificate } = options;
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void options.handle(request, response).catch(() => request.socket.destroy());
    };
    this.#server =
      certificate === null
        ? createServer(handle)
        : createTlsServer({ key: certificate.key, cert: certificate.cert }, handle);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#address = { host, port: (this.#server.address() as AddressInfo).port };
    this.#setListening(true);
    return this.#address.port;
  }

  /** Resolves when connections are refused. Opens again after `forMs`, if given. */
  async refuse(forMs?: number): Promise<void> {
    if (this.#reopening !== null) clearTimeout(this.#reopening);
    if (forMs !== undefined && !this.#options.closing.aborted) {
      this.#reopening = setTimeout(() => void this.accept(), forMs);
    }
    if (!this.#isListening) return;
    this.#setListening(false);
    this.#closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#closed;
  }

  async accept(): Promise<void> {
    if (this.#reopening !== null) clearTimeout(this.#reopening);
    this.#reopening = null;
    await this.#closed;
    if (!this.#isListening && !this.#options.closing.aborted)
      await this.listen(this.#address.host, this.#address.port);
  }

  close(): Promise<void> {
    return this.refuse();
  }

  #setListening(isListening: boolean): void {
    this.#isListening = isListening;
    this.#options.changed(isListening);
  }
}

/** `http://127.0.0.1:8080`. */
export const addressOf = (scheme: 'http' | 'https', host: string, port: number): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
