/** The response to `HEAD` on a stream: the headers of the `GET`, without a stream. */
import type { FastifyReply } from 'fastify';

export const sendSseHeadResponse = (reply: FastifyReply): FastifyReply =>
  reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-cache').send('');
