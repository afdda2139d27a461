/**
 * `/inspect…`: the page, its API and its socket. Actions on a job use the same routes as all clients (`POST /chat…`),
 * with the same permissions.
 *
 * The page itself contains no secret and must load before a user can enter a key, so it is public. All other routes
 * need a key where keys are configured, and show a user's key only the data of that user.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import { pageHeaders } from '#shared/page-assets';
import { foundJobSchema, nextCursor } from '#shared/wire/job-service';
import {
  idParams,
  textResponse,
  declareRoutes,
  type RouteServer,
} from '#http/server/route-schemas';
import { etagOf, readAssets } from './assets.ts';
import { drawChart, drawnMachines, withoutStyle } from '../charts/charts.ts';
import { startGateSampler } from './gate-sampler.ts';
import { createExternalActorFeed } from '../stately/stately-messages.ts';
import { searchJobs, searchQuery } from './job-search.ts';
import type { InspectorOptions, InspectorContext } from './inspector-context.ts';
import { applyRedaction } from './redact.ts';
import { createTimeSlicer } from './cooperative-scheduler.ts';
import { serveSockets } from './socket-server.ts';
import { StatelyPublisher } from '../stately/stately-publisher.ts';
import { choicesAt, openReaderAt, tryEvent } from './what-if.ts';

const rowNumber = z.coerce.number().int().min(1);

const whatIfBody = z.object({
  n: z.number().int().min(1),
  event: z.looseObject({ type: z.string().min(1).max(200) }),
});

export function inspectorRoutes(options: InspectorOptions): (server: RouteServer) => void {
  return (server) => {
    const slices = createTimeSlicer();
    const parts: InspectorContext = {
      ...options,
      slices,
      gateSampler: startGateSampler(options.gates, options.clock),
      externalActors: createExternalActorFeed(),
      statelyPublisher: new StatelyPublisher({ ...options, slices }),
    };
    const sockets = serveSockets(server.server, parts);
    server.addHook('preClose', (done) => {
      sockets.close();
      parts.gateSampler.stop();
      done();
    });
    addPage(server, options.apiKeys.length > 0);
    addData(server, parts);
  };
}

const declare = declareRoutes('inspector');

function addPage(server: RouteServer, hasKeys: boolean): void {
  const assets = readAssets(hasKeys);
  const sendAsset = (name: string, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const asset = assets.get(name);
    if (asset === undefined) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
    const etag = etagOf(asset);
    void reply.headers({ ...pageHeaders, 'cache-control': 'no-cache', etag });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.code(200).type(asset.type).send(asset.body);
  };
  server.get(
    '/inspect',
    declare.anyone('The visual inspector. Its socket is /inspect/ws (docs/inspector.md).', {
      response: { 200: textResponse('text/html') },
    }),
    async (request, reply) => sendAsset('index.html', request, reply),
  );
  server.get(
    '/inspect/assets/:name',
    declare.anyone('Its files.', {
      params: z.object({ name: z.string() }),
      response: { 200: textResponse('text/javascript') },
      errors: ['GH_REQUEST_NOT_FOUND'],
    }),
    async (request, reply) => sendAsset(request.params.name, request, reply),
  );
}

const redactQuery = z.object({
  redact: z.unknown().optional().describe('With any value: texts are left out of the response.'),
});

function addData(server: RouteServer, parts: InspectorContext): void {
  addSearch(server, parts);
  server.get(
    '/inspect/api/session',
    declare.person('What the page needs to begin.', {
      response: {
        200: z.looseObject({
          /** The user whose jobs the key shows; null: all users. */
          user: z.string().nullable(),
          machines: z.array(z.string()),
          redaction: z.string(),
          now: z.number(),
        }),
      },
    }),
    (request) => ({
      user: request.caller.user,
      machines: Object.keys(drawnMachines),
      redaction: parts.redaction ?? 'none',
      now: parts.clock.now(),
    }),
  );
  server.get(
    '/inspect/api/charts/:machine',
    declare.person('The chart of a machine.', {
      params: z.object({ machine: z.string() }),
      response: { 200: textResponse('image/svg+xml') },
      errors: ['GH_REQUEST_NOT_FOUND'],
    }),
    async (request, reply) => {
      const { machine } = request.params;
      if (!Object.hasOwn(drawnMachines, machine)) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      return reply.type('image/svg+xml').send(withoutStyle(await drawChart(machine)));
    },
  );
  addWhatIf(server, parts);
}

const redacted = <Value>(value: Value, query: object, { redaction }: InspectorContext): Value =>
  applyRedaction(value, 'redact' in query ? 'texts' : (redaction ?? 'none'));

function addSearch(server: RouteServer, parts: InspectorContext): void {
  server.get(
    '/inspect/api/jobs',
    declare.person('Jobs by words.', {
      querystring: searchQuery.extend(redactQuery.shape),
      response: {
        200: z.strictObject({
          jobs: z.array(foundJobSchema),
          next_cursor: nextCursor,
          looked: z.int(),
        }),
      },
    }),
    async ({ query, caller }) => {
      const page = await searchJobs(parts, query, caller.user);
      const jobs = page.jobs.map((job) => ({
        ...job,
        queue: job.outcome === null ? parts.queueOf(job.job_id) : null,
      }));
      return redacted({ ...page, jobs }, query, parts);
    },
  );
}

function addWhatIf(server: RouteServer, parts: InspectorContext): void {
  const errors = ['GH_JOB_NOT_FOUND'] as const;
  server.get(
    '/inspect/api/jobs/:id/choices',
    declare.job('Events that mean something to a job after a row of its history.', {
      errors,
      params: idParams,
      querystring: z.object({ n: z.string().optional().describe('Number of the row, from 1.') }),
      response: {
        200: z.strictObject({ choices: z.array(z.looseObject({ type: z.string() })) }),
      },
    }),
    async ({ params, query, caller }) => {
      const n = rowNumber.safeParse(query.n);
      if (!n.success) return { choices: [] };
      const job = await openReaderAt(parts, params.id, n.data, caller.user);
      return { choices: choicesAt(job, n.data) };
    },
  );
  server.post(
    '/inspect/api/jobs/:id/what-if',
    declare.job('Where another event would have led. Nothing is carried out.', {
      errors,
      params: idParams,
      querystring: redactQuery,
      body: whatIfBody,
      response: { 200: z.looseObject({ ok: z.boolean() }) },
    }),
    async ({ params, query, body, caller }) => {
      const { n, event } = body;
      const job = await openReaderAt(parts, params.id, n, caller.user);
      return redacted(tryEvent(job, n, event, parts.clock.now()), query, parts);
    },
  );
}
