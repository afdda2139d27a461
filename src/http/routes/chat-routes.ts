/** `/chat…` and `/jobs…`: submit messages; read, cancel and confirm jobs. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  confirmBody,
  eventsQuery,
  type JobService,
  type SubmitContext,
} from '#shared/wire/job-service';
import { traceHeader } from '#shared/wire/trace';
import { ownJobRoute, userRoute } from '../server/route-access.ts';
import { parseInput } from '../server/parse-input.ts';
import { sendList } from '../server/list-response.ts';
import { parseLastEventId, sendSseHeadResponse } from '../server/sse-stream.ts';
import { streamJobEvents, type JobEventFeed } from './job-event-stream.ts';

export interface ChatRoutesOptions {
  jobService: JobService;
  live: Pick<JobEventFeed, 'subscribe' | 'textSoFar'>;
}

type WithId = { Params: { id: string } };

export function chatRoutes({
  jobService,
  live,
}: ChatRoutesOptions): (server: FastifyInstance) => void {
  const source: JobEventFeed = {
    ...live,
    events: (jobId, afterSeq) => jobService.events(jobId, afterSeq),
  };

  return (server) => {
    server.post('/chat', userRoute, async (request, reply) => {
      const accepted = await jobService.submit(request.body, traceOf(request));
      return reply.code(202).send(accepted);
    });
    for (const path of ['/chat/:id', '/chat/:id/status']) {
      server.get<WithId>(path, ownJobRoute, (request) => jobService.get(request.params.id));
    }
    server.get<WithId>('/chat/:id/stream', ownJobRoute, async (request, reply) => {
      await jobService.get(request.params.id);
      if (request.method === 'HEAD') return sendSseHeadResponse(reply);
      reply.hijack();
      await streamJobEvents(reply.raw, source, request.params.id, parseLastEventId(request));
    });
    server.post<WithId>('/chat/:id/confirm', ownJobRoute, async (request, reply) => {
      const { draft_seq: draftSeq } = parseInput(confirmBody, request.body);
      await jobService.confirm(request.params.id, 'user', draftSeq);
      return reply.code(202).send({ job_id: request.params.id });
    });
    for (const verb of ['cancel', 'reject'] as const) {
      server.post<WithId>(`/chat/:id/${verb}`, ownJobRoute, async (request, reply) => {
        await jobService[verb](request.params.id, 'user');
        return reply.code(202).send({ job_id: request.params.id });
      });
    }
    server.get('/jobs', userRoute, (request, reply) =>
      sendList(reply, 'jobs', jobService.listing(request.query), {
        more: ({ next, looked }) => ({ next, next_cursor: next, looked }),
      }),
    );
    server.get<WithId>('/jobs/:id/events', ownJobRoute, (request, reply) => {
      const { id } = request.params;
      const page = parseInput(eventsQuery, request.query);
      return sendList(reply, 'events', jobService.eventListing(id, page), {
        fields: { job_id: id },
      });
    });
  };
}

const traceOf = ({ headers }: FastifyRequest): SubmitContext => {
  const header = headers[traceHeader];
  return typeof header === 'string' ? { traceparent: header } : {};
};
