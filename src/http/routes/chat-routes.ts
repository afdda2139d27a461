/** `/chat…` and `/jobs…`: submit messages; read, cancel and confirm jobs. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  confirmBody,
  eventsQuery,
  jobPageSchema,
  jobSchema,
  listQuery,
  nextPage,
  submitBody,
  submitReceiptSchema,
  type JobService,
  type SubmitContext,
} from '#shared/wire/job-service';
import { stateEventSchema } from '#shared/wire/state-event';
import { traceHeader } from '#shared/wire/trace';
import { sendList } from '../server/list-response.ts';
import {
  eventStream,
  idParams,
  lastEventHeaders,
  lastEventQuery,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';
import { parseLastEventId, sendSseHeadResponse } from '../server/sse-stream.ts';
import { streamJobEvents, type JobEventFeed } from './job-event-stream.ts';

export interface ChatRoutesOptions {
  jobService: JobService;
  live: Pick<JobEventFeed, 'subscribe' | 'textSoFar'>;
}

const declare = declareRoutes('jobs');

export const chatRoutes =
  ({ jobService, live }: ChatRoutesOptions) =>
  (server: RouteServer): void => {
    server.post(
      '/chat',
      declare.person('Accept a message. It is on disk when this answers.', {
        headers: z.object({
          [traceHeader]: z
            .string()
            .optional()
            .describe('W3C trace context that the job goes on with.'),
        }),
        body: submitBody,
        response: { 202: submitReceiptSchema },
        errors: ['GH_REQUEST_EMPTY', 'GH_REQUEST_TOO_LONG', 'GH_JOB_QUEUE_FULL'],
      }),
      async (request, reply) => {
        const accepted = await jobService.submit(request.body, traceOf(request));
        return reply.code(202).send(accepted);
      },
    );
    for (const path of ['/chat/:id', '/chat/:id/status']) {
      server.get(
        path,
        declare.job('One job as it is now.', {
          params: idParams,
          response: { 200: jobSchema },
          errors: ['GH_JOB_NOT_FOUND'],
        }),
        (request) => jobService.get(request.params.id),
      );
    }
    addDecisions(server, jobService);
    addEvents(server, jobService, live);
    server.get(
      '/jobs',
      declare.person(
        'Jobs, newest first, at most 1 MiB of them. With a cursor a page may be short, or empty, where few jobs fit.',
        { querystring: listQuery, response: { 200: jobPageSchema } },
      ),
      (request, reply) =>
        sendList(reply, 'jobs', jobService.listing(request.query), {
          more: ({ next, looked }) => ({ next, next_cursor: next, looked }),
        }),
    );
  };

/** The decisions of a person about a job. Each is on disk when it is answered. */
function addDecisions(server: RouteServer, jobService: JobService): void {
  const params = idParams;
  const errors = ['GH_JOB_NOT_FOUND', 'GH_JOB_CONFLICT'] as const;
  const response = { 202: z.strictObject({ job_id: z.string() }) };
  const summaries = {
    cancel: 'Cancel a job. The cancel is on disk when this answers.',
    reject: 'Drop the draft that the job shows.',
  };
  for (const verb of ['cancel', 'reject'] as const) {
    server.post(
      `/chat/:id/${verb}`,
      declare.job(summaries[verb], { params, response, errors }),
      async (request, reply) => {
        await jobService[verb](request.params.id, 'user');
        return reply.code(202).send({ job_id: request.params.id });
      },
    );
  }
  server.post(
    '/chat/:id/confirm',
    declare.job('Carry out the draft that the job shows.', {
      params,
      body: confirmBody,
      response,
      errors,
    }),
    async (request, reply) => {
      await jobService.confirm(request.params.id, 'user', request.body.draft_seq);
      return reply.code(202).send({ job_id: request.params.id });
    },
  );
}

function addEvents(
  server: RouteServer,
  jobService: JobService,
  live: ChatRoutesOptions['live'],
): void {
  const errors = ['GH_JOB_NOT_FOUND'] as const;
  const source: JobEventFeed = {
    ...live,
    events: (jobId, afterSeq) => jobService.events(jobId, afterSeq),
  };
  server.get(
    '/chat/:id/stream',
    declare.job(
      'The events of a job, old and new, and its answer while it is written; ends after the last event. 204 for who has seen that (`Last-Event-ID`): an EventSource stops there.',
      {
        errors,
        params: idParams,
        querystring: lastEventQuery,
        headers: lastEventHeaders,
        response: { 200: eventStream },
      },
    ),
    async (request, reply) => {
      await jobService.get(request.params.id);
      if (request.method === 'HEAD') return sendSseHeadResponse(reply);
      reply.hijack();
      await streamJobEvents(reply.raw, source, request.params.id, parseLastEventId(request));
    },
  );
  server.get(
    '/jobs/:id/events',
    declare.job('The events of a job so far, at most 1 MiB of them.', {
      errors,
      params: idParams,
      querystring: eventsQuery,
      response: {
        200: z.strictObject({
          job_id: z.string(),
          events: z.array(stateEventSchema),
          ...nextPage,
        }),
      },
    }),
    (request, reply) => {
      const { id } = request.params;
      return sendList(reply, 'events', jobService.eventListing(id, request.query), {
        fields: { job_id: id },
      });
    },
  );
}

const traceOf = ({ headers }: FastifyRequest): SubmitContext => {
  const header = headers[traceHeader];
  return typeof header === 'string' ? { traceparent: header } : {};
};
