/** Prometheus metrics of NATS messaging, read from its own counters at each scrape. */
import { Counter, type Registry } from 'prom-client';
import type { Messaging, MessagingCounts, MessagingStatus } from '#events/messaging-port';
import { addReadGauge } from './read-gauge.ts';

const counters: Record<keyof MessagingCounts, { name: string; help: string }> = {
  events: { name: 'events_published', help: 'Events that are on the stream of events' },
  replies: { name: 'replies_published', help: 'Replies that were handed to a bridge' },
  tokenFrames: { name: 'token_frames', help: 'Pieces of answers that were sent while written' },
  requests: { name: 'requests', help: 'Requests to the service' },
  requestErrors: { name: 'request_errors', help: 'Requests to the service that were refused' },
  submits: { name: 'submits', help: 'Messages that were taken from the work queue' },
  deliveries: { name: 'delivery_reports', help: 'Reports of what became of a reply' },
  deadLetters: { name: 'dead_letters', help: 'Messages that nobody can process, put aside' },
  healedConsumers: {
    name: 'healed_consumers',
    help: 'Consumers made again because NATS counted messages in hand that no process had',
  },
};

export function addMessagingMetrics(
  registry: Registry,
  messaging: () => Pick<Messaging, 'status' | 'backlog' | 'channelDeliveries'>,
): void {
  const status = (): MessagingStatus => messaging().status();
  const gauge = (name: string, help: string, value: (status: MessagingStatus) => number): void =>
    addReadGauge(registry, name, help, () => value(status()));
  gauge('gatehouse_bus_connected', '1 while the broker is connected', ({ bus }) =>
    bus === 'connected' ? 1 : 0,
  );
  gauge('gatehouse_bus_wanted', '0 where the core runs without a broker', ({ bus }) =>
    bus === 'off' ? 0 : 1,
  );
  addReadGauge(
    registry,
    'gatehouse_outbox_rows',
    'Rows that subscribers on the bus have not been told yet',
    async () => (await messaging().backlog()).backlog,
  );
  addReadGauge(
    registry,
    'gatehouse_outbox_oldest_seconds',
    'Age of the oldest of them',
    async () => ((await messaging().backlog()).oldestMs ?? 0) / 1000,
  );
  registry.registerMetric(
    new Counter({
      name: 'gatehouse_channel_deliveries_total',
      help: 'Replies of each channel by what became of them: sent, uncertain, dead',
      labelNames: ['channel', 'status'],
      registers: [],
      collect() {
        this.reset();
        for (const [channel, counts] of messaging().channelDeliveries()) {
          for (const [status, count] of Object.entries(counts))
            this.inc({ channel, status }, count);
        }
      },
    }),
  );
  for (const [key, { name, help }] of Object.entries(counters)) {
    registry.registerMetric(
      new Counter({
        name: `gatehouse_bus_${name}_total`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(status().counts[key as keyof MessagingCounts]);
        },
      }),
    );
  }
}
