/** Endpoints of the NATS micro service for schedules: for the operator's programs, as the routes of HTTP. */
import { z } from 'zod';
import { parseInput } from '#shared/parse-input';
import {
  newScheduleBody,
  runsQuery,
  scheduleListQuery,
  scheduleUser,
  snoozeFields,
  type ScheduleRef,
  type ScheduleService,
} from '#shared/wire/schedule-service';
import { scheduleVerbs, type ScheduleVerb, type Subjects } from '#shared/wire/subjects';
import type { Endpoint } from './micro-service.ts';

const scheduleRequest = scheduleUser.extend({ schedule_id: z.string().min(1).max(64) });
const snoozeRequest = scheduleRequest.extend(snoozeFields.shape);
const runsRequest = runsQuery.extend(scheduleRequest.shape);

const door = 'nats';

export function scheduleEndpoints(service: ScheduleService, subjects: Subjects): Endpoint[] {
  const ofOne =
    (work: (ref: ScheduleRef) => Promise<unknown>): Endpoint['handle'] =>
    ({ body }) =>
      work(refOf(parseInput(scheduleRequest, body)));
  const handlers: Record<ScheduleVerb, Endpoint['handle']> = {
    list: async ({ body }) => service.list(parseInput(scheduleListQuery, body)),
    create: async ({ body }) => service.create(parseInput(newScheduleBody, body), door),
    get: ofOne((ref) => service.get(ref)),
    pause: ofOne((ref) => service.pause(ref)),
    resume: ofOne((ref) => service.resume(ref)),
    delete: ofOne((ref) => service.delete(ref)),
    run: ofOne((ref) => service.run(ref)),
    async snooze({ body }) {
      const request = parseInput(snoozeRequest, body);
      return service.snooze(refOf(request), request.minutes, door);
    },
    async runs({ body }) {
      const request = parseInput(runsRequest, body);
      return service.runs(refOf(request), request.limit);
    },
  };
  return scheduleVerbs.map((verb) => ({
    name: `schedule-${verb}`,
    subject: subjects.scheduleService(verb),
    handle: handlers[verb],
  }));
}

const refOf = ({ schedule_id, user_id }: z.infer<typeof scheduleRequest>): ScheduleRef => ({
  id: schedule_id,
  userId: user_id ?? null,
});
