/** The answer to `HEAD` on a stream: what a `GET` would begin with, and no stream. */
import type { FastifyReply } from 'fastify';

export const sendHead = (reply: FastifyReply): FastifyReply =>
  reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-cache').send('');
