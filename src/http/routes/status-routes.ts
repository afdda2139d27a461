/** Liveness, readiness, metrics and the state of queue and backends. */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import { backendSchema, type BackendView } from '#shared/wire/backend-view';
import { clusterSchema, type ClusterView } from '#shared/wire/cluster-view';
import { mcpServerSchema, type McpServerView } from '#shared/wire/mcp-view';
import { textResponse, declareRoutes, type RouteServer } from '../server/route-schemas.ts';

const readinessSchema = z.strictObject({
  ready: z.boolean(),
  /** The problem and its consequence. */
  reasons: z.array(z.string()).describe('One for each part that is not as it should be.'),
  parts: z.strictObject({
    storage: z.enum(['up', 'down']),
    backends: z.string(),
    nats: z.strictObject({
      bus: z.string(),
      url: z.string().nullable(),
      backlog: z.int(),
      oldest_ms: z.number().nullable(),
    }),
  }),
});
export type Readiness = z.infer<typeof readinessSchema>;

const queueSchema = z.strictObject({ queued: z.int(), running: z.int(), loaded: z.int() });

export interface StatusSource {
  readiness(): Promise<Readiness>;
  queueStats(): z.infer<typeof queueSchema>;
  backends(): BackendView[];
  mcpServers(): McpServerView[];
  /** Null: this process is alone. */
  cluster(): Promise<ClusterView | null>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
}

const declare = declareRoutes('status');

export const statusRoutes =
  (source: StatusSource) =>
  (server: RouteServer): void => {
    addPublic(server, source);
    server.get(
      '/readyz',
      declare.operator(
        'Whether messages are answered, and what is not as it should be; 503 where they are not.',
        {
          response: {
            200: readinessSchema,
            503: {
              description: 'Messages are not answered',
              content: { 'application/json': { schema: readinessSchema } },
            },
          },
        },
      ),
      async (_request, reply) => {
        const readiness = await source.readiness();
        return reply.code(readiness.ready ? 200 : 503).send(readiness);
      },
    );
    server.get(
      '/queue/stats',
      declare.operator('Jobs that wait, run, and are in memory.', {
        response: { 200: queueSchema },
      }),
      () => source.queueStats(),
    );
    server.get(
      '/backends',
      declare.operator('Every model server: its health, its gate, who waits there.', {
        response: { 200: z.strictObject({ backends: z.array(backendSchema) }) },
      }),
      () => ({ backends: source.backends() }),
    );
    server.get(
      '/mcp/servers',
      declare.operator('Every MCP server: its state, its tools and their accepted definitions.', {
        response: { 200: z.strictObject({ servers: z.array(mcpServerSchema) }) },
      }),
      () => ({ servers: source.mcpServers() }),
    );
    server.get(
      '/cluster',
      declare.operator(
        'The workers: who owns what, who grants the requests to each backend, and what has moved. Null: this core is alone.',
        { response: { 200: z.strictObject({ cluster: clusterSchema.nullable() }) } },
      ),
      async () => ({ cluster: await source.cluster() }),
    );
    server.get(
      '/metrics',
      declare.operator('Figures in Prometheus’ text format.', {
        response: { 200: textResponse('text/plain') },
      }),
      async (_request, reply) =>
        reply.type('text/plain; version=0.0.4; charset=utf-8').send(await source.metrics()),
    );
  };

function addPublic(server: RouteServer, source: Pick<StatusSource, 'readiness'>): void {
  // `/` redirects browsers to the page and shows other clients where to look. It reveals nothing about this core.
  server.get(
    '/',
    declare.anyone(
      'Where to look. A browser (`Accept: text/html`) is redirected to the inspector.',
      {
        response: {
          200: z.strictObject({
            service: z.literal('gatehouse'),
            inspector: z.string(),
            health: z.string(),
          }),
        },
      },
    ),
    async (request, reply) => {
      // The router also maps other request targets, such as `*`, to the root.
      if (!/^\/(?:\?|$)/.test(request.raw.url ?? '')) {
        throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      }
      return /text\/html/.test(request.headers.accept ?? '')
        ? reply.redirect('/inspect', 302)
        : reply.send({ service: 'gatehouse', inspector: '/inspect', health: '/healthz' });
    },
  );
  server.get(
    '/healthz',
    declare.anyone('Whether the process lives.', {
      response: { 200: z.strictObject({ status: z.literal('ok') }) },
    }),
    () => ({ status: 'ok' as const }),
  );
  server.get(
    '/healthz/ready',
    declare.anyone(
      'Whether messages are answered, for load balancers, which have no key; /readyz has the reasons.',
      {
        response: {
          200: z.strictObject({ status: z.literal('ok') }),
          503: {
            description: 'Messages are not answered',
            content: {
              'application/json': { schema: z.strictObject({ status: z.literal('unavailable') }) },
            },
          },
        },
      },
    ),
    async (_request, reply) => {
      const { ready } = await source.readiness();
      return ready
        ? reply.code(200).send({ status: 'ok' })
        : reply.code(503).send({ status: 'unavailable' });
    },
  );
}
