/** Routes of messages and jobs. */
import { z } from 'zod';
import { confirmBody, eventsQuery, listQuery, submitBody } from '#shared/wire/job-service';
import type { Operation } from './operation.ts';
import { inputErrors, lastEventId, stream, theJob } from './shared.ts';
import * as view from './views.ts';

const jobAccepted = z.strictObject({ job_id: z.string() });

export const jobs: readonly Operation[] = [
  {
    route: 'POST /chat',
    summary: 'Accept a message. It is on disk when this answers.',
    body: submitBody,
    headers: { traceparent: 'W3C trace context that the job goes on with.' },
    status: 202,
    answer: z.strictObject({
      job_id: z.string(),
      after_seq: z.int().describe('What answers this message comes after this event of the job.'),
    }),
    errors: [...inputErrors, 'GH_REQUEST_EMPTY', 'GH_REQUEST_TOO_LONG', 'GH_JOB_QUEUE_FULL'],
    example: () => ({ body: { message: '안녕', user_id: 'ann', idempotency_key: 'k1' } }),
  },
  ...(['/chat/:id', '/chat/:id/status'] as const).map((path): Operation => ({
    route: `GET ${path}`,
    summary: 'One job as it is now.',
    status: 200,
    answer: view.job,
    errors: ['GH_JOB_NOT_FOUND'],
    example: theJob,
  })),
  {
    route: 'GET /chat/:id/stream',
    summary:
      'The events of a job, old and new, and its answer while it is written; ends after the last event. 204 for who has seen that (`Last-Event-ID`): an EventSource stops there.',
    headers: lastEventId,
    status: 200,
    answer: stream,
    errors: ['GH_JOB_NOT_FOUND'],
    example: theJob,
  },
  {
    route: 'POST /chat/:id/cancel',
    summary: 'Cancel a job. The cancel is on disk when this answers.',
    status: 202,
    answer: jobAccepted,
    errors: ['GH_JOB_NOT_FOUND', 'GH_JOB_CONFLICT'],
    example: async (scene) => ({ path: { id: await scene.runningJob() } }),
  },
  {
    route: 'POST /chat/:id/confirm',
    summary: 'Carry out the draft that the job shows.',
    body: confirmBody.optional(),
    status: 202,
    answer: jobAccepted,
    errors: ['GH_REQUEST_INVALID', 'GH_JOB_NOT_FOUND', 'GH_JOB_CONFLICT'],
    example: async (scene) => ({ path: { id: await scene.waitingJob() }, body: {} }),
  },
  {
    route: 'POST /chat/:id/reject',
    summary: 'Drop the draft that the job shows.',
    status: 202,
    answer: jobAccepted,
    errors: ['GH_JOB_NOT_FOUND', 'GH_JOB_CONFLICT'],
    example: async (scene) => ({ path: { id: await scene.waitingJob() } }),
  },
  {
    route: 'GET /jobs',
    summary:
      'Jobs, newest first, at most 1 MiB of them. With a cursor a page may be short, or empty, where few jobs fit.',
    query: listQuery,
    status: 200,
    answer: z.strictObject({
      jobs: z.array(view.listedJob),
      ...view.nextPage,
      looked: z.int().describe('Jobs that were looked at for this page.'),
    }),
    errors: ['GH_REQUEST_INVALID'],
    example: () => ({ query: { limit: '2' } }),
  },
  {
    route: 'GET /jobs/:id/events',
    summary: 'The events of a job so far, at most 1 MiB of them.',
    query: eventsQuery,
    status: 200,
    answer: z.strictObject({
      job_id: z.string(),
      events: z.array(view.stateEvent),
      ...view.nextPage,
    }),
    errors: ['GH_REQUEST_INVALID', 'GH_JOB_NOT_FOUND'],
    example: theJob,
  },
  {
    route: 'GET /events',
    summary: 'The events of all jobs and documents, old and new, in the order of their commits.',
    query: z.object({
      from: z
        .string()
        .optional()
        .describe(
          'Goes on after this position; `now`: only what is new. The answer has the position in the header Last-Event-ID.',
        ),
    }),
    headers: { 'Last-Event-ID': 'Goes on after this position.' },
    status: 200,
    answer: stream,
    example: () => ({}),
  },
];
