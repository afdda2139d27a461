/**
 * Receives delivery reports of the bridges: validates, stores each once, then acknowledges.
 *
 * I1: a report is accepted only if the journal holds its reply, and the subject names the channel and the user of that
 *     reply. Any other is counted, logged and moved to the dead letters, and changes nothing.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { DeliveryReportStorage, EventLogStorage } from '../event-log-port.ts';
import { noPersons, type Persons } from '#shared/persons';
import type { Delivery } from '#shared/wire/delivery-report';
import { deliveryReport } from '#shared/wire/reply';
import { userToken, type Subjects } from '#shared/wire/subjects';
import { GatehouseError } from '#shared/errors';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { toNatsProblem } from '../connection/nats-problem.ts';
import type { DeadLetters } from '../outbox/dead-letters.ts';
import { parseJson } from '../service/micro-service.ts';
import type { JetStreamContext } from '../outbox/outbox-relay.ts';
import { routeReplies } from './reply-routes.ts';
import { isRejection } from './submit-queue.ts';

/** Retry interval while the disk or the broker fails. */
const retryMs = 5_000;

export function createDeliveryInbox(parts: {
  deliveries: DeliveryReportStorage;
  outbox: Pick<EventLogStorage, 'positionOf' | 'after'>;
  subjects: Subjects;
  /** Default: there are none. */
  persons?: Persons | undefined;
  deadLetters: DeadLetters;
  onStored(delivery: Delivery): void;
  /** A report was stored, perhaps again. */
  onReport?(delivery: Delivery): Promise<void>;
  log: Log;
}) {
  const { deliveries, subjects, deadLetters, log } = parts;
  const storeErrorLog = createThrottledErrorLog(log, 'a delivery report could not be stored');
  const deadLetterErrorLog = createThrottledErrorLog(log, 'a report could not be put aside yet');
  const moveAside = async (
    link: JetStreamContext,
    message: JsMsg,
    error: unknown,
  ): Promise<void> => {
    try {
      await deadLetters.moveToDeadLetters(link, message, toNatsProblem(error));
      deadLetterErrorLog.recovered();
    } catch (failure) {
      deadLetterErrorLog.error(failure, { code: toNatsProblem(failure).code });
      message.nak(retryMs);
    }
  };
  return {
    async handle(link: JetStreamContext, message: JsMsg): Promise<void> {
      let report: Report;
      try {
        report = parseReport(message, subjects);
      } catch (error) {
        return moveAside(link, message, error);
      }
      try {
        // A rejected submit has no job to report on, and nothing is sent again.
        if (!isRejection(report.delivery.job_id)) {
          const key = await keyOfReply(report, parts);
          if (key === null) return await moveAside(link, message, invalidReportError());
          const delivery = { ...report.delivery, reply_id: key };
          if ((await deliveries.record(delivery)) === 'stored') parts.onStored(delivery);
          // Before the acknowledgement, and also for a known one: the process may have ended in between.
          await parts.onReport?.(delivery);
        }
        storeErrorLog.recovered();
        message.ack();
      } catch (error) {
        storeErrorLog.error(error);
        message.nak(retryMs);
      }
    },
  };
}

interface Report {
  delivery: Delivery;
  /** The user token of the subject. */
  user: string;
}

const invalidReportError = (): GatehouseError =>
  new GatehouseError(
    'GH_REQUEST_INVALID',
    'reply_id: no reply of this job to this channel and user',
  );

/** The key of the reply, if the journal, from which replies are made, yields it for this channel and user; else null. */
async function keyOfReply(
  { delivery, user }: Report,
  {
    outbox,
    persons = noPersons,
  }: { outbox: Pick<EventLogStorage, 'positionOf' | 'after'>; persons?: Persons | undefined },
): Promise<string | null> {
  const { reply_id: replyId, job_id: jobId, channel } = delivery;
  const seq = Number(replyId.slice(replyId.lastIndexOf(':') + 1));
  const position = await outbox.positionOf(jobId, seq);
  if (position === null) return null;
  const { rows } = await outbox.after(position.pos - 1, 1, [channel]);
  const found = rows
    .flatMap((row) => routeReplies(row, [channel], persons))
    .find(({ reply }) => reply.reply_id === replyId && userToken(reply.user_id) === user);
  return found?.key ?? null;
}

/** @throws GatehouseError when it is not a report, or not about the job of its subject. */
function parseReport(message: JsMsg, subjects: Subjects): Report {
  const address = subjects.parseDeliverySubject(message.subject);
  const read = deliveryReport.safeParse(parseJson(message.data));
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new GatehouseError('GH_REQUEST_INVALID', `${where}: ${issue?.message ?? 'not valid'}`);
  }
  const { reply_id, status, parts, error } = read.data;
  const jobId = reply_id.slice(0, reply_id.lastIndexOf(':'));
  // A bridge may publish only on subjects of its channel; the body must be about the job of the subject.
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
