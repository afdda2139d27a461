/**
 * `/inspect/ws`. The subprotocol says who comes: `gatehouse.v1` is our page, everyone else speaks the
 * messages of @statelyai/inspect. The only door to ws.
 *
 * S1 An upgrade is checked before the socket exists; a refused one learns only the status.
 * S2 A reader that does not read is cut off, and comes back by itself: no queue here grows without bound. What
 *    is long is sent in pieces that wait for the reader; a slow one only takes longer.
 * S3 Sockets are counted, and what comes over them as well: of all programs by messages, of a person also by what
 *    they cost (job-watch.ts).
 * S4 Nothing of the core is listened to but for open sockets.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isTooDeep } from '../lib/json-depth.ts';
import { createKeyRing, type Caller } from '../lib/key-ring.ts';
import { callerOf } from './access.ts';
import { openPageSession } from './page-session.ts';
import type { InspectorParts, View, Wire } from './parts.ts';
import { applyRedaction } from './redaction.ts';
import { isStatelyMessage } from './stately.ts';

export const socketPath = '/inspect/ws';
const pageProtocol = 'gatehouse.v1';
/** Asked for by the page when it forwards to a viewer elsewhere: no texts leave. */
const redactedProtocol = 'gatehouse.redacted';

/** A reader this far behind with what happens now is cut off. Minutes of a busy core are well below it. */
const pendingBytesMax = 4 * 1024 * 1024;
/** For a piece of 256 KB: a line that takes longer has less than 70 kbit/s, or nobody reads. */
const patienceMs = 30_000;
/** A machine definition of a foreign actor fits; a flood does not. */
const messageBytesMax = 1024 * 1024;
/** Windows of all programmers of a house; each costs a timer and what it watches. */
const socketsMax = 256;
/** Of one person: a window on each device, with some to spare. */
const socketsOfPersonMax = 16;
/** A page says a few words per click; this is one that does nothing else. */
const messagesPerSecondMax = 50;
/** A program with a hundred actors tells of all of them when it begins. */
const guestMessagesPerSecondMax = 200;
/** A message this large counts as one more: it takes about a millisecond to read. */
const bytesPerMessage = 64 * 1024;
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
  socket.on('error', (error) => parts.log.debug({ error: error.message }, 'inspector socket'));
  const wire = wireTo(socket, view, parts.patienceMs ?? patienceMs);
  if (socket.protocol === pageProtocol) servePage(socket, parts, view, wire);
  else serveStately(socket, parts, peer, view, wire);
}

function wireTo(socket: WebSocket, { redaction }: View, pieceMsMax: number): Wire {
  const textOf = (message: object): string => JSON.stringify(applyRedaction(message, redaction));
  return {
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > pendingBytesMax) socket.terminate();
      else socket.send(textOf(message));
    },
    deliver: (message) =>
      new Promise((resolve) => {
        const stalled = setTimeout(() => socket.terminate(), pieceMsMax);
        // Called also where the socket is closed, or closes before it was sent.
        socket.send(textOf(message), () => {
          clearTimeout(stalled);
          resolve();
        });
      }),
  };
}

/** Tells of each message whether it is one too many within a second; large ones count as more. */
function createFloodGauge(perSecondMax: number): (data: RawData) => boolean {
  let since = 0;
  let count = 0;
  return (data) => {
    const now = performance.now();
    if (now - since >= 1_000) [since, count] = [now, 0];
    count += 1 + (data as Buffer).length / bytesPerMessage;
    return count > perSecondMax;
  };
}

function servePage(socket: WebSocket, parts: InspectorParts, view: View, wire: Wire): void {
  const session = openPageSession(parts, view, wire);
  const tick = setInterval(() => wire.send({ type: 'gatehouse.tick' }), tickEveryMs);
  wire.send({ type: 'gatehouse.hello', now: parts.clock.now() });
  const isFlood = createFloodGauge(messagesPerSecondMax);
  socket.on('message', (data) => {
    if (isFlood(data)) socket.terminate();
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
  { send }: Wire,
): void {
  const receiver = { user, send };
  let leave: (() => void) | null = parts.feed.receive(receiver);
  const isFlood = createFloodGauge(guestMessagesPerSecondMax);
  socket.on('message', (data) => {
    if (isFlood(data)) {
      socket.terminate();
      return;
    }
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

/** Null for what is no JSON, and for what is nested too deep to be sent on. */
function readJson(data: unknown): unknown {
  try {
    const value = JSON.parse(String(data)) as unknown;
    return isTooDeep(value) ? null : value;
  } catch {
    return null;
  }
}
