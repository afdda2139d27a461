/** The thread of nats-listener.ts: records the arrival of each message, and posts after the last message of a job. */
import { parentPort, workerData } from 'node:worker_threads';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect, type MsgHdrs } from 'nats';
import { nowMs, type Arrival, type ListenerOptions } from './nats-listener.ts';

const { url, subject, stream, lastType } = workerData as ListenerOptions;
const ways = stream === null ? 1 : 2;
/** The lint rule is for browser windows; a message port of threads has no origin. */
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const say = (what: 'ready' | Arrival[]): void => parentPort?.postMessage(what);
let arrivals: Arrival[] = [];
let ended = 0;

const noteAs =
  (way: Arrival['way']) =>
  (message: { subject: string; headers?: MsgHdrs | undefined }): void => {
    const at = nowMs();
    arrivals.push({ way, id: message.headers?.get('Nats-Msg-Id') ?? '', at });
    if (!message.subject.endsWith(`.${lastType}`)) return;
    ended += 1;
    if (ended % ways !== 0) return;
    say(arrivals);
    arrivals = [];
  };

const nc = await connect({ servers: url, noAsyncTraces: true });
const noteLive = noteAs('live');
nc.subscribe(subject, { callback: (_error, message) => noteLive(message) });
if (stream !== null) {
  const consumer = await jetstream(nc).consumers.get(stream, { deliver_policy: DeliverPolicy.New });
  await consumer.consume({ callback: noteAs('ordered') });
}
await nc.flush();
say('ready');
