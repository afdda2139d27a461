/**
 * The socket to the core. It comes back by itself, and says again what the page watches; what was missed
 * meanwhile comes from the journal, because every watch names the last row that is here.
 */
import { hidesTexts, storedKey } from './api.js';

const firstWaitMs = 250;
const longestWaitMs = 5_000;
/** The core ticks every 15 s: two missing ones and the connection is dead though nobody said so. */
const silentMsMax = 40_000;
/** What comes before the first frames. */
const greetings = new Set(['gatehouse.hello', 'gatehouse.job']);

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
 * @param {{ onMessage(message: any): void, onStatus(status: 'open' | 'lost' | 'refused'): void, greet(): object[],
 *   isWelcome(): Promise<boolean | null> }} page
 *   `greet`: what to say on every new socket. `isWelcome`: asked before one is opened again, because a refused
 *   socket does not say why; false: no more tries, null: nobody knows.
 */
export function connect(page) {
  let socket = null;
  let waitMs = firstWaitMs;
  let heardAt = 0;
  let timer = 0;
  /** Counts the tries: of two at a time the older one is given up. */
  let tries = 0;

  const open = () => {
    clearTimeout(timer);
    tries += 1;
    const current = new WebSocket(
      socketAddress(hidesTexts() ? '?redact' : ''),
      protocolsFor('gatehouse.v1'),
    );
    socket = current;
    current.addEventListener('open', () => {
      heardAt = Date.now();
      for (const message of page.greet()) current.send(JSON.stringify(message));
      page.onStatus('open');
    });
    current.addEventListener('message', ({ data }) => {
      heardAt = Date.now();
      if (current !== socket) return;
      const message = JSON.parse(data);
      // A core that lets us in and then breaks over what we watch is not asked again at once.
      if (!greetings.has(message.type)) waitMs = firstWaitMs;
      page.onMessage(message);
    });
    current.addEventListener('close', () => {
      if (current !== socket) return;
      page.onStatus('lost');
      retryLater();
    });
  };

  const retryLater = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void retry(), waitMs);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  };

  const retry = async () => {
    clearTimeout(timer);
    tries += 1;
    const mine = tries;
    const isWelcome = await page.isWelcome();
    if (mine !== tries) return;
    if (isWelcome) open();
    else if (isWelcome === null) retryLater();
    else page.onStatus('refused');
  };

  setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - heardAt > silentMsMax) socket.close();
  }, 5_000);
  addEventListener('online', () => socket?.readyState === WebSocket.CLOSED && void retry());
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
