/**
 * A reverse proxy beside a model server that several workers use. It lets a request through only with a permit of the gate
 * that is still valid, and never more than `concurrency` at once, also when the process of a permit is paused with its
 * connection open. Bodies are streamed in both directions and not changed.
 *
 * GET, HEAD and OPTIONS run no model and pass without a permit.
 */
import {
  createServer,
  request as requestHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { permitHeaderNames, readPermit } from '#shared/wire/permit-headers';
import { GateSlots, type Admission, type SlotHolder } from './gate-slots.ts';

export interface GateProxyOptions {
  /** Address of the model server. */
  target: URL;
  host: string;
  port: number;
  /** How many requests the model server runs at once. */
  concurrency: number;
  /** Requests without a permit get slots that are free. */
  allowUnfenced: boolean;
  log: Log;
}

export interface GateProxy {
  readonly url: string;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** A server notices a closed connection with its next tokens: its slot is given on after this. */
const drainMs = 250;

const readMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Of one connection, not of the message (RFC 9110, section 7.6.1). */
const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @throws GH_SERVER_PORT */
export async function startGateProxy(options: GateProxyOptions): Promise<GateProxy> {
  const slots = new GateSlots(options.concurrency);
  const server = createServer((request, response) => {
    void serve(request, response, slots, options);
  });
  // A long answer, or a wait for its first token, is no fault.
  server.requestTimeout = 0;
  const { host, port } = options;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(
        new GatehouseError('GH_SERVER_PORT', `${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  slots: GateSlots,
  options: GateProxyOptions,
): Promise<void> {
  response.on('error', () => undefined);
  if (readMethods.has(request.method ?? '')) {
    forward(request, response, options.target);
    return;
  }
  const permit = readPermit(request.headers);
  if (permit === 'invalid' || (permit === null && !options.allowUnfenced)) {
    const why = permit === null ? 'it has no fence' : 'its fence cannot be read';
    return refuse(response, new GatehouseError('GH_GATE_UNFENCED', why));
  }
  let closeUpstream: () => void = () => undefined;
  const holder: SlotHolder = {
    permit,
    close() {
      options.log.warn({ permit }, 'a request is closed: its slot was given to another');
      closeUpstream();
      response.destroy();
    },
    isGone: () => response.destroyed,
  };
  const admission = await slots.enter(holder);
  if (admission !== 'admitted') return refuseBy(admission, response);
  const upstream = forward(request, response, options.target);
  closeUpstream = () => upstream.destroy();
  let isComplete = false;
  upstream.once('response', (answer) =>
    answer.once('end', () => {
      isComplete = true;
      slots.leave(holder);
    }),
  );
  response.once('close', () => slots.closes(holder));
  upstream.once('close', () => {
    if (!isComplete) setTimeout(() => slots.leave(holder), drainMs);
  });
}

/** Sends the request on. When either side ends early, the other one is closed. */
function forward(request: IncomingMessage, response: ServerResponse, target: URL) {
  const send = target.protocol === 'https:' ? requestHttps : requestHttp;
  const path = `${target.pathname.replace(/\/$/, '')}${request.url ?? '/'}`;
  const upstream = send({
    hostname: target.hostname.replaceAll(/^\[|\]$/g, ''),
    port: target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : target.port,
    path,
    method: request.method ?? 'GET',
    headers: { ...endToEnd(request.headers, permitHeaderNames), host: target.host },
    agent: false,
  });
  upstream.setNoDelay(true);
  upstream.once('response', (answer) => {
    response.socket?.setNoDelay(true);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
    response.flushHeaders();
    answer.pipe(response);
    // Cut short: the caller must not take it for complete.
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
  });
  upstream.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else
      refuse(
        response,
        new GatehouseError('GH_GATE_UPSTREAM', `${target.host}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
  });
  response.once('close', () => {
    if (!response.writableFinished) upstream.destroy();
  });
  request.pipe(upstream);
  return upstream;
}

/** Without the headers of the connection, those that it names, and `more`. */
function endToEnd(headers: IncomingHttpHeaders, more: readonly string[] = []): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  const dropped = new Set([...hopHeaders, ...named, ...more]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

function refuseBy(admission: Exclude<Admission, 'admitted'>, response: ServerResponse): void {
  if (admission === 'gone') return;
  refuse(response, new GatehouseError(admission === 'full' ? 'GH_GATE_FULL' : 'GH_GATE_STALE'));
}

function refuse(response: ServerResponse, { code, message, status }: GatehouseError): void {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify({ error: { code, message } });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    // The body of the request was not read.
    connection: 'close',
  });
  response.end(body);
}
