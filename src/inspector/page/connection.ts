/**
 * The socket to the core. It reconnects by itself and sends the page's subscriptions again; missed rows come from the
 * journal, because every watch message has the number of the last row that the page has.
 */
import type { PageMessage, PageRequest } from '../page-messages.ts';
import { hidesTexts, storedKey } from './api.ts';

const firstWaitMs = 250;
const longestWaitMs = 5_000;
/** The core sends a tick every 15 s: after two missing ticks the connection is dead, even without a close event. */
const silentMsMax = 40_000;
/** Messages that are sent before the first frames. */
const greetings = new Set(['gatehouse.hello', 'gatehouse.job']);

const base64url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

export function socketAddress(extra = ''): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/inspect/ws${extra}`;
}

export function protocolsFor(name: string): string[] {
  const key = storedKey();
  return key === '' ? [name] : [name, `gatehouse.key.${base64url(key)}`];
}

export type ConnectionStatus = 'open' | 'lost' | 'refused';

export interface ConnectedPage {
  onMessage(message: PageMessage): void;
  onStatus(status: ConnectionStatus): void;
  /** The messages to send on every new socket. */
  greet(): PageRequest[];
  /**
   * Called before a reconnect, because a refused socket does not give the reason. False: stop trying, null: unknown.
   */
  isWelcome(): Promise<boolean | null>;
}

export function connect(page: ConnectedPage) {
  let socket: WebSocket | null = null;
  let waitMs = firstWaitMs;
  let heardAt = 0;
  let timer = 0;
  /** Counts the tries: of two concurrent tries the older one is dropped. */
  let tries = 0;

  const open = (): void => {
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
      const message = JSON.parse(data as string) as PageMessage;
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

  const retryLater = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void retry(), waitMs);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  };

  const retry = async (): Promise<void> => {
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
    send(message: PageRequest): void {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    /** Opens a new socket after its parameters have changed. */
    reopen(): void {
      const old = socket;
      socket = null;
      old?.close();
      open();
    },
  };
}
export type Connection = ReturnType<typeof connect>;
