/** The messages between workers over core NATS. Subscriptions outlive a connection: each new one gets them again. */
import { errors, type Msg, type NatsConnection, type Subscription } from 'nats';
import { NotDeliveredError, type MessageTransport } from '#shared/message-transport';

type Handler = (message: unknown) => unknown;

export class NatsTransport implements MessageTransport {
  #connection: NatsConnection | null = null;
  #payloadMax = 1024 ** 2;
  readonly #onAttached: (() => void)[] = [];
  #lostAt: number | null = performance.now();
  /** Null while there is no connection. */
  readonly #subscriptions = new Map<
    symbol,
    { subject: string; handler: Handler; open: Subscription | null }
  >();

  /** That of the last connection; before the first one, that of a server with its defaults. */
  get payloadMax(): number {
    return this.#payloadMax;
  }

  /** Since when there is no connection, in ms of `performance.now()`; null while there is one. */
  get lostAt(): number | null {
    return this.#lostAt;
  }

  /** Resolves when there is a connection, after `limitMs` at the latest. */
  async connected(limitMs: number): Promise<void> {
    if (this.#connection !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#onAttached.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  /** Uses this connection until `detach`. */
  attach(connection: NatsConnection): void {
    this.#connection = connection;
    this.#payloadMax = connection.info?.max_payload ?? this.#payloadMax;
    this.#lostAt = null;
    for (const resolve of this.#onAttached.splice(0)) resolve();
    for (const one of this.#subscriptions.values())
      one.open = open(connection, one.subject, one.handler);
  }

  detach(): void {
    this.#connection = null;
    this.#lostAt = performance.now();
    for (const one of this.#subscriptions.values()) {
      one.open?.unsubscribe();
      one.open = null;
    }
  }

  async request(subject: string, message: unknown, timeoutMs: number): Promise<unknown> {
    const connection = this.#connection;
    if (connection === null || connection.isClosed())
      throw new NotDeliveredError('there is no connection to NATS');
    const text = JSON.stringify(message);
    try {
      return (await connection.request(subject, text, { timeout: timeoutMs })).json();
    } catch (error) {
      const isUnheard = error instanceof errors.RequestError && error.isNoResponders();
      throw isUnheard
        ? new NotDeliveredError(`no responders: ${subject}`, { cause: error })
        : error;
    }
  }

  publish(subject: string, message: unknown): void {
    const connection = this.#connection;
    if (connection === null || connection.isClosed()) return;
    sendOrLose(() => connection.publish(subject, JSON.stringify(message)));
  }

  subscribe(subject: string, handler: Handler): () => void {
    const key = Symbol(subject);
    const connection = this.#connection;
    const subscription = connection && open(connection, subject, handler);
    this.#subscriptions.set(key, { subject, handler, open: subscription });
    return () => {
      this.#subscriptions.get(key)?.open?.unsubscribe();
      this.#subscriptions.delete(key);
    };
  }
}

function open(connection: NatsConnection, subject: string, handler: Handler): Subscription | null {
  if (connection.isClosed()) return null;
  return connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) handle(message, handler);
    },
  });
}

function handle(message: Msg, handler: Handler): void {
  let content: unknown;
  try {
    content = message.json();
  } catch {
    // Not one of our messages: the subject is open to every client with rights on it.
    return;
  }
  const answer = handler(content);
  if (answer instanceof Promise) void answer.then((value: unknown) => respond(message, value));
  else respond(message, answer);
}

function respond(message: Msg, answer: unknown): void {
  if (answer !== undefined) sendOrLose(() => message.respond(JSON.stringify(answer)));
}

/** What the connection refuses (too large, or it closes) is lost, as core NATS may lose any message. */
function sendOrLose(send: () => void): void {
  try {
    send();
  } catch {
    // An error in the callback of a subscription would end the work of the whole connection; one in `publish`, a commit.
  }
}
