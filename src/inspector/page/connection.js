/**
 * The socket to the core. It comes back by itself, and says again what the page watches; what was missed
 * meanwhile comes from the journal, because every watch names the last row that is here.
 */
import { hidesTexts, storedKey } from './api.js';

const firstWaitMs = 250;
const longestWaitMs = 5_000;
/** The core ticks every 15 s: two missing ones and the connection is dead though nobody said so. */
const silentMsMax = 40_000;

const base64url = (text) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

export function socketAddress(extra = '') {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/inspect/ws${extra}`;
}

export function protocolsFor(name) {
  const key = storedKey();
  return key === '' ? [name] : [name, `gatehouse.key.${base64url(key)}`];
}

/**
 * @param {{ onMessage(message: any): void, onStatus(status: 'open' | 'lost'): void, greet(): object[] }} page
 *   `greet`: what to say on every new socket.
 */
export function connect(page) {
  let socket = null;
  let waitMs = firstWaitMs;
  let heardAt = 0;
  let timer = 0;

  const open = () => {
    clearTimeout(timer);
    const current = new WebSocket(
      socketAddress(hidesTexts() ? '?redact' : ''),
      protocolsFor('gatehouse.v1'),
    );
    socket = current;
    current.addEventListener('open', () => {
      waitMs = firstWaitMs;
      heardAt = Date.now();
      for (const message of page.greet()) current.send(JSON.stringify(message));
      page.onStatus('open');
    });
    current.addEventListener('message', ({ data }) => {
      heardAt = Date.now();
      if (current === socket) page.onMessage(JSON.parse(data));
    });
    current.addEventListener('close', () => {
      if (current !== socket) return;
      page.onStatus('lost');
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    });
  };

  setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - heardAt > silentMsMax) socket.close();
  }, 5_000);
  addEventListener('online', () => socket?.readyState === WebSocket.CLOSED && open());
  open();

  return {
    /** Nothing is lost when the socket is down: `greet` says it again. */
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    /** A new socket, after a change of what it was opened with. */
    reopen() {
      const old = socket;
      socket = null;
      old?.close();
      open();
    },
  };
}
