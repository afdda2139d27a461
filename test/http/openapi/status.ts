/** Routes of health, metrics and the inspector. */
import { z } from 'zod';
import { whatIfBody } from '#inspector/server/inspector-routes';
import { searchQuery as jobSearch } from '#inspector/server/job-search';
import type { Operation } from './operation.ts';
import * as view from './views.ts';

export const status: readonly Operation[] = [
  {
    route: 'GET /',
    summary: 'Where to look. A browser (`Accept: text/html`) is redirected to the inspector.',
    status: 200,
    answer: z.strictObject({
      service: z.literal('gatehouse'),
      inspector: z.string(),
      health: z.string(),
    }),
    example: () => ({}),
  },
  {
    route: 'GET /healthz',
    summary: 'Whether the process lives.',
    status: 200,
    answer: z.strictObject({ status: z.literal('ok') }),
    example: () => ({}),
  },
  {
    route: 'GET /readyz',
    summary:
      'Whether messages are answered, and what is not as it should be; 503 where they are not.',
    status: 200,
    answer: view.readiness,
    example: () => ({}),
  },
  {
    route: 'GET /metrics',
    summary: 'Figures in Prometheus’ text format.',
    status: 200,
    answer: 'text/plain',
    example: () => ({}),
  },
  {
    route: 'GET /queue/stats',
    summary: 'Jobs that wait, run, and are in memory.',
    status: 200,
    answer: z.strictObject({ queued: z.int(), running: z.int(), loaded: z.int() }),
    example: () => ({}),
  },
  {
    route: 'GET /backends',
    summary: 'Every model server: its health, its gate, who waits there.',
    status: 200,
    answer: z.strictObject({ backends: z.array(view.backend) }),
    example: () => ({}),
  },
];

/** For the page of the inspector; they may change with it. */
export const inspector: readonly Operation[] = [
  {
    route: 'GET /inspect',
    summary: 'The visual inspector. Its socket is /inspect/ws (docs/inspector.md).',
    status: 200,
    answer: 'text/html',
    example: () => ({}),
  },
  {
    route: 'GET /inspect/assets/:name',
    summary: 'Its files.',
    status: 200,
    answer: 'text/javascript',
    errors: ['GH_REQUEST_NOT_FOUND'],
    example: () => ({ path: { name: 'main.js' } }),
  },
  {
    route: 'GET /inspect/api/session',
    summary: 'What the page needs to begin.',
    status: 200,
    answer: z.looseObject({
      machines: z.array(z.string()),
      redaction: z.string(),
      now: z.number(),
    }),
    example: () => ({}),
  },
  {
    route: 'GET /inspect/api/jobs',
    summary: 'Jobs by words.',
    query: jobSearch,
    status: 200,
    answer: z.strictObject({
      jobs: z.array(view.foundJob),
      next_cursor: view.nextCursor,
      looked: z.int(),
    }),
    errors: ['GH_REQUEST_INVALID'],
    example: () => ({ query: { q: '안녕' } }),
  },
  {
    route: 'GET /inspect/api/charts/:machine',
    summary: 'The chart of a machine.',
    status: 200,
    answer: 'image/svg+xml',
    errors: ['GH_REQUEST_NOT_FOUND'],
    example: () => ({ path: { machine: 'job' } }),
  },
  {
    route: 'GET /inspect/api/jobs/:id/choices',
    summary: 'Events that mean something to a job after a row of its history.',
    query: z.object({ n: z.string() }),
    status: 200,
    answer: z.strictObject({ choices: z.array(z.looseObject({ type: z.string() })) }),
    errors: ['GH_JOB_NOT_FOUND'],
    example: ({ jobId }) => ({ path: { id: jobId }, query: { n: '1' } }),
  },
  {
    route: 'POST /inspect/api/jobs/:id/what-if',
    summary: 'Where another event would have led. Nothing is carried out.',
    body: whatIfBody,
    status: 200,
    answer: z.looseObject({ ok: z.boolean() }),
    errors: ['GH_REQUEST_INVALID', 'GH_JOB_NOT_FOUND'],
    example: ({ jobId }) => ({
      path: { id: jobId },
      body: { n: 1, event: { type: 'cancel', by: 'ann' } },
    }),
  },
];
