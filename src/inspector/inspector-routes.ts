/**
 * `/inspect` and what is under it: the page, the data it asks for, its socket. What it does to a job goes
 * through the same routes as everybody's (`POST /chat…`), with the same rights.
 *
 * The page itself holds no secret and must load before anybody can type a key into it: it is for anyone.
 * Everything else needs a key where keys are set, and shows a person's key only what is that person's.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';
import type { Caller } from '../lib/key-ring.ts';
import { pageHeaders, readAssets } from './assets.ts';
import { drawChart, drawnMachines, withoutStyle } from './charts.ts';
import { startGateHistory } from './gate-history.ts';
import { createGuests } from './guests.ts';
import { searchJobs } from './job-search.ts';
import type { InspectorOptions, InspectorParts } from './parts.ts';
import { applyRedaction } from './redaction.ts';
import { createSlices } from './slices.ts';
import { serveSockets } from './socket-server.ts';
import { createStatelyFeed } from './stately-feed.ts';
import { choicesAt, replayTo, tryEvent } from './what-if.ts';

/** Whose key it is; null: the operator's. */
const callerOf = (request: FastifyRequest): string | null =>
  (request as FastifyRequest & { caller: Caller }).caller.user;

const rowNumber = z.coerce.number().int().min(1);

type WithId = { Params: { id: string } };

export const whatIfBody = z.object({
  n: z.number().int().min(1),
  event: z.looseObject({ type: z.string().min(1).max(200) }),
});

export function inspectorRoutes(options: InspectorOptions): (server: FastifyInstance) => void {
  return (server) => {
    const slices = createSlices();
    const parts: InspectorParts = {
      ...options,
      slices,
      history: startGateHistory(options.gates, options.clock),
      guests: createGuests(),
      feed: createStatelyFeed({ ...options, slices }),
    };
    const sockets = serveSockets(server.server, parts);
    server.addHook('preClose', (done) => {
      sockets.close();
      parts.history.stop();
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

/** As the routes of `src/http` say it: who may come. */
const access = <Kind extends 'anyone' | 'person' | 'job'>(kind: Kind) => ({
  config: { access: kind },
});

function addData(server: FastifyInstance, parts: InspectorParts): void {
  const { clock } = parts;
  const show = <Value>(value: Value, request: FastifyRequest): Value => {
    const isHidden = 'redact' in (request.query as Record<string, unknown>);
    return applyRedaction(value, isHidden ? 'texts' : (parts.redaction ?? 'none'));
  };

  server.get('/inspect/api/session', access('person'), (request) => ({
    // Whose jobs the key shows; null: everybody's.
    user: callerOf(request),
    machines: Object.keys(drawnMachines),
    redaction: parts.redaction ?? 'none',
    now: clock.now(),
  }));
  server.get('/inspect/api/jobs', access('person'), async (request) => {
    const page = await searchJobs(parts, request.query, callerOf(request));
    const jobs = page.jobs.map((job) => ({
      ...job,
      queue: job.outcome === null ? parts.queueOf(job.job_id) : null,
    }));
    return show({ ...page, jobs }, request);
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
    const job = await replayTo(parts, request.params.id, n.data, callerOf(request));
    return { choices: choicesAt(job, n.data) };
  });
  server.post<WithId>('/inspect/api/jobs/:id/what-if', access('job'), async (request) => {
    const body = whatIfBody.safeParse(request.body);
    if (!body.success) throw new GatehouseError('GH_REQUEST_INVALID', 'n and event are needed');
    const { n, event } = body.data;
    const job = await replayTo(parts, request.params.id, n, callerOf(request));
    return show(tryEvent(job, n, event, clock.now()), request);
  });
}
