/**
 * `/inspect…`: the page, its API and its socket. Actions on a job use the same routes as all clients (`POST /chat…`),
 * with the same permissions.
 *
 * The page itself contains no secret and must load before a user can enter a key, so it is public. All other routes
 * need a key where keys are configured, and show a user's key only the data of that user.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import type { Caller } from '#shared/api-keys';
import { pageHeaders, readAssets } from './assets.ts';
import { drawChart, drawnMachines, withoutStyle } from '../charts/charts.ts';
import { startGateSampler } from './gate-sampler.ts';
import { createExternalActorFeed } from '../stately/external-actors.ts';
import { searchJobs } from './job-search.ts';
import type { InspectorOptions, InspectorContext } from './inspector-context.ts';
import { applyRedaction } from './redact.ts';
import { createTimeSlicer } from './cooperative-scheduler.ts';
import { serveSockets } from './socket-server.ts';
import { createStatelyPublisher } from '../stately/stately-publisher.ts';
import { choicesAt, openReaderAt, tryEvent } from './what-if.ts';

/** The user of the key; null: the operator's. */
const viewerUser = (request: FastifyRequest): string | null =>
  (request as FastifyRequest & { caller: Caller }).caller.user;

const rowNumber = z.coerce.number().int().min(1);

type WithId = { Params: { id: string } };

export const whatIfBody = z.object({
  n: z.number().int().min(1),
  event: z.looseObject({ type: z.string().min(1).max(200) }),
});

export function inspectorRoutes(options: InspectorOptions): (server: FastifyInstance) => void {
  return (server) => {
    const slices = createTimeSlicer();
    const parts: InspectorContext = {
      ...options,
      slices,
      gateSampler: startGateSampler(options.gates, options.clock),
      externalActors: createExternalActorFeed(),
      statelyPublisher: createStatelyPublisher({ ...options, slices }),
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

function addPage(server: FastifyInstance, hasKeys: boolean): void {
  const assets = readAssets(hasKeys);
  const nameOf = (request: FastifyRequest): string =>
    (request.params as { name?: string }).name ?? 'index.html';
  const sendAsset = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const asset = assets.get(nameOf(request));
    if (asset === undefined) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
    void reply.headers({ ...pageHeaders, etag: asset.etag });
    if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
    return reply.code(200).type(asset.type).send(asset.body);
  };
  server.get('/inspect', access('anyone'), sendAsset);
  server.get('/inspect/assets/:name', access('anyone'), sendAsset);
}

/** Declares who may use a route, as in src/http/server/route-access.ts. */
const access = <Kind extends 'anyone' | 'person' | 'job'>(kind: Kind) => ({
  config: { access: kind },
});

function addData(server: FastifyInstance, parts: InspectorContext): void {
  const { clock } = parts;
  const redacted = <Value>(value: Value, request: FastifyRequest): Value => {
    const isHidden = 'redact' in (request.query as Record<string, unknown>);
    return applyRedaction(value, isHidden ? 'texts' : (parts.redaction ?? 'none'));
  };

  server.get('/inspect/api/session', access('person'), (request) => ({
    // The user whose jobs the key shows; null: all users.
    user: viewerUser(request),
    machines: Object.keys(drawnMachines),
    redaction: parts.redaction ?? 'none',
    now: clock.now(),
  }));
  server.get('/inspect/api/jobs', access('person'), async (request) => {
    const page = await searchJobs(parts, request.query, viewerUser(request));
    const jobs = page.jobs.map((job) => ({
      ...job,
      queue: job.outcome === null ? parts.queueOf(job.job_id) : null,
    }));
    return redacted({ ...page, jobs }, request);
  });
  server.get<{ Params: { machine: string } }>(
    '/inspect/api/charts/:machine',
    access('person'),
    async (request, reply) => {
      const { machine } = request.params;
      if (!Object.hasOwn(drawnMachines, machine)) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      return reply.type('image/svg+xml').send(withoutStyle(await drawChart(machine)));
    },
  );
  server.get<WithId>('/inspect/api/jobs/:id/choices', access('job'), async (request) => {
    const n = rowNumber.safeParse((request.query as { n?: string }).n);
    if (!n.success) return { choices: [] };
    const job = await openReaderAt(parts, request.params.id, n.data, viewerUser(request));
    return { choices: choicesAt(job, n.data) };
  });
  server.post<WithId>('/inspect/api/jobs/:id/what-if', access('job'), async (request) => {
    const body = whatIfBody.safeParse(request.body);
    if (!body.success) throw new GatehouseError('GH_REQUEST_INVALID', 'n and event are needed');
    const { n, event } = body.data;
    const job = await openReaderAt(parts, request.params.id, n, viewerUser(request));
    return redacted(tryEvent(job, n, event, clock.now()), request);
  });
}
