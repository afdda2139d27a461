/**
 * `/inspect/ws`. The subprotocol says who comes: `gatehouse.v1` is our page, everyone else speaks the
 * messages of @statelyai/inspect. The only door to ws.
 *
 * S1 An upgrade is checked before the socket exists; a refused one learns only the status.
 * S2 A reader that does not keep up is cut off, and comes back by itself: no queue here grows without bound.
 * S3 Nothing of the core is listened to but for open sockets.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { refusalOf } from './access.ts';
import { openPageSession } from './page-session.ts';
import type { InspectorParts } from './parts.ts';
import { applyRedaction, type Redaction } from './redaction.ts';
import { isStatelyMessage } from './stately.ts';

export const socketPath = '/inspect/ws';
const pageProtocol = 'gatehouse.v1';
/** Asked for by the page when it forwards to a viewer elsewhere: no texts leave. */
const redactedProtocol = 'gatehouse.redacted';

/** A reader this far behind is cut off. One screenful of history is well below it. */
const pendingBytesMax = 4 * 1024 * 1024;
/** A machine definition of a foreign actor fits; a flood does not. */
const messageBytesMax = 1024 * 1024;
/** Proxies cut what is silent for 30 to 60 s; a page takes two missing ticks for a lost connection. */
const tickEveryMs = 15_000;

export interface SocketServer {
  close(): void;
}

export function serveSockets(server: Server, parts: InspectorParts): SocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    handleProtocols: (offered) =>
      [pageProtocol, redactedProtocol].find((one) => offered.has(one)) ?? false,
  });
  let peers = 0;

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (request.url ?? '').split('?')[0];
    const refusal = path === socketPath ? refusalOf(request, parts.apiKeys) : 404;
    if (refusal !== 0) {
      socket.end(`HTTP/1.1 ${refusal} \r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      peers += 1;
      const isHidden = new URL(request.url ?? '/', 'http://localhost').searchParams.has('redact');
      serve(opened, parts, peers, isHidden);
    });
  };
  server.on('upgrade', onUpgrade);
  return {
    close() {
      server.off('upgrade', onUpgrade);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

function serve(socket: WebSocket, parts: InspectorParts, peer: number, isHidden: boolean): void {
  const mustHide = isHidden || socket.protocol === redactedProtocol;
  const redaction: Redaction = mustHide ? 'texts' : (parts.redaction ?? 'none');
  const send = (message: Record<string, unknown>): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > pendingBytesMax) socket.terminate();
    else socket.send(JSON.stringify(applyRedaction(message, redaction)));
  };
  socket.on('error', (error) => parts.log.debug({ error: error.message }, 'inspector socket'));
  if (socket.protocol === pageProtocol) servePage(socket, parts, send);
  else serveStately(socket, parts, peer, send);
}

type Send = (message: Record<string, unknown>) => void;

function servePage(socket: WebSocket, parts: InspectorParts, send: Send): void {
  const session = openPageSession(parts, send);
  const tick = setInterval(() => send({ type: 'gatehouse.tick' }), tickEveryMs);
  send({ type: 'gatehouse.hello', now: parts.clock.now() });
  socket.on('message', (data) => session.take(readJson(data)));
  socket.on('close', () => {
    clearInterval(tick);
    session.close();
  });
}

function serveStately(socket: WebSocket, parts: InspectorParts, peer: number, send: Send): void {
  const receiver = { send };
  let leave: (() => void) | null = parts.feed.receive(receiver);
  socket.on('message', (data) => {
    const message = readJson(data);
    if (!isStatelyMessage(message)) return;
    // It tells instead of listening: what it would be sent it never reads.
    leave?.();
    leave = null;
    parts.feed.relay(message, receiver);
    parts.guests.tell(peer, message);
  });
  socket.on('close', () => leave?.());
}

function readJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data)) as unknown;
  } catch {
    return null;
  }
}
