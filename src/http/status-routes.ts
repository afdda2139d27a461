/** Liveness, readiness, metrics and the state of queue and backends. */
import type { FastifyInstance } from 'fastify';
import { GatehouseError } from '../lib/errors.ts';
import { anyone } from './access.ts';

export interface Readiness {
  ready: boolean;
  /** One entry per part that is not as it should be: what, and what follows from it. */
  reasons: string[];
  parts: Record<string, unknown>;
}

export interface StatusSource {
  readiness(): Readiness;
  queueStats(): Record<string, unknown>;
  backends(): unknown[];
  /** Prometheus text format. */
  metrics(): Promise<string>;
}

export function statusRoutes(source: StatusSource): (server: FastifyInstance) => void {
  return (server) => {
    // The address as people type it: a browser is led to the page, a program is told where to look. Says nothing of this core.
    server.get('/', anyone, (request, reply) => {
      // The router takes other targets, such as `*`, for the root.
      if (!/^\/(?:\?|$)/.test(request.raw.url ?? '')) {
        throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      }
      return /text\/html/.test(request.headers.accept ?? '')
        ? reply.redirect('/inspect', 302)
        : reply.send({ service: 'gatehouse', inspector: '/inspect', health: '/healthz' });
    });
    server.get('/healthz', anyone, () => ({ status: 'ok' }));
    server.get('/readyz', (_request, reply) => {
      const readiness = source.readiness();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    });
    server.get('/queue/stats', () => source.queueStats());
    server.get('/backends', () => ({ backends: source.backends() }));
    server.get('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await source.metrics()),
    );
  };
}
