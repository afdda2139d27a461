/** `/schedules…`: reminders, and messages that are sent at their time. */
import {
  newScheduleBody,
  runsQuery,
  runsSchema,
  scheduleListQuery,
  schedulePageSchema,
  scheduleSchema,
  scheduleUser,
  snoozeFields,
  startedRunSchema,
  type ScheduleRef,
  type ScheduleService,
} from '#shared/wire/schedule-service';
import {
  declareRoutes,
  eventStream,
  idParams,
  lastEventHeaders,
  lastEventQuery,
  type RouteServer,
} from '../server/route-schemas.ts';
import { parseLastEventId, sendSseHeadResponse } from '../server/sse-stream.ts';
import { streamStoredEvents, type StoredEventFeed } from './stored-event-stream.ts';

const declare = declareRoutes('schedules');

const notFound = ['GH_SCHEDULE_NOT_FOUND'] as const;
const changing = [...notFound, 'GH_SCHEDULE_CONFLICT'] as const;
const one = { 200: scheduleSchema };

/** A user's key has the user filled in (route-access.ts). */
const refOf = (
  params: { id: string },
  { user_id }: { user_id?: string | undefined },
): ScheduleRef => ({
  id: params.id,
  userId: user_id ?? null,
});

export const scheduleRoutes =
  (service: ScheduleService, feed: StoredEventFeed) =>
  (server: RouteServer): void => {
    server.get(
      '/schedules',
      declare.person('Schedules, in the order of their creation; of all people without a user.', {
        querystring: scheduleListQuery,
        response: { 200: schedulePageSchema },
      }),
      (request) => service.list(request.query),
    );
    server.post(
      '/schedules',
      declare.person('Make a schedule. A second request with the same key makes none.', {
        body: newScheduleBody,
        response: { 201: scheduleSchema },
        errors: ['GH_SCHEDULE_INVALID', 'GH_SCHEDULE_LIMIT'],
      }),
      async (request, reply) => reply.code(201).send(await service.create(request.body, 'http')),
    );
    server.get(
      '/schedules/:id',
      declare.person('One schedule.', {
        params: idParams,
        querystring: scheduleUser,
        response: one,
        errors: notFound,
      }),
      (request) => service.get(refOf(request.params, request.query)),
    );
    server.get(
      '/schedules/:id/runs',
      declare.person('What became of its times so far, newest first, each with its job.', {
        params: idParams,
        querystring: runsQuery,
        response: { 200: runsSchema },
        errors: notFound,
      }),
      ({ params, query }) => service.runs(refOf(params, query), query.limit),
    );
    addStream(server, service, feed);
    addChanges(server, service);
  };

function addStream(server: RouteServer, service: ScheduleService, feed: StoredEventFeed): void {
  server.get(
    '/schedules/:id/stream',
    declare.person('What happens to a schedule, old and new.', {
      params: idParams,
      querystring: scheduleUser.extend(lastEventQuery.shape),
      headers: lastEventHeaders,
      response: { 200: eventStream },
      errors: notFound,
    }),
    async (request, reply) => {
      const { schedule_id: id } = await service.get(refOf(request.params, request.query));
      if (request.method === 'HEAD') return sendSseHeadResponse(reply);
      reply.hijack();
      await streamStoredEvents(reply.raw, feed, id, parseLastEventId(request));
    },
  );
}

function addChanges(server: RouteServer, service: ScheduleService): void {
  const summaries = {
    pause: 'Let a schedule rest.',
    resume: 'Go on with a schedule; times that passed meanwhile are not made up for.',
  };
  for (const verb of ['pause', 'resume'] as const) {
    server.post(
      `/schedules/:id/${verb}`,
      declare.person(summaries[verb], {
        params: idParams,
        body: scheduleUser,
        response: one,
        errors: changing,
      }),
      ({ params, body }) => service[verb](refOf(params, body)),
    );
  }
  server.delete(
    '/schedules/:id',
    declare.person('Cancel a schedule. Its runs can still be read.', {
      params: idParams,
      querystring: scheduleUser,
      response: one,
      errors: changing,
    }),
    ({ params, query }) => service.delete(refOf(params, query)),
  );
  server.post(
    '/schedules/:id/run',
    declare.person('Run a schedule now; its planned times stay.', {
      params: idParams,
      body: scheduleUser,
      response: { 202: startedRunSchema },
      errors: [...notFound, 'GH_JOB_QUEUE_FULL'],
    }),
    async ({ params, body }, reply) => reply.code(202).send(await service.run(refOf(params, body))),
  );
  server.post(
    '/schedules/:id/snooze',
    declare.person('Once more after some minutes, as a schedule of its own.', {
      params: idParams,
      body: scheduleUser.extend(snoozeFields.shape),
      response: { 201: scheduleSchema },
      errors: [...notFound, 'GH_SCHEDULE_LIMIT'],
    }),
    async ({ params, body }, reply) =>
      reply.code(201).send(await service.snooze(refOf(params, body), body.minutes, 'http')),
  );
}
