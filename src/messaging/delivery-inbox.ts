/**
 * Reports of the bridges about what became of replies: checked, stored once each, then acknowledged.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { deliveryReport } from '../contract/reply.ts';
import type { Subjects } from '../contract/subjects.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import type { DeadLetters } from './dead-letters.ts';
import { parsed } from './micro-service.ts';
import type { Deliveries, Delivery } from './ports.ts';
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
  return {
    async handle(link: BusLink, message: JsMsg): Promise<void> {
      let delivery: Delivery;
      try {
        delivery = deliveryOf(message, subjects);
      } catch (error) {
        try {
          await deadLetters.bury(link, message, busProblemOf(error));
        } catch (failure) {
          log.warn({ ...busProblemOf(failure) }, 'a report could not be put aside yet');
          message.nak(retryMs);
        }
        return;
      }
      try {
        if (deliveries.record(delivery) === 'stored') parts.onStored();
        message.ack();
      } catch (error) {
        log.error({ error: messageOf(error) }, 'a delivery report could not be stored');
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
