/**
 * `/inspect/ws`. The subprotocol identifies the client: `gatehouse.v1` is our page, all others speak the protocol of
 * @statelyai/inspect. The only file that imports ws.
 *
 * S1 An upgrade is checked before the socket exists; a refused client gets only the status.
 * S2 A client that does not read is disconnected, and reconnects by itself: no queue here grows without bound. Long
 *    responses are sent in pieces that wait for the client; a slow client only takes longer.
 * S3 Sockets and incoming messages are limited: for all programs by number of messages, for a user also by cost
 *    (job-subscription.ts).
 * S4 The core's events are subscribed to only while sockets are open.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isTooDeep } from '#shared/text/json-text';
import { createApiKeyAuthenticator, type Caller } from '#shared/api-keys';
import type { SessionAccess, SessionCaller } from '#http/server/session-access';
import { createSite } from '#http/server/site';
import { messageOf } from '#shared/errors';
import { authenticateSocket } from './socket-access.ts';
import { openPageSession } from './page-session.ts';
import type { InspectorContext, Viewer, Connection } from './inspector-context.ts';
import { applyRedaction } from './redact.ts';
import { isStatelyMessage } from '../stately/stately-messages.ts';

export const socketPath = '/inspect/ws';
const pageProtocol = 'gatehouse.v1';
/** Requested by the page when it forwards to an external viewer: no texts leave. */
const redactedProtocol = 'gatehouse.redacted';

/** A client with more unread bytes of live messages is disconnected. Minutes of a busy core are well below it. */
const pendingBytesMax = 4 * 1024 * 1024;
/** For a piece of 256 KB: a client that needs longer has less than 70 kbit/s or does not read. */
const defaultReaderTimeoutMs = 30_000;
/** The machine definition of a foreign actor fits; a flood does not. */
const messageBytesMax = 1024 * 1024;
/** Enough for all windows of a team of programmers; each socket costs a timer and its subscriptions. */
const socketsMax = 256;
/** Per user: a window on each device, with some to spare. */
const socketsOfPersonMax = 16;
/** A page sends a few messages per click; more is a flood. */
const messagesPerSecondMax = 50;
/** A program with a hundred actors reports all of them when it starts. */
const externalMessagesPerSecondMax = 200;
/** A message counts one more for each 64 KiB, which take about a millisecond to parse. */
const bytesPerMessage = 64 * 1024;
/** Proxies close connections that are silent for 30 to 60 s; a page takes two missing ticks for a lost connection. */
const tickEveryMs = 15_000;

