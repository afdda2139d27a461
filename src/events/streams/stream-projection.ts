/**
 * The two sources of the relays: all state and document events to GH_EVT, and replies to GH_RPL. Both read the same
 * journal with their own cursor, so that neither waits for the other and each is refilled on its own.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { DeliveryReportStorage, EventLogStorage } from '../event-log-port.ts';
import type { Subjects } from '#shared/wire/subjects';
import { eventMessage, replyMessage } from '../outbox/outgoing-messages.ts';
import {
  bridgeConsumer,
  ensureConsumer,
  replyAckWaitMs,
  type DurableConsumer,
} from './durable-consumer.ts';
import type { StreamSource, OutboxCursor } from '../outbox/outbox-relay.ts';
import { routeReplies, type RoutedReply } from '../channel-link/reply-routes.ts';
import { noPersons, type Persons } from '#shared/persons';
import { ensureStream, eventRetentionMs, type StreamSpec } from './streams.ts';

export interface StreamSourceParts {
  outbox: EventLogStorage;
  subjects: Subjects;
  spec: StreamSpec;
  /** The broker's message limit, as of the last handshake. */
  payloadBytesMax(): number;
  onNotes(streamName: string, notes: string[]): void;
  now(): number;
}

/** A row has one to three events: about one batch. */
const eventRows = 32;
/** Most rows belong to other channels or are heartbeats, so more rows are scanned at once. */
const replyRows = 512;

export function eventStreamSource(parts: StreamSourceParts): StreamSource {
  const { outbox, subjects, spec } = parts;
  return {
    name: 'events',
    streamName: spec.name,
    isRecoverable: true,
    async read(pos) {
      const { rows, upTo } = await outbox.after(pos, eventRows);
      const bytesMax = parts.payloadBytesMax();
      const messagesOf = rows.map(({ pos: at, events, traceparent }) => ({
        pos: at,
        messages: events.map((event) => eventMessage(event, subjects, bytesMax, traceparent)),
      }));
      return { rows: messagesOf, upTo };
    },
    async reconcile(jsm, place) {
      const { lastSequence, isNew } = await prepareStream(jsm, parts);
      const lost = await lastLostSequence(outbox, lastSequence);
      if (isNew) return { place: await rebuildCursor(place, parts), lastSequence };
      const last = await jsm.streams.getMessage(spec.name, {
        last_by_subj: subjects.wildcards.events,
      });
      const isOurs = last !== null && last.seq > lost;
      const found = isOurs ? await cursorAfterEvent(last.header.get('Nats-Msg-Id'), outbox) : null;
      // An empty stream (all expired), or an event that is not ours: our own cursor is the best known.
      return { place: found ?? place, lastSequence };
    },
  };
}

export function replyStreamSource(
  parts: StreamSourceParts & {
    channels: readonly string[];
    deliveries: DeliveryReportStorage;
    /** Default: there are none. */
    persons?: Persons | undefined;
    /** A reply cannot be sent, because its person has no id in the chat. Resolves when that is stored. */
    onUnaddressed(one: RoutedReply): Promise<void>;
    timings: { ackWaitMs: number };
  },
): StreamSource {
  const { outbox, subjects, spec, channels, deliveries, persons = noPersons } = parts;
  return {
    name: 'replies',
    streamName: spec.name,
    // The bridge's acknowledgement deletes a reply from the stream: only the watermark shows that it was published.
    isRecoverable: false,
    async read(pos) {
      const { rows, upTo } = await outbox.after(pos, replyRows, channels);
      const bytesMax = parts.payloadBytesMax();
      const withMessages = [];
      for (const row of rows) {
        const messages = [];
        for (const one of routeReplies(row, channels, persons)) {
          const { key, reply, isUnaddressed } = one;
          if (await deliveries.has(key)) continue;
          if (isUnaddressed) await parts.onUnaddressed(one);
          else {
            const message = replyMessage(reply, subjects, bytesMax, row.traceparent);
            messages.push({ ...message, id: key });
          }
        }
        withMessages.push({ pos: row.pos, messages });
      }
      return { rows: withMessages, upTo };
    },
    async reconcile(jsm, place) {
      const { lastSequence, isNew } = await prepareStream(jsm, parts);
      // The core creates each bridge's consumer, so that a bridge needs no right to create one.
      for (const consumer of bridgeConsumers(channels, parts)) await ensureConsumer(jsm, consumer);
      return { place: isNew ? await rebuildCursor(place, parts) : place, lastSequence };
    },
  };
}

/** The consumers of the replies, one for each channel. */
export const bridgeConsumers = (
  channels: readonly string[],
  parts: { spec: StreamSpec; subjects: Subjects; timings: { ackWaitMs: number } },
): DurableConsumer[] =>
  channels.map((channel) => ({
    stream: parts.spec.name,
    name: bridgeConsumer(channel),
    filter: parts.subjects.repliesWildcard(channel),
    ackWaitMs: Math.min(parts.timings.ackWaitMs, replyAckWaitMs),
  }));

async function prepareStream(
  jsm: JetStreamManager,
  parts: StreamSourceParts,
): Promise<{ lastSequence: number; isNew: boolean }> {
  const { info, notes } = await ensureStream(jsm, parts.spec);
  parts.onNotes(parts.spec.name, notes);
  return { lastSequence: info.state.last_seq, isNew: info.state.last_seq === 0 };
}

/**
 * The last stream sequence published before the database was restored from a backup. Messages up to it belong to a
 * history that the journal no longer has: their ids may now name other events at other positions, so they do not show
 * what is published.
 */
async function lastLostSequence(outbox: EventLogStorage, lastSequence: number): Promise<number> {
  if ((await outbox.watermark('restored')) !== 0) {
    await outbox.saveWatermark('events.lost', lastSequence);
    await outbox.saveWatermark('restored', 0);
  }
  const lost = await outbox.watermark('events.lost');
  if (lost <= lastSequence) return lost;
  // The stream was recreated since, and counts from 1 again.
  await outbox.saveWatermark('events.lost', 0);
  return 0;
}

/** For a stream that never held a message (broker wiped or replaced): refills it from the retention limit on. */
async function rebuildCursor(place: OutboxCursor, parts: StreamSourceParts): Promise<OutboxCursor> {
  const kept = await parts.outbox.positionAt(parts.now() - eventRetentionMs);
  return { pos: Math.min(place.pos, kept), skip: 0 };
}

async function cursorAfterEvent(
  eventId: string,
  outbox: EventLogStorage,
): Promise<OutboxCursor | null> {
  const colon = eventId.lastIndexOf(':');
  const found = await outbox.positionOf(eventId.slice(0, colon), Number(eventId.slice(colon + 1)));
  if (found === null) return null;
  const { pos, index, count } = found;
  return index === count - 1 ? { pos, skip: 0 } : { pos: pos - 1, skip: index + 1 };
}
