/**
 * Durable submits: messages of the work queue GH_CMD become jobs, those of one conversation in the order in which they
 * were sent.
 *
 * Q1: a message is acknowledged only after its job is on disk. A redelivery names the same job (idempotent): the
 *     idempotency key is `<source>:<external id>`.
 * Q2: every message ends: as a job, or in the dead letters with a reason and an error reply to its sender's chat. None
 *     is redelivered forever, none is dropped silently.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { noPersons, type Persons } from '#shared/persons';
import type { JobService } from '#shared/wire/job-service';
import type { Reply } from '#shared/wire/reply';
import type { Subjects } from '#shared/wire/subjects';
import { traceHeader } from '#shared/wire/trace';
import { GatehouseError } from '#shared/errors';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { localeOf, textsOf } from '#machines/texts';
import { toNatsProblem } from '../connection/nats-problem.ts';
import { createChannelJobService, isObject } from './channel-job-service.ts';
import type { DeadLetters } from '../outbox/dead-letters.ts';
import type { ConsumeSession } from '../streams/durable-consumer.ts';
import { replyMessage } from '../outbox/outgoing-messages.ts';
import { idempotencyHeader } from '../service/job-endpoints.ts';
import { parseJson } from '../service/micro-service.ts';
import { exponentialBackoffMs } from '#shared/backoff';
import { abortableSleep } from '#shared/abortable-sleep';
import type { NatsProblem, MessagingTimings } from '../messaging-port.ts';
import type { JetStreamContext } from '../outbox/outbox-relay.ts';
import { createPerConversationQueue } from '../streams/ordered-consumer.ts';

export interface SubmitQueueParts {
  jobService: JobService;
  /** Default: there are none. */
  persons?: Persons | undefined;
  subjects: Subjects;
  deadLetters: DeadLetters;
  /** Channels with a bridge that can deliver an error reply to the sender. */
  channels: readonly string[];
  repliesStream: string;
  timings: MessagingTimings;
  onAccepted(): void;
  log: Log;
}

/** An internal fault may be temporary; after this many tries the message itself is the cause (poison message). */
const bugTriesMax = 5;
/** Deliveries without an answer: each ended with a crash of this process. */
const triesMax = 100;

const retryAfterMsOf = (error: unknown): number =>
  error instanceof GatehouseError ? (error.retryAfterMs ?? 0) : 0;

export function createSubmitQueue(parts: SubmitQueueParts) {
  const { subjects, deadLetters, timings, log } = parts;
  const deadLetterErrorLog = createThrottledErrorLog(log, 'a message could not be put aside yet');

  const rejectMessage = async (
    link: JetStreamContext,
    message: JsMsg,
    reason: NatsProblem,
  ): Promise<void> => {
    const reply = rejectionReply(message, reason, subjects);
    if (reply !== null && parts.channels.includes(reply.channel)) {
      const { subject, payload, id } = replyMessage(reply, subjects, 1024 ** 2);
      await link.js.publish(subject, payload, {
        msgID: id,
        expect: { streamName: parts.repliesStream },
      });
    }
    await deadLetters.moveToDeadLetters(link, message, reason);
  };

  /**
   * @param since when this process began to try, monotonic in ms
   * @returns the wait before the next try, in ms; null when the message has ended
   */
  const attempt = async (link: JetStreamContext, message: JsMsg, tries: number, since: number) => {
    try {
      await submit(parts, message);
      message.ack();
      parts.onAccepted();
      return null;
    } catch (error) {
      try {
        const isOver = performance.now() - since > timings.submitRetryForMs;
        if (isPermanentError(error, message, tries, isOver)) {
          await rejectMessage(link, message, rejectionReason(error));
          deadLetterErrorLog.recovered();
          return null;
        }
      } catch (failure) {
        deadLetterErrorLog.error(failure, { code: toNatsProblem(failure).code });
      }
      const { submitRetryMs, submitRetryMsMax } = timings;
      const backoffMs = exponentialBackoffMs(tries - 1, submitRetryMs, submitRetryMsMax);
      return Math.max(retryAfterMsOf(error), backoffMs);
    }
  };

  return {
    open(link: JetStreamContext, session: ConsumeSession): (message: JsMsg) => Promise<void> {
      const { signal } = session;
      const ordered = createPerConversationQueue({
        session,
        orderingKey: (message) => orderingKeyOf(message, subjects, parts.persons),
        async handle(message) {
          const since = performance.now();
          for (let tries = message.info.deliveryCount; !signal.aborted; tries += 1) {
            const retryInMs = await attempt(link, message, tries, since);
            if (retryInMs === null) return;
            await abortableSleep(retryInMs, signal);
          }
        },
      });
      return (message) => ordered.enqueue(message);
    },
  };
}

