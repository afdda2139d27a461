/** Liveness, readiness, metrics and the state of queue and backends. */
import type { FastifyInstance } from 'fastify';
import { GatehouseError } from '#shared/errors';
import { publicRoute } from '../server/route-access.ts';

export interface Readiness {
  ready: boolean;
  /** One entry per part with a problem: the problem and its consequence. */
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
    // `/` redirects browsers to the page and shows other clients where to look. It reveals nothing about this core.
    server.get('/', publicRoute, (request, reply) => {
      // The router also maps other request targets, such as `*`, to the root.
      if (!/^\/(?:\?|$)/.test(request.raw.url ?? '')) {
        throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      }
      return /text\/html/.test(request.headers.accept ?? '')
        ? reply.redirect('/inspect', 302)
        : reply.send({ service: 'gatehouse', inspector: '/inspect', health: '/healthz' });
    });
    server.get('/healthz', publicRoute, () => ({ status: 'ok' }));
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
