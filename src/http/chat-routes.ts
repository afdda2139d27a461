/** `/chat…` and `/jobs…`: messages in, jobs looked at, cancelled, confirmed. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { confirmBody, eventsQuery, type JobDoor, type SubmitDefaults } from '../contract/door.ts';
import { traceHeader } from '../contract/trace.ts';
import { ownJob, person } from './access.ts';
import { readInput } from './input.ts';
import { sendList } from './list-reply.ts';
import { sendHead } from './sse-head.ts';
import { streamJob, type EventSource } from './sse.ts';

export interface ChatRoutesOptions {
  door: JobDoor;
  live: Pick<EventSource, 'subscribe' | 'textSoFar'>;
}

type WithId = { Params: { id: string } };

export function chatRoutes({ door, live }: ChatRoutesOptions): (server: FastifyInstance) => void {
  const source: EventSource = {
    ...live,
    events: (jobId, afterSeq) => door.events(jobId, afterSeq),
  };

  return (server) => {
    server.post('/chat', person, async (request, reply) => {
      const accepted = await door.submit(request.body, traceOf(request));
      return reply.code(202).send(accepted);
    });
    for (const path of ['/chat/:id', '/chat/:id/status']) {
      server.get<WithId>(path, ownJob, (request) => door.get(request.params.id));
    }
    server.get<WithId>('/chat/:id/stream', ownJob, async (request, reply) => {
      await door.get(request.params.id);
      if (request.method === 'HEAD') return sendHead(reply);
      reply.hijack();
      await streamJob(reply.raw, source, request.params.id, lastSeen(request));
    });
    server.post<WithId>('/chat/:id/confirm', ownJob, async (request, reply) => {
      const { draft_seq: draftSeq } = readInput(confirmBody, request.body);
      await door.confirm(request.params.id, 'user', draftSeq);
      return reply.code(202).send({ job_id: request.params.id });
    });
    for (const verb of ['cancel', 'reject'] as const) {
      server.post<WithId>(`/chat/:id/${verb}`, ownJob, async (request, reply) => {
        await door[verb](request.params.id, 'user');
        return reply.code(202).send({ job_id: request.params.id });
      });
    }
    server.get('/jobs', person, (request, reply) =>
      sendList(reply, 'jobs', door.listing(request.query), {
        more: ({ next, looked }) => ({ next, next_cursor: next, looked }),
      }),
    );
    server.get<WithId>('/jobs/:id/events', ownJob, (request, reply) => {
      const { id } = request.params;
      const page = readInput(eventsQuery, request.query);
      return sendList(reply, 'events', door.eventListing(id, page), { fields: { job_id: id } });
    });
  };
}

const traceOf = ({ headers }: FastifyRequest): SubmitDefaults => {
  const header = headers[traceHeader];
  return typeof header === 'string' ? { traceparent: header } : {};
};

/** A reader that has seen nothing, or says nonsense, starts at the beginning. */
function lastSeen(request: FastifyRequest): number {
  const header = request.headers['last-event-id'];
  const query = (request.query as Record<string, unknown>)['last_event_id'];
  const seq = Number(header ?? query ?? 0);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}
