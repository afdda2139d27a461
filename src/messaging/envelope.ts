/**
 * State events, document events and replies as they lie in their streams: subject, id, headers and payload. A stored
 * message makes sense without its headers.
 *
 * A message that is larger than the broker takes would stop everything behind it for ever. It is cut
 * instead, visibly (`truncated: true`); the whole text is in the journal.
 */
import { isDocumentEvent, type OutboxEvent } from '../contract/document-event.ts';
import type { Reply } from '../contract/reply.ts';
import type { Subjects } from '../contract/subjects.ts';
import { traceHeader, traceParentFor } from '../contract/trace.ts';

export interface OutgoingMessage {
  /** `Nats-Msg-Id`: the broker stores each once, subscribers drop what they have seen. */
  id: string;
  subject: string;
  payload: string;
  headers: Record<string, string>;
}

/** What the headers may take of the broker's limit, which counts them too. */
const headerBytesMax = 2_048;

/**
 * A CloudEvents 1.0 JSON object. @see https://github.com/cloudevents/spec
 * @param traceparent as it came with the job's message
 */
export function eventMessage(
  event: OutboxEvent,
  subjects: Subjects,
  payloadBytesMax: number,
  traceparent: string | null = null,
): OutgoingMessage {
  const [kind, subjectId] = isDocumentEvent(event)
    ? ['document', event.document_id]
    : ['job', event.job_id];
  const wrap = (data: OutboxEvent): string =>
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
    payload: fit(event, event.data, payloadBytesMax, (data) => wrap({ ...event, data })),
    headers: {
      'Content-Type': 'application/cloudevents+json',
      [traceHeader]: traceParentFor(subjectId, traceparent),
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
    payload: fit(reply, { text: reply.text }, payloadBytesMax, (cut) =>
      JSON.stringify({ ...reply, ...cut }),
    ),
    headers: {
      'Content-Type': 'application/json',
      [traceHeader]: traceParentFor(reply.job_id, traceparent),
    },
  };
}

function fit(
  whole: unknown,
  data: Record<string, unknown>,
  bytesMax: number,
  wrap: (data: Record<string, unknown>) => string,
): string {
  const room = bytesMax - headerBytesMax;
  const payload = wrap(data);
  // No UTF-16 unit takes more than 3 bytes: only what may be too large is measured.
  if (payload.length * 3 <= room || Buffer.byteLength(payload) <= room) return payload;
  for (let charsMax = Math.floor(room / 2); charsMax > 0; charsMax = Math.floor(charsMax / 2)) {
    const cut = wrap({ ...(cutStrings(data, charsMax) as object), truncated: true });
    if (Buffer.byteLength(cut) <= room) return cut;
  }
  throw new Error(
    `a message does not fit ${bytesMax} bytes: ${JSON.stringify(whole).slice(0, 200)}`,
  );
}

function cutStrings(value: unknown, charsMax: number): unknown {
  if (typeof value === 'string') {
    // Not in the middle of a surrogate pair.
    return value.length <= charsMax
      ? value
      : value.slice(0, charsMax).replace(/[\ud800-\udbff]$/, '');
  }
  if (Array.isArray(value)) return value.slice(0, charsMax).map((one) => cutStrings(one, charsMax));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, cutStrings(one, charsMax)]),
  );
}
