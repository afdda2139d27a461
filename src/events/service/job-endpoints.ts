/**
 * Endpoints of the NATS micro service: the job service, verb by verb. Validation, limits, idempotency and errors are
 * those of HTTP, because both use the same job service.
 */
import { z } from 'zod';
import type { Persons } from '#shared/persons';
import { confirmBody, type JobService } from '#shared/wire/job-service';
import { serviceVerbs, type ServiceVerb, type Subjects } from '#shared/wire/subjects';
import { traceHeader } from '#shared/wire/trace';
import { GatehouseError } from '#shared/errors';
import { parseInput } from '#shared/parse-input';
import { listBytesMax } from '#shared/listing';
import {
  createChannelJobService,
  type JobVerbService,
} from '../channel-link/channel-job-service.ts';
import type { Endpoint, ServiceRequest } from './micro-service.ts';

const jobRequest = z.object({
  job_id: z.string().min(1).max(64),
  /** The requester, recorded in the history of the job. */
  by: z.string().min(1).max(256).default('nats'),
});

const confirmRequest = jobRequest.extend(confirmBody.shape);

export const idempotencyHeader = 'Nats-Msg-Id';

/** Each verb twice: for the operator's programs, and for the bridge of the channel in the subject. */
export function jobEndpoints(
  jobService: JobService,
  subjects: Subjects,
  persons?: Persons,
): Endpoint[] {
  const ofOperator = verbHandlers(jobService, 'nats');
  return [
    ...serviceVerbs.map((verb) => ({
      name: verb,
      subject: subjects.service(verb),
      handle: ofOperator[verb],
    })),
    ...serviceVerbs.map((verb) => ({
      name: `${verb}-channel`,
      subject: subjects.channelService(verb, '*'),
      handle(request: ServiceRequest): Promise<unknown> {
        const channel = subjects.parseServiceChannel(request.subject);
        if (channel === null) {
          return Promise.reject(
            new GatehouseError('GH_REQUEST_INVALID', 'channel: must match [A-Za-z0-9_-]{1,64}'),
          );
        }
        const ofChannel = createChannelJobService(jobService, channel, persons);
        return verbHandlers(ofChannel, channel)[verb](request);
      },
    })),
  ];
}

function verbHandlers(
  jobService: JobVerbService,
  channel: string,
): Record<ServiceVerb, Endpoint['handle']> {
  return {
    submit: (request) =>
      jobService.submit(withIdempotencyKey(request), {
        channel,
        traceparent: request.header(traceHeader) ?? undefined,
      }),
    get: async ({ body }) => jobService.get(parseJobRequest(body).job_id),
    list: ({ body, bytesMax }) => jobService.list(body, Math.min(bytesMax, listBytesMax)),
    cancel: async ({ body }) => {
      const { job_id, by } = parseJobRequest(body);
      await jobService.cancel(job_id, by);
      return { job_id };
    },
    confirm: async ({ body }) => {
      const { job_id, by, draft_seq: draftSeq } = parseInput(confirmRequest, body);
      await jobService.confirm(job_id, by, draftSeq);
      return { job_id };
    },
    reject: async ({ body }) => {
      const { job_id, by } = parseJobRequest(body);
      await jobService.reject(job_id, by);
      return { job_id };
    },
    text: async ({ body }) => jobService.text(parseJobRequest(body).job_id),
  };
}

const parseJobRequest = (body: unknown): z.infer<typeof jobRequest> => parseInput(jobRequest, body);

/** A key in the body takes precedence over the header. */
function withIdempotencyKey(request: ServiceRequest): unknown {
  const { body } = request;
  const key = request.header(idempotencyHeader);
  const isPlain = typeof body === 'object' && body !== null && !Array.isArray(body);
  return key === null || !isPlain ? body : { idempotency_key: key, ...body };
}
