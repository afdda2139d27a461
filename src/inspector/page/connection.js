/**
 * The socket to the core. It reconnects by itself and sends the page's subscriptions again; missed rows come from the
 * journal, because every watch message has the number of the last row that the page has.
 */
import { hidesTexts, storedKey } from './api.js';

const firstWaitMs = 250;
const longestWaitMs = 5_000;
/** The core sends a tick every 15 s: after two missing ticks the connection is dead, even without a close event. */
const silentMsMax = 40_000;
/** Messages that are sent before the first frames. */
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
 *   isWelcome(): Promise<boolean | null> }} page `greet`: the messages to send on every new socket. `isWelcome`: called
 *   before a reconnect, because a refused socket does not give the reason; false: stop trying, null: unknown.
 */
export function connect(page) {
  let socket = null;
  let waitMs = firstWaitMs;
  let heardAt = 0;
  let timer = 0;
  /** Counts the tries: of two concurrent tries the older one is dropped. */
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
      // The backoff is not reset by greetings: a core that accepts the socket and then fails on the subscription is not
      // retried at once.
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
    /** Messages are dropped while the socket is down: `greet` sends the state again. */
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    /** Opens a new socket after its parameters have changed. */
    reopen() {
      const old = socket;
      socket = null;
      old?.close();
      open();
    },
  };
}
