/**
 * `/inspect/ws`. The subprotocol says who comes: `gatehouse.v1` is our page, everyone else speaks the
 * messages of @statelyai/inspect. The only door to ws.
 *
 * S1 An upgrade is checked before the socket exists; a refused one learns only the status.
 * S2 A reader that does not keep up is cut off, and comes back by itself: no queue here grows without bound.
 * S3 Sockets are counted, and what comes over them as well: each message may cost the reading of a whole job.
 * S4 Nothing of the core is listened to but for open sockets.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { createKeyRing, type Caller } from '../lib/key-ring.ts';
import { callerOf } from './access.ts';
import { openPageSession } from './page-session.ts';
import type { InspectorParts, View } from './parts.ts';
import { applyRedaction } from './redaction.ts';
import { isStatelyMessage } from './stately.ts';

export const socketPath = '/inspect/ws';
const pageProtocol = 'gatehouse.v1';
/** Asked for by the page when it forwards to a viewer elsewhere: no texts leave. */
const redactedProtocol = 'gatehouse.redacted';

/** A reader this far behind is cut off. One screenful of history is well below it. */
const pendingBytesMax = 4 * 1024 * 1024;
/** A machine definition of a foreign actor fits; a flood does not. */
const messageBytesMax = 1024 * 1024;
/** Windows of all programmers of a house; each costs a timer and what it watches. */
const socketsMax = 256;
/** Of one person: a window on each device, with some to spare. */
const socketsOfPersonMax = 16;
/** A page says a few words per click; this is one that does nothing else. */
const messagesPerSecondMax = 50;
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
  const keys = createKeyRing(parts.apiKeys);
  const openOf = new Map<WebSocket, string | null>();
  let peers = 0;

  const admit = (request: IncomingMessage): Caller | number => {
    if ((request.url ?? '').split('?')[0] !== socketPath) return 404;
    const caller = callerOf(request, keys, parts.limits);
    if (typeof caller === 'number') return caller;
    const own = [...openOf.values()].filter((user) => user === caller.user).length;
    const isFull = openOf.size >= socketsMax || (caller.user !== null && own >= socketsOfPersonMax);
    return isFull ? 429 : caller;
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Node leaves a socket that asks for an upgrade to us: nobody else hears of it when it breaks.
    socket.on('error', () => undefined);
    const caller = admit(request);
    if (typeof caller === 'number') {
      socket.end(`HTTP/1.1 ${caller} \r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      peers += 1;
      openOf.set(opened, caller.user);
      opened.once('close', () => openOf.delete(opened));
      const isHidden = new URL(request.url ?? '/', 'http://localhost').searchParams.has('redact');
      const mustHide = isHidden || opened.protocol === redactedProtocol;
      const redaction = mustHide ? 'texts' : (parts.redaction ?? 'none');
      serve(opened, parts, peers, { ...caller, redaction });
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

function serve(socket: WebSocket, parts: InspectorParts, peer: number, view: View): void {
  const send = (message: Record<string, unknown>): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > pendingBytesMax) socket.terminate();
    else socket.send(JSON.stringify(applyRedaction(message, view.redaction)));
  };
  socket.on('error', (error) => parts.log.debug({ error: error.message }, 'inspector socket'));
  if (socket.protocol === pageProtocol) servePage(socket, parts, view, send);
  else serveStately(socket, parts, peer, view, send);
}

/** Tells of each message whether it is one too many within a second. */
function createFloodGauge(perSecondMax: number): () => boolean {
  let since = 0;
  let count = 0;
  return () => {
    const now = performance.now();
    if (now - since >= 1_000) [since, count] = [now, 0];
    count += 1;
    return count > perSecondMax;
  };
}

type Send = (message: Record<string, unknown>) => void;

function servePage(socket: WebSocket, parts: InspectorParts, view: View, send: Send): void {
  const session = openPageSession(parts, view, send);
  const tick = setInterval(() => send({ type: 'gatehouse.tick' }), tickEveryMs);
  send({ type: 'gatehouse.hello', now: parts.clock.now() });
  const isFlood = createFloodGauge(messagesPerSecondMax);
  socket.on('message', (data) => {
    if (isFlood()) socket.terminate();
    else session.take(readJson(data));
  });
  socket.on('close', () => {
    clearInterval(tick);
    session.close();
  });
}

function serveStately(
  socket: WebSocket,
  parts: InspectorParts,
  peer: number,
  { user }: View,
  send: Send,
): void {
  const receiver = { user, send };
  let leave: (() => void) | null = parts.feed.receive(receiver);
  socket.on('message', (data) => {
    const message = readJson(data);
    // What a person's key tells would stand beside the actors of all others.
    if (!isStatelyMessage(message) || user !== null) return;
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
