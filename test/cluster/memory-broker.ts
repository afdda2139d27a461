/** An in-memory transport between processes that loses, delays and refuses as NATS does. */
import { NotDeliveredError, type MessageTransport } from '#shared/message-transport';

type Handler = (message: unknown) => unknown;

/** One broker for all processes. `loses`: how many of the next answers are lost. */
export function createBroker() {
  const handlers = new Map<string, Handler[]>();
  const broker = {
    payloadMax: 1024 ** 2,
    loses: 0,
    requests: 0,
    onRequest: null as ((count: number) => void) | null,
  };
  const transport: MessageTransport = {
    get payloadMax() {
      return broker.payloadMax;
    },
    async request(subject, message) {
      broker.requests += 1;
      broker.onRequest?.(broker.requests);
      if (Buffer.byteLength(JSON.stringify(message)) > broker.payloadMax)
        throw new Error('too large');
      const [handler] = handlers.get(subject) ?? [];
      if (handler === undefined) throw new NotDeliveredError(subject);
      const answer: unknown = await handler(JSON.parse(JSON.stringify(message)));
      if (broker.loses > 0) {
        broker.loses -= 1;
        throw new Error('timeout');
      }
      return JSON.parse(JSON.stringify(answer));
    },
    publish(subject, message) {
      for (const handler of handlers.get(subject) ?? []) {
        handler(JSON.parse(JSON.stringify(message)));
      }
    },
    subscribe(subject, handler) {
      handlers.set(subject, [...(handlers.get(subject) ?? []), handler]);
      return () =>
        handlers.set(
          subject,
          handlers.get(subject)!.filter((one) => one !== handler),
        );
    },
  };
  return { broker, transport };
}
