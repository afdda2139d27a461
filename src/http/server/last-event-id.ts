import type { FastifyRequest } from 'fastify';

/** `seq` of the last event that an EventSource has, from its header or `?last_event_id`. Missing or invalid: 0. */
export function parseLastEventId(request: FastifyRequest): number {
  const header = request.headers['last-event-id'];
  const query = (request.query as Record<string, unknown>)['last_event_id'];
  const seq = Number(header ?? query ?? 0);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}
