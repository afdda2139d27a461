/**
 * What may be asked over NATS: the door of the jobs, verb by verb. The same validation, limits, idempotency
 * and errors as over HTTP, because it is the same door.
 */
import { z } from 'zod';
import { confirmBody, type JobDoor } from '../contract/door.ts';
import { serviceVerbs, type ServiceVerb, type Subjects } from '../contract/subjects.ts';
import { traceHeader } from '../contract/trace.ts';
import { GatehouseError } from '../lib/errors.ts';
import { listBytesMax } from '../lib/listing.ts';
import { createChannelDoor, type VerbDoor } from './channel-door.ts';
import type { Endpoint, ServiceRequest } from './micro-service.ts';

const jobRequest = z.object({
  job_id: z.string().min(1).max(64),
  /** Who asks, for the history of the job. */
  by: z.string().min(1).max(256).default('nats'),
});

const confirmRequest = jobRequest.extend(confirmBody.shape);

export const idempotencyHeader = 'Nats-Msg-Id';

/** Each verb twice: for the operator's programs, and for the bridge of the channel that its subject names. */
export function jobEndpoints(door: JobDoor, subjects: Subjects): Endpoint[] {
  const ofOperator = answersOf(door, 'nats');
  return [
    ...serviceVerbs.map((verb) => ({
      name: verb,
      subject: subjects.service(verb),
      answer: ofOperator[verb],
    })),
    ...serviceVerbs.map((verb) => ({
      name: `${verb}-channel`,
      subject: subjects.channelService(verb, '*'),
      answer(request: ServiceRequest): Promise<unknown> {
        const channel = subjects.serviceChannelOf(request.subject);
        if (channel === null) {
          return Promise.reject(
            new GatehouseError('GH_REQUEST_INVALID', 'channel: must match [A-Za-z0-9_-]{1,64}'),
          );
        }
        return answersOf(createChannelDoor(door, channel), channel)[verb](request);
      },
    })),
  ];
}

function answersOf(door: VerbDoor, channel: string): Record<ServiceVerb, Endpoint['answer']> {
  return {
    submit: (request) =>
      door.submit(withKey(request), {
        channel,
        traceparent: request.header(traceHeader) ?? undefined,
      }),
    get: async ({ body }) => door.get(jobOf(body).job_id),
    list: ({ body, bytesMax }) => door.list(body, Math.min(bytesMax, listBytesMax)),
    cancel: async ({ body }) => {
      const { job_id, by } = jobOf(body);
      await door.cancel(job_id, by);
      return { job_id };
    },
    confirm: async ({ body }) => {
      const { job_id, by, draft_seq: draftSeq } = checked(confirmRequest, body);
      await door.confirm(job_id, by, draftSeq);
      return { job_id };
    },
    reject: async ({ body }) => {
      const { job_id, by } = jobOf(body);
      await door.reject(job_id, by);
      return { job_id };
    },
    text: async ({ body }) => door.text(jobOf(body).job_id),
  };
}

const jobOf = (body: unknown): z.infer<typeof jobRequest> => checked(jobRequest, body);

/** @throws GH_REQUEST_INVALID with the first key that does not fit. */
function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.');
  throw new GatehouseError('GH_REQUEST_INVALID', `${where}: ${issue?.message ?? 'not valid'}`);
}

/** A key in the body goes before one in the header. */
function withKey(request: ServiceRequest): unknown {
  const { body } = request;
  const key = request.header(idempotencyHeader);
  const isPlain = typeof body === 'object' && body !== null && !Array.isArray(body);
  return key === null || !isPlain ? body : { idempotency_key: key, ...body };
}