export function serveSockets(server: Server, parts: InspectorContext) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    handleProtocols: (offered) =>
      [pageProtocol, redactedProtocol].find((one) => offered.has(one)) ?? false,
  });
  const access = {
    keys: createApiKeyAuthenticator(parts.apiKeys),
    sessions: parts.sessions ?? null,
    site: parts.site ?? createSite(),
    limits: parts.limits,
  };
  const openSockets = new Map<WebSocket, string | null>();
  let peers = 0;

  const isFullFor = ({ user }: Caller): boolean => {
    const own = [...openSockets.values()].filter((one) => one === user).length;
    return openSockets.size >= socketsMax || (user !== null && own >= socketsOfPersonMax);
  };
  const open = (upgrade: Upgrade, caller: Caller | SessionCaller | number): void => {
    const { request, socket, head } = upgrade;
    if (typeof caller === 'number') return refuse(socket, caller);
    if (isFullFor(caller)) return refuse(socket, 429);
    sockets.handleUpgrade(request, socket, head, (opened) => {
      peers += 1;
      openSockets.set(opened, caller.user);
      opened.once('close', () => openSockets.delete(opened));
      if ('session' in caller) endWithSession(opened, caller, access.sessions);
      const isHidden = new URL(request.url ?? '/', 'http://localhost').searchParams.has('redact');
      const mustHide = isHidden || opened.protocol === redactedProtocol;
      const redaction = mustHide ? 'texts' : (parts.redaction ?? 'none');
      serve(opened, parts, peers, { user: caller.user, redaction });
    });
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Node hands over a socket with an upgrade request without an error handler.
    socket.on('error', () => undefined);
    const isHere = (request.url ?? '').split('?')[0] === socketPath;
    const caller = isHere ? authenticateSocket(request, access) : 404;
    const upgrade = { request, socket, head };
    if (!(caller instanceof Promise)) return open(upgrade, caller);
    caller.then(
      (found) => open(upgrade, found),
      (error: unknown) => {
        parts.log.error({ error: messageOf(error) }, 'bug');
        refuse(socket, 500);
      },
    );
  };
  server.on('upgrade', onUpgrade);
  return {
    close(): void {
      server.off('upgrade', onUpgrade);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

const refuse = (socket: Duplex, status: number): void =>
  void socket.end(`HTTP/1.1 ${status} \r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);

function endWithSession(
  socket: WebSocket,
  { session }: SessionCaller,
  sessions: SessionAccess | null,
): void {
  const detach = sessions?.attach(session.id, () => socket.terminate());
  if (detach !== undefined) socket.once('close', detach);
}

function serve(socket: WebSocket, parts: InspectorContext, peer: number, viewer: Viewer): void {
  socket.on('error', (error) => parts.log.debug({ error: error.message }, 'inspector socket'));
  const connection = createConnection(
    socket,
    viewer,
    parts.readerTimeoutMs ?? defaultReaderTimeoutMs,
  );
  if (socket.protocol === pageProtocol) servePage(socket, parts, viewer, connection);
  else serveStately(socket, parts, peer, viewer, connection);
}

function createConnection(
  socket: WebSocket,
  { redaction }: Viewer,
  pieceMsMax: number,
): Connection {
  const textOf = (message: object): string => JSON.stringify(applyRedaction(message, redaction));
  return {
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > pendingBytesMax) socket.terminate();
      else socket.send(textOf(message));
    },
    sendAndWait: (message) =>
      new Promise((resolve) => {
        const stalled = setTimeout(() => socket.terminate(), pieceMsMax);
        // The callback also runs if the socket is closed, or closes before the message was sent.
        socket.send(textOf(message), () => {
          clearTimeout(stalled);
          resolve();
        });
      }),
  };
}

/** Returns for each message whether it exceeds the limit per second; large messages count as more. */
function createMessageRateLimit(perSecondMax: number): (data: RawData) => boolean {
  let since = 0;
  let count = 0;
  return (data) => {
    const now = performance.now();
    if (now - since >= 1_000) [since, count] = [now, 0];
    count += 1 + (data as Buffer).length / bytesPerMessage;
    return count > perSecondMax;
  };
}

function servePage(
  socket: WebSocket,
  parts: InspectorContext,
  viewer: Viewer,
  connection: Connection,
): void {
  const session = openPageSession(parts, viewer, connection);
  const tick = setInterval(() => connection.send({ type: 'gatehouse.tick' }), tickEveryMs);
  connection.send({ type: 'gatehouse.hello', now: parts.clock.now() });
  const isFlood = createMessageRateLimit(messagesPerSecondMax);
  socket.on('message', (data) => {
    if (isFlood(data)) socket.terminate();
    else session.handle(parseJson(data));
  });
  socket.on('close', () => {
    clearInterval(tick);
    session.close();
  });
}

function serveStately(
  socket: WebSocket,
  parts: InspectorContext,
  peer: number,
  { user }: Viewer,
  { send }: Connection,
): void {
  const receiver = { user, send };
  let unsubscribe: (() => void) | null = parts.statelyPublisher.subscribe(receiver);
  const isFlood = createMessageRateLimit(externalMessagesPerSecondMax);
  socket.on('message', (data) => {
    if (isFlood(data)) {
      socket.terminate();
      return;
    }
    const message = parseJson(data);
    // Messages sent with a user's key are dropped: they would appear among the actors of all other users.
    if (!isStatelyMessage(message) || user !== null) return;
    // The client is a sender: it would never read what the subscription sends.
    unsubscribe?.();
    unsubscribe = null;
    parts.statelyPublisher.relay(message, receiver);
    parts.externalActors.publish(peer, message);
  });
  socket.on('close', () => unsubscribe?.());
}

/** Null for invalid JSON, and for values nested too deeply to be forwarded. */
function parseJson(data: unknown): unknown {
  try {
    const value = JSON.parse(String(data)) as unknown;
    return isTooDeep(value) ? null : value;
  } catch {
    return null;
  }
}
