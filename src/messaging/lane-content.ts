/**
 * The two lanes of the relay: every state event to GH_EVT, and replies to GH_RPL. They read the same journal
 * and keep their own place, so that neither waits for the other and each is filled again on its own.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Deliveries, OutboxStorage } from '../contract/outbox-storage.ts';
import type { Subjects } from '../contract/subjects.ts';
import { eventMessage, replyMessage } from './envelope.ts';
import { bridgeConsumer, ensureConsumer, replyAckWaitMs } from './durable-consumer.ts';
import type { LaneContent, Place } from './relay-lane.ts';
import { repliesOf } from './replies.ts';
import { ensureStream, keepMs, type StreamSpec } from './streams.ts';

export interface LaneParts {
  outbox: OutboxStorage;
  subjects: Subjects;
  spec: StreamSpec;
  /** What the broker takes in one message, as of the last handshake. */
  payloadBytesMax(): number;
  onNotes(streamName: string, notes: string[]): void;
  now(): number;
}

/** One row has one to three events: about as many as a batch takes. */
const eventRows = 32;
/** Most rows belong to other channels or are heartbeats: looked at in larger strides. */
const replyRows = 512;

export function eventLane(parts: LaneParts): LaneContent {
  const { outbox, subjects, spec } = parts;
  return {
    name: 'events',
    streamName: spec.name,
    isRecoverable: true,
    read(pos) {
      const { rows, upTo } = outbox.after(pos, eventRows);
      const bytesMax = parts.payloadBytesMax();
      const messagesOf = rows.map(({ pos: at, events, traceparent }) => ({
        pos: at,
        messages: events.map((event) => eventMessage(event, subjects, bytesMax, traceparent)),
      }));
      return { rows: messagesOf, upTo };
    },
    async reconcile(jsm, place) {
      const { lastSequence, isNew } = await look(jsm, parts);
      const lost = lostHistory(outbox, lastSequence);
      if (isNew) return { place: fromAnew(place, parts), lastSequence };
      const last = await jsm.streams.getMessage(spec.name, { last_by_subj: subjects.all.events });
      const isOurs = last !== null && last.seq > lost;
      const found = isOurs ? placeOf(last.header.get('Nats-Msg-Id'), outbox) : null;
      // Nothing left (all aged out), or somebody else's event: what we remember is the best we know.
      return { place: found ?? place, lastSequence };
    },
  };
}

export function replyLane(
  parts: LaneParts & {
    channels: readonly string[];
    deliveries: Deliveries;
    timings: { ackWaitMs: number };
  },
): LaneContent {
  const { outbox, subjects, spec, channels, deliveries } = parts;
  return {
    name: 'replies',
    streamName: spec.name,
    // The bridge's acknowledgement takes a reply out of the stream: only the mark knows it was there.
    isRecoverable: false,
    read(pos) {
      const { rows, upTo } = outbox.after(pos, replyRows, channels);
      const bytesMax = parts.payloadBytesMax();
      const messagesOf = rows.map((row) => ({
        pos: row.pos,
        messages: repliesOf(row)
          .filter((reply) => !deliveries.has(reply.reply_id))
          .map((reply) => replyMessage(reply, subjects, bytesMax, row.traceparent)),
      }));
      return { rows: messagesOf, upTo };
    },
    async reconcile(jsm, place) {
      const { lastSequence, isNew } = await look(jsm, parts);
      // The queue of each bridge is made here, so that a bridge needs no right to make one.
      for (const channel of channels) {
        const filter = subjects.repliesOf(channel);
        const ackWaitMs = Math.min(parts.timings.ackWaitMs, replyAckWaitMs);
        await ensureConsumer(jsm, {
          stream: spec.name,
          name: bridgeConsumer(channel),
          filter,
          ackWaitMs,
        });
      }
      return { place: isNew ? fromAnew(place, parts) : place, lastSequence };
    },
  };
}

async function look(
  jsm: JetStreamManager,
  parts: LaneParts,
): Promise<{ lastSequence: number; isNew: boolean }> {
  const { info, notes } = await ensureStream(jsm, parts.spec);
  parts.onNotes(parts.spec.name, notes);
  return { lastSequence: info.state.last_seq, isNew: info.state.last_seq === 0 };
}

/**
 * The last sequence of the stream that was published before the database was put back from a backup. What lies
 * up to there happened in a history that the journal has no more: the same ids may stand for other events, at
 * other places, and say nothing about what is out.
 */
function lostHistory(outbox: OutboxStorage, lastSequence: number): number {
  if (outbox.watermark('restored') !== 0) {
    outbox.mark('events.lost', lastSequence);
    outbox.mark('restored', 0);
  }
  const lost = outbox.watermark('events.lost');
  if (lost <= lastSequence) return lost;
  // The stream has been made anew since, and counts from 1 again.
  outbox.mark('events.lost', 0);
  return 0;
}

/** A stream that never held anything: the broker was wiped or replaced. It gets what it would still keep. */
function fromAnew(place: Place, parts: LaneParts): Place {
  const pos = Math.min(place.pos, parts.outbox.positionAt(parts.now() - keepMs));
  return { pos, skip: 0 };
}

function placeOf(eventId: string, outbox: OutboxStorage): Place | null {
  const colon = eventId.lastIndexOf(':');
  const found = outbox.positionOf(eventId.slice(0, colon), Number(eventId.slice(colon + 1)));
  if (found === null) return null;
  const { pos, index, count } = found;
  return index === count - 1 ? { pos, skip: 0 } : { pos: pos - 1, skip: index + 1 };
}
