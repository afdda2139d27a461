/**
 * The smallest subscriber: every state event of every job, from the start of the stream and then as they
 * happen, each once.
 *
 *   node examples/subscribe.ts [URL [USER PASSWORD]]
 */
import { jetstream } from '@nats-io/jetstream';
import { connect } from 'nats';

interface StateEvent {
  id: string;
  job_id: string;
  seq: number;
  type: string;
  state: string;
  data: Record<string, unknown>;
}

const [url = 'nats://127.0.0.1:4222', user, pass = ''] = process.argv.slice(2);
const nc = await connect({ servers: url, ...(user === undefined ? {} : { user, pass }) });

// An ordered consumer: in order, without gaps, made again by the client when the connection was lost.
const consumer = await jetstream(nc).consumers.get('GH_EVT', {});
const messages = await consumer.consume({ expires: 4_000, idle_heartbeat: 1_000 });

// `seq` counts from 1 per job: what is not higher than the last one has been here before.
const lastSeq = new Map<string, number>();
for await (const message of messages) {
  const { data: event } = message.json<{ data: StateEvent }>();
  if (event.seq <= (lastSeq.get(event.job_id) ?? 0)) continue;
  lastSeq.set(event.job_id, event.seq);
  console.log(event.id, event.type, event.state, JSON.stringify(event.data));
}