async function submit(
  { jobService, subjects, persons }: SubmitQueueParts,
  message: JsMsg,
): Promise<void> {
  if (message.info.deliveryCount > triesMax) {
    throw new GatehouseError('GH_JOB_BUG', `delivered ${triesMax} times without an answer`);
  }
  const body = parseJson(message.data);
  if (!isObject(body)) throw new GatehouseError('GH_REQUEST_INVALID', 'body: expected an object');
  const source = sourceOf(message, subjects);
  const withKey = { ...body, idempotency_key: keyOf(message, body) };
  const traceparent = message.headers?.get(traceHeader);
  await createChannelJobService(jobService, source, persons).submit(withKey, { traceparent });
}

function isPermanentError(error: unknown, message: JsMsg, tries: number, isOver: boolean): boolean {
  if (message.info.deliveryCount > triesMax) return true;
  const kind = error instanceof GatehouseError ? error.kind : 'bug';
  if (kind === 'terminal') return true;
  if (kind === 'bug') return tries >= bugTriesMax;
  // Not by the age of the message: a clock that jumps ahead must not end it.
  return tries >= bugTriesMax && isOver;
}

const rejectionReason = (error: unknown): NatsProblem =>
  error instanceof GatehouseError
    ? { code: error.code, message: error.message }
    : { code: 'GH_JOB_BUG', message: 'the message met a fault in Gatehouse' };

/** Conversation of the message, in the channel of its subject; an unreadable message gets its own lane. */
function orderingKeyOf(message: JsMsg, subjects: Subjects, persons: Persons = noPersons): string {
  try {
    const body = parseJson(message.data);
    if (!isObject(body)) return String(message.info.streamSequence);
    const channel = subjects.parseSubmitSource(message.subject);
    const { user_id: chatId, thread } = body;
    // The messages of a person come in order from all channels.
    const userId = typeof chatId === 'string' ? persons.userOf(channel ?? '', chatId) : '';
    if (channel !== null && thread === undefined && persons.has(userId)) {
      return persons.conversationOf({ channel, userId });
    }
    return JSON.stringify([channel, thread, chatId]);
  } catch {
    return String(message.info.streamSequence);
  }
}

/** @throws GH_REQUEST_INVALID for a subject under `cmd` that is not a submit. */
function sourceOf(message: JsMsg, subjects: Subjects): string {
  const source = subjects.parseSubmitSource(message.subject);
  if (source !== null) return source;
  throw new GatehouseError('GH_REQUEST_INVALID', `${message.subject} is not cmd.submit.<source>`);
}

function keyOf(message: JsMsg, body: Record<string, unknown>): string {
  const { streamSequence, timestampNanos } = message.info;
  const given = message.headers?.get(idempotencyHeader) || body['idempotency_key'];
  return typeof given === 'string' && given !== '' ? given : `${streamSequence}-${timestampNanos}`;
}

const rejectionPrefix = 'refused-';

/** Whether the id is that of a rejected message, which did not become a job. */
export const isRejection = (jobId: string): boolean => jobId.startsWith(rejectionPrefix);

/** Error reply to the sender, if the message names its user. There is no job: the reply gets an id of its own. */
function rejectionReply(message: JsMsg, { code }: NatsProblem, subjects: Subjects): Reply | null {
  let body: unknown;
  try {
    body = parseJson(message.data);
  } catch {
    return null;
  }
  if (!isObject(body) || typeof body['user_id'] !== 'string' || body['user_id'] === '') return null;
  // Never the channel of the body: a sender could write to users of another channel.
  const source = subjects.parseSubmitSource(message.subject);
  if (source === null) return null;
  const text = typeof body['message'] === 'string' ? body['message'] : '';
  const address = `${rejectionPrefix}${message.info.streamSequence}-${message.info.timestampNanos}`;
  const key = message.headers?.get(idempotencyHeader) ?? '';
  const thread = body['thread'];
  return {
    reply_id: `${address}:1`,
    job_id: address,
    user_id: body['user_id'],
    channel: source,
    n: 1,
    kind: 'error',
    text: `${textsOf(localeOf(text)).noAnswer} (${code})`,
    ...(typeof thread === 'string' ? { thread } : {}),
    ...(key.startsWith(`${source}:`) ? { external_id: key.slice(source.length + 1) } : {}),
  };
}
