/**
 * Reports of the bridges about what became of replies: checked, stored once each, then acknowledged.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { Deliveries, Delivery } from '../contract/outbox-storage.ts';
import { deliveryReport } from '../contract/reply.ts';
import type { Subjects } from '../contract/subjects.ts';
import { GatehouseError } from '../lib/errors.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import type { DeadLetters } from './dead-letters.ts';
import { parsed } from './micro-service.ts';
import type { BusLink } from './relay-lane.ts';

/** A full disk is tried again this often. */
const retryMs = 5_000;

export function createDeliveryInbox(parts: {
  deliveries: Deliveries;
  subjects: Subjects;
  deadLetters: DeadLetters;
  onStored(): void;
  log: Log;
}) {
  const { deliveries, subjects, deadLetters, log } = parts;
  const storeFault = createLastingFault(log, 'a delivery report could not be stored');
  const asideFault = createLastingFault(log, 'a report could not be put aside yet');
  return {
    async handle(link: BusLink, message: JsMsg): Promise<void> {
      let delivery: Delivery;
      try {
        delivery = deliveryOf(message, subjects);
      } catch (error) {
        try {
          await deadLetters.bury(link, message, busProblemOf(error));
          asideFault.worked();
        } catch (failure) {
          asideFault.failed(failure, { code: busProblemOf(failure).code });
          message.nak(retryMs);
        }
        return;
      }
      try {
        if (deliveries.record(delivery) === 'stored') parts.onStored();
        storeFault.worked();
        message.ack();
      } catch (error) {
        storeFault.failed(error);
        message.nak(retryMs);
      }
    },
  };
}

/** @throws GatehouseError when it is not a report, or not about a job of its subject. */
function deliveryOf(message: JsMsg, subjects: Subjects): Delivery {
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
    reply_id,
    job_id: jobId,
    channel: address.channel,
    status,
    parts,
    error: error ?? null,
    at: message.time.getTime(),
  };
}
