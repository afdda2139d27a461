/**
 * An independent subscriber that follows docs/events.md: reads the events of all jobs and documents from the broker
 * with an ordered consumer from the start, through every outage. At the end, a second reader reads the whole stream
 * again.
 */
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { subjectOfEvent, type OutgoingEvent } from '#shared/wire/document-event';
import type { StateEvent } from '#shared/wire/state-event';

export interface StreamWatcher {
  /** State events of jobs, each once, in order of arrival. */
  readonly events: readonly StateEvent[];
  /** Events whose sequence was not 1, 2, 3 … */
  readonly faults: readonly string[];
  readonly repeated: number;
  stop(): Promise<void>;
}

export interface BrokerAddress {
  /** Several are separated by commas. */
  url: string;
  token: string;
}

export const connectTo = ({ url, token }: BrokerAddress): Promise<NatsConnection> =>
  connect({
    servers: url.split(','),
    token,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
  });

export async function watchStream(address: BrokerAddress): Promise<StreamWatcher> {
  const nc = await connectTo(address);
  const events: StateEvent[] = [];
  const faults: string[] = [];
  const lastSeq = new Map<string, number>();
  let repeated = 0;
  let streamSeq = 0;
  let isStopped = false;
  const take = (event: OutgoingEvent): void => {
    const subject = subjectOfEvent(event).id;
    const last = lastSeq.get(subject) ?? 0;
    if (event.seq <= last) {
      repeated += 1;
      return;
    }
    if (event.seq !== last + 1) faults.push(`${subject}: ${event.seq} came after ${last}`);
    lastSeq.set(subject, event.seq);
    if ('job_id' in event) events.push(event);
  };
  let current: { stop(): void } | null = null;
  const readOn = async (): Promise<void> => {
    while (!isStopped) {
      try {
        const consumer = await jetstream(nc).consumers.get('GH_EVT', {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: streamSeq + 1,
        });
        const messages = await consumer.consume({ expires: 4_000, idle_heartbeat: 1_000 });
        current = messages;
        for await (const message of messages) {
          streamSeq = message.seq;
          take(message.json<{ data: OutgoingEvent }>().data);
        }
      } catch {
        // The broker is down, or has no stream yet.
      }
      if (!isStopped) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const reading = readOn();
  return {
    events,
    faults,
    get repeated() {
      return repeated;
    },
    async stop() {
      isStopped = true;
      current?.stop();
      await nc.close();
      await reading;
    },
  };
}

/** The ids of all events in the stream; stops after `timeoutMs`. */
export async function rereadStream(
  address: BrokerAddress,
  count: number,
  timeoutMs: number,
): Promise<Set<string>> {
  const nc = await connectTo(address);
  const ids = new Set<string>();
  try {
    const consumer = await jetstream(nc).consumers.get('GH_EVT', {});
    const messages = await consumer.consume({ expires: 4_000, idle_heartbeat: 1_000 });
    const timer = setTimeout(() => messages.stop(), timeoutMs);
    for await (const message of messages) {
      const { data } = message.json<{ data: OutgoingEvent }>();
      if ('job_id' in data) ids.add(data.id);
      if (ids.size >= count && message.info.pending === 0) break;
    }
    clearTimeout(timer);
    return ids;
  } finally {
    await nc.close();
  }
}
