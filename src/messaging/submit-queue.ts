/**
 * The durable way in: messages of the work queue GH_CMD become jobs, those of one conversation in the order in
 * which they were sent.
 *
 * Q1: a message is acknowledged only after its job is on disk. Delivered twice, it names the same job: the
 *     idempotency key is `<source>:<external id>`.
 * Q2: every message ends: as a job, or put aside with a reason, and then its sender is told in the chat
 *     it came from. None is delivered for ever, none is dropped without a word.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { JobDoor } from '../contract/door.ts';
import type { Reply } from '../contract/reply.ts';
import type { Subjects } from '../contract/subjects.ts';
import { traceHeader } from '../contract/trace.ts';
import { GatehouseError } from '../lib/errors.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';
import { busProblemOf } from './bus-problem.ts';
import { createChannelDoor, isObject } from './channel-door.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { ConsumeSession } from './durable-consumer.ts';
import { replyMessage } from './envelope.ts';
import { idempotencyHeader } from './job-endpoints.ts';
import { parsed } from './micro-service.ts';
import { backoffMs, pause } from './pause.ts';
import type { BusProblem, MessagingTimings } from './ports.ts';
import type { BusLink } from './relay-lane.ts';
import { createSubmitLanes } from './submit-lanes.ts';

export interface SubmitQueueParts {
  door: JobDoor;
  subjects: Subjects;
  deadLetters: DeadLetters;
  /** Channels whose bridge can tell a sender that the message was not accepted. */
  channels: readonly string[];
  repliesStream: string;
  timings: MessagingTimings;
  onAccepted(): void;
  log: Log;
}

/** A fault of ours may pass; a message that still meets it after this many tries has caused it. */
const bugTriesMax = 5;
/** Deliveries without our ever saying why: each of them ended with this process. */
const triesMax = 100;

export function createSubmitQueue(parts: SubmitQueueParts) {
  const { door, subjects, deadLetters, timings, log } = parts;
  const asideFault = createLastingFault(log, 'a message could not be put aside yet');
  const retry = { retryMs: timings.submitRetryMs, retryMsMax: timings.submitRetryMsMax };

  const submit = async (message: JsMsg): Promise<void> => {
    if (message.info.deliveryCount > triesMax) {
      throw new GatehouseError('GH_JOB_BUG', `delivered ${triesMax} times without an answer`);
    }
    const body = parsed(message.data);
    if (!isObject(body)) throw new GatehouseError('GH_REQUEST_INVALID', 'body: expected an object');
    const source = sourceOf(message, subjects);
    const withKey = { ...body, idempotency_key: keyOf(message, body) };
    const traceparent = message.headers?.get(traceHeader);
    await createChannelDoor(door, source).submit(withKey, { traceparent });
  };

  const refuse = async (link: BusLink, message: JsMsg, reason: BusProblem): Promise<void> => {
    const reply = refusalOf(message, reason, subjects);
    if (reply !== null && parts.channels.includes(reply.channel)) {
      const { subject, payload, id } = replyMessage(reply, subjects, 1024 ** 2);
      await link.js.publish(subject, payload, {
        msgID: id,
        expect: { streamName: parts.repliesStream },
      });
    }
    await deadLetters.bury(link, message, reason);
  };

  /** @returns when to try again, in ms; null when the message has ended. */
  const attempt = async (link: BusLink, message: JsMsg, tries: number): Promise<number | null> => {
    try {
      await submit(message);
      message.ack();
      parts.onAccepted();
      return null;
    } catch (error) {
      try {
        if (isForGood(error, message, tries, timings.submitPatienceMs)) {
          await refuse(link, message, reasonOf(error));
          asideFault.worked();
          return null;
        }
      } catch (failure) {
        asideFault.failed(failure, { code: busProblemOf(failure).code });
      }
      const retryAfterMs = error instanceof GatehouseError ? error.retryAfterMs : null;
      return Math.max(retryAfterMs ?? 0, backoffMs(tries - 1, retry));
    }
  };

  return {
    open(link: BusLink, session: ConsumeSession): (message: JsMsg) => Promise<void> {
      const { signal } = session;
      const lanes = createSubmitLanes({
        session,
        laneOf: (message) => laneOf(message, subjects),
        async handle(message) {
          for (let tries = message.info.deliveryCount; !signal.aborted; tries += 1) {
            const againInMs = await attempt(link, message, tries);
            if (againInMs === null) return;
            await pause(againInMs, signal);
          }
        },
      });
      return (message) => lanes.take(message);
    },
  };
}

function isForGood(error: unknown, message: JsMsg, tries: number, patienceMs: number): boolean {
  if (message.info.deliveryCount > triesMax) return true;
  const kind = error instanceof GatehouseError ? error.kind : 'bug';
  if (kind === 'terminal') return true;
  if (kind === 'bug') return tries >= bugTriesMax;
  // Old and tried once is a message that waited for us over night; old and tried often is one that will not do.
  return tries >= bugTriesMax && Date.now() - message.time.getTime() > patienceMs;
}

const reasonOf = (error: unknown): BusProblem =>
  error instanceof GatehouseError
    ? { code: error.code, message: error.message }
    : { code: 'GH_JOB_BUG', message: 'the message met a fault in Gatehouse' };

/** The conversation that the door will find, in the channel that the subject names; a message without one delays no other. */
function laneOf(message: JsMsg, subjects: Subjects): string {
  try {
    const body = parsed(message.data);
    if (!isObject(body)) return String(message.info.streamSequence);
    const channel = subjects.sourceOf(message.subject);
    return JSON.stringify([channel, body['thread'], body['user_id']]);
  } catch {
    return String(message.info.streamSequence);
  }
}

/** @throws GH_REQUEST_INVALID for a subject under `cmd` that is not a submit. */
function sourceOf(message: JsMsg, subjects: Subjects): string {
  const source = subjects.sourceOf(message.subject);
  if (source !== null) return source;
  throw new GatehouseError('GH_REQUEST_INVALID', `${message.subject} is not cmd.submit.<source>`);
}

function keyOf(message: JsMsg, body: Record<string, unknown>): string {
  const { streamSequence, timestampNanos } = message.info;
  const given = message.headers?.get(idempotencyHeader) || body['idempotency_key'];
  return typeof given === 'string' && given !== '' ? given : `${streamSequence}-${timestampNanos}`;
}

const refusalPrefix = 'refused-';

/** Whether the id is not that of a job, but of a message that did not become one. */
export const isRefusal = (jobId: string): boolean => jobId.startsWith(refusalPrefix);

/** What the sender is told, where the message says who that is. There is no job: the reply has an address of its own. */
function refusalOf(message: JsMsg, { code }: BusProblem, subjects: Subjects): Reply | null {
  let body: unknown;
  try {
    body = parsed(message.data);
  } catch {
    return null;
  }
  if (!isObject(body) || typeof body['user_id'] !== 'string' || body['user_id'] === '') return null;
  // Never the channel of the body: it would be a way to write to the people of another.
  const source = subjects.sourceOf(message.subject);
  if (source === null) return null;
  const text = typeof body['message'] === 'string' ? body['message'] : '';
  const address = `${refusalPrefix}${message.info.streamSequence}-${message.info.timestampNanos}`;
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
