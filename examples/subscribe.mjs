#!/usr/bin/env node
// @ts-check
/**
 * A subscriber that knows the state of every job and of every document, and keeps it over restarts of the core and of
 * the NATS server. Runs on Node 20 and newer.
 *
 *   node examples/subscribe.mjs [URL [USER PASSWORD]]
 *
 * It reads the stream from its start with a consumer of its own, so its user must be in Gatehouse's account and may
 * create consumers. A user like `reader` of deploy/nats reads from a consumer that the operator has created
 * (docs/events.md).
 *
 * Without arguments it finds the server that the core runs (examples/connection.mjs). Each event is printed on one
 * line: its id, type, state and data. Ctrl-C ends it and prints the rebuilt state as JSON.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { connectionOptions } from './connection.mjs';

const stream = 'GH_EVT';
const retryMs = 1_000;

/** @typedef {{id: string, seq: number, type: string, state: string, data: Record<string, unknown>}} Event */

/** The last event of each job and document, by the `subject` of the envelope. @type {Map<string, Event & {kind: string}>} */
const last = new Map();

/** @param {{type: string, subject: string, data: Event}} envelope */
function apply({ type, subject, data: event }) {
  // `gatehouse.job.done.v1`, `gatehouse.document.drafted.v1`. Unknown kinds are ignored.
  const kind = type.split('.')[1] ?? '';
  if (kind !== 'job' && kind !== 'document') return;
  // `seq` counts from 1 for each subject: an event that is not higher than the last one is a repetition.
  if (event.seq <= (last.get(subject)?.seq ?? 0)) return;
  last.set(subject, { ...event, kind });
  console.log(event.id, event.type, event.state, JSON.stringify(event.data));
}

/** @param {string} kind */
const rebuilt = (kind) =>
  Object.fromEntries(
    [...last]
      .filter(([, event]) => event.kind === kind)
      .map(([subject, { seq, type, state }]) => [subject, { seq, type, state }]),
  );

/**
 * Reads the stream from its start until it is interrupted. After each interruption it reads from the start again: a
 * stream that was created anew, or has lost its end, is filled again by the core and counts anew, so an earlier
 * position has no meaning. `apply` drops the events that it has already seen.
 *
 * @param {import('nats').NatsConnection} nc
 */
async function readFromStart(nc) {
  const manager = await jetstreamManager(nc);
  const { created } = await manager.streams.info(stream);
  const consumer = await jetstream(nc).consumers.get(stream, {});
  // With its defaults the client notices a lost server only after almost a minute.
  const messages = await consumer.consume({ expires: 4_000, idle_heartbeat: 1_000 });
  interrupt = () => messages.stop();
  const stopIfMadeAnew = async () => {
    const info = await manager.streams.info(stream).catch(() => null);
    if (info?.created !== created) messages.stop();
  };
  const timer = setInterval(() => void stopIfMadeAnew(), 2_000);
  try {
    for await (const message of messages) apply(message.json());
  } finally {
    clearInterval(timer);
  }
}

let interrupt = () => {};

const nc = await connect({
  ...connectionOptions(process.argv.slice(2), process.env),
  name: 'subscribe.mjs',
  // Without these two options the client gives up: at once if the server is not reachable, else after ten attempts.
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    console.log(JSON.stringify({ jobs: rebuilt('job'), documents: rebuilt('document') }));
    process.exit(0);
  });
}

async function watchConnection() {
  for await (const { type } of nc.status()) if (type === 'reconnect') interrupt();
}
void watchConnection();

while (!nc.isClosed()) {
  try {
    await readFromStart(nc);
  } catch (error) {
    // The server is not reachable, or the core has not created the stream yet.
    console.error(`waiting for ${stream}: ${String(error)}`);
  }
  await new Promise((resolve) => setTimeout(resolve, retryMs));
}
const closed = await nc.closed();
console.error(`the connection is closed: ${closed?.message ?? 'by the server'}`);
process.exitCode = 1;
