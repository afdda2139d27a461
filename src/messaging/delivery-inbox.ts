/**
 * Reports of the bridges about what became of replies: checked, stored once each, then acknowledged.
 *
 * I1: a report is believed only where the journal holds the reply that it is about, and the subject names the
 *     channel and the user of that reply. Any other is counted, logged and put aside, and changes nothing.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { Deliveries, Delivery, OutboxStorage } from '../contract/outbox-storage.ts';
import { deliveryReport } from '../contract/reply.ts';
import { userToken, type Subjects } from '../contract/subjects.ts';
import { GatehouseError } from '../lib/errors.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import type { DeadLetters } from './dead-letters.ts';
import { parsed } from './micro-service.ts';
import type { BusLink } from './relay-lane.ts';
import { repliesOf } from './replies.ts';
import { isRefusal } from './submit-queue.ts';

/** A full disk is tried again this often. */
const retryMs = 5_000;

export function createDeliveryInbox(parts: {
  deliveries: Deliveries;
  outbox: Pick<OutboxStorage, 'positionOf' | 'after'>;
  subjects: Subjects;
  deadLetters: DeadLetters;
  onStored(): void;
  log: Log;
}) {
  const { deliveries, subjects, deadLetters, log } = parts;
  const storeFault = createLastingFault(log, 'a delivery report could not be stored');
  const asideFault = createLastingFault(log, 'a report could not be put aside yet');
  const putAside = async (link: BusLink, message: JsMsg, error: unknown): Promise<void> => {
    try {
      await deadLetters.bury(link, message, busProblemOf(error));
      asideFault.worked();
    } catch (failure) {
      asideFault.failed(failure, { code: busProblemOf(failure).code });
      message.nak(retryMs);
    }
  };
  return {
    async handle(link: BusLink, message: JsMsg): Promise<void> {
      let report: Report;
      try {
        report = reportOf(message, subjects);
      } catch (error) {
        return putAside(link, message, error);
      }
      try {
        const { delivery } = report;
        // There is no job to which it could belong, and nothing is to be sent again.
        if (!isRefusal(delivery.job_id)) {
          if (!isOfReply(report, parts.outbox)) return await putAside(link, message, strange());
          if (deliveries.record(delivery) === 'stored') parts.onStored();
        }
        storeFault.worked();
        message.ack();
      } catch (error) {
        storeFault.failed(error);
        message.nak(retryMs);
      }
    },
  };
}

interface Report {
  delivery: Delivery;
  /** As it stands in the subject. */
  user: string;
}

const strange = (): GatehouseError =>
  new GatehouseError(
    'GH_REQUEST_INVALID',
    'reply_id: no reply of this job to this channel and user',
  );

/** Made anew from the journal, which is what the reply was made of. */
function isOfReply(
  { delivery, user }: Report,
  outbox: Pick<OutboxStorage, 'positionOf' | 'after'>,
): boolean {
  const { reply_id: replyId, job_id: jobId, channel } = delivery;
  const seq = Number(replyId.slice(replyId.lastIndexOf(':') + 1));
  const place = outbox.positionOf(jobId, seq);
  if (place === null) return false;
  const { rows } = outbox.after(place.pos - 1, 1, [channel]);
  return rows
    .flatMap(repliesOf)
    .some((reply) => reply.reply_id === replyId && userToken(reply.user_id) === user);
}

/** @throws GatehouseError when it is not a report, or not about a job of its subject. */
function reportOf(message: JsMsg, subjects: Subjects): Report {
  const address = subjects.deliveryOf(message.subject);
  const read = deliveryReport.safeParse(parsed(message.data));
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new GatehouseError('GH_REQUEST_INVALID', `${where}: ${issue?.message ?? 'not valid'}`);
  }
  const { reply_id, status, parts, error } = read.data;
  const jobId = reply_id.slice(0, reply_id.lastIndexOf(':'));
  // A bridge may only speak on subjects of its channel; what it says there must be about the same job.
  if (address === null || address.job !== jobId) {
    throw new GatehouseError('GH_REQUEST_INVALID', 'reply_id: not of the job in the subject');
  }
  return {
    user: address.user,
    delivery: {
      reply_id,
      job_id: jobId,
      channel: address.channel,
      status,
      parts,
      error: error ?? null,
      at: message.time.getTime(),
    },
  };
}
