/**
 * The stored form of events and replies in their streams: subject, id, headers and payload. A
 * stored message is complete without its headers.
 *
 * A message above the broker's limit would block everything behind it forever. Its strings are cut instead, marked
 * with `truncated: true`; the whole text is in the journal.
 */
import { subjectOfEvent, type OutgoingEvent } from '#shared/wire/document-event';
import type { Reply } from '#shared/wire/reply';
import type { Subjects } from '#shared/wire/subjects';
import { traceHeader, deriveTraceParent } from '#shared/wire/trace';

export interface OutgoingMessage {
  /** `Nats-Msg-Id`: the broker stores each id once, subscribers drop duplicates. */
  id: string;
  subject: string;
  payload: string;
  headers: Record<string, string>;
}

/** Reserved for headers: the broker's limit includes them. */
const headerBytesMax = 2_048;

/**
 * A CloudEvents 1.0 JSON object. @see https://github.com/cloudevents/spec
 * @param traceparent as it came with the job's message
 */
export function eventMessage(
  event: OutgoingEvent,
  subjects: Subjects,
  payloadBytesMax: number,
  traceparent: string | null = null,
): OutgoingMessage {
  const { kind, id: subjectId } = subjectOfEvent(event);
  const wrap = (data: OutgoingEvent): string =>
    JSON.stringify({
      specversion: '1.0',
      id: event.id,
      source: '/gatehouse',
      type: `gatehouse.${kind}.${event.type}.v1`,
      subject: subjectId,
      time: event.at,
      datacontenttype: 'application/json',
      data,
    });
  return {
    id: event.id,
    subject: subjects.event({ userId: event.user_id, jobId: subjectId, type: event.type }),
    payload: fitPayload(event, event.data, payloadBytesMax, (data) => wrap({ ...event, data })),
    headers: {
      'Content-Type': 'application/cloudevents+json',
      [traceHeader]: deriveTraceParent(subjectId, traceparent),
    },
  };
}

export function replyMessage(
  reply: Reply,
  subjects: Subjects,
  payloadBytesMax: number,
  traceparent: string | null = null,
): OutgoingMessage {
  const to = { channel: reply.channel, userId: reply.user_id, jobId: reply.job_id };
  return {
    id: reply.reply_id,
    subject: subjects.reply(to),
    payload: fitPayload(reply, { text: reply.text }, payloadBytesMax, (cut) =>
      JSON.stringify({ ...reply, ...cut }),
    ),
    headers: {
      'Content-Type': 'application/json',
      [traceHeader]: deriveTraceParent(reply.job_id, traceparent),
    },
  };
}

function fitPayload(
  whole: unknown,
  data: Record<string, unknown>,
  bytesMax: number,
  wrap: (data: Record<string, unknown>) => string,
): string {
  const room = bytesMax - headerBytesMax;
  const payload = wrap(data);
  // A UTF-16 unit takes at most 3 bytes: only a payload that may be too large is measured.
  if (payload.length * 3 <= room || Buffer.byteLength(payload) <= room) return payload;
  for (let charsMax = Math.floor(room / 2); charsMax > 0; charsMax = Math.floor(charsMax / 2)) {
    const cut = wrap({ ...(truncateStrings(data, charsMax) as object), truncated: true });
    if (Buffer.byteLength(cut) <= room) return cut;
  }
  throw new Error(
    `a message does not fit ${bytesMax} bytes: ${JSON.stringify(whole).slice(0, 200)}`,
  );
}

function truncateStrings(value: unknown, charsMax: number): unknown {
  if (typeof value === 'string') {
    // Not between the halves of a surrogate pair.
    return value.length <= charsMax
      ? value
      : value.slice(0, charsMax).replace(/[\ud800-\udbff]$/, '');
  }
  if (Array.isArray(value))
    return value.slice(0, charsMax).map((one) => truncateStrings(one, charsMax));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, truncateStrings(one, charsMax)]),
  );
}
