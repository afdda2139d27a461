/** The messages between workers over core NATS. Subscriptions outlive a connection: each new one gets them again. */
import type { Msg, NatsConnection, Subscription } from 'nats';
import type { MessageTransport } from '#shared/message-transport';

type Handler = (message: unknown) => unknown;

export class NatsTransport implements MessageTransport {
  #connection: NatsConnection | null = null;
  /** Null while there is no connection. */
  readonly #subscriptions = new Map<
    symbol,
    { subject: string; handler: Handler; open: Subscription | null }
  >();

  /** Uses this connection until `detach`. */
  attach(connection: NatsConnection): void {
    this.#connection = connection;
    for (const one of this.#subscriptions.values())
      one.open = open(connection, one.subject, one.handler);
  }

  detach(): void {
    this.#connection = null;
    for (const one of this.#subscriptions.values()) {
      one.open?.unsubscribe();
      one.open = null;
    }
  }

  async request(subject: string, message: unknown, timeoutMs: number): Promise<unknown> {
    if (this.#connection === null) throw new Error('there is no connection to NATS');
    const text = JSON.stringify(message);
    const answer = await this.#connection.request(subject, text, { timeout: timeoutMs });
    return answer.json();
  }

  publish(subject: string, message: unknown): void {
    const connection = this.#connection;
    if (connection === null || connection.isClosed()) return;
    connection.publish(subject, JSON.stringify(message));
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
  if (answer !== undefined) message.respond(JSON.stringify(answer));
}
