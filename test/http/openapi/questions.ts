/** Routes that call a model, and routes of the calendar. */
import { z } from 'zod';
import { askBody } from '#http/routes/ask-routes';
import { exportQuery, importBody } from '#http/routes/calendar-routes';
import { completionBody } from '#http/openai/openai-request';
import { askLoopBody } from '#http/routes/ask-loop-routes';
import type { Operation } from './operation.ts';
import { inputErrors, stream, whileStreaming } from './shared.ts';
import * as view from './views.ts';

export const questions: readonly Operation[] = [
  {
    route: 'POST /ask',
    summary: 'A question to one’s documents.',
    body: askBody,
    status: 200,
    answer: z.strictObject({
      answer: z.string(),
      sources: z.array(view.source),
      backend: z.string(),
      truncated: z.boolean(),
    }),
    also: whileStreaming,
    errors: [
      ...inputErrors,
      'GH_REQUEST_EMPTY',
      'GH_REQUEST_TOO_LONG',
      'GH_BACKEND_UNKNOWN',
      'GH_BACKEND_BUSY',
      'GH_BACKEND_UNAVAILABLE',
    ],
    example: () => ({ body: { query: 'When is the budget decided?' } }),
  },
  {
    route: 'POST /ask/react',
    summary: 'A question that a model answers by looking things up itself.',
    body: askLoopBody,
    status: 200,
    answer: z.strictObject({
      answer: z.string(),
      sources: z.array(view.source),
      partial: z.boolean(),
      tool_rounds: z.int(),
      llm_calls: z.int(),
      backend: z.string(),
      debug_trace: z.array(z.unknown()).nullable(),
    }),
    also: whileStreaming,
    errors: [
      ...inputErrors,
      'GH_REQUEST_EMPTY',
      'GH_REQUEST_TOO_LONG',
      'GH_BACKEND_UNKNOWN',
      'GH_BACKEND_BUSY',
      'GH_BACKEND_UNAVAILABLE',
    ],
    example: () => ({ body: { query: 'When is the budget decided?' } }),
  },
  {
    route: 'POST /v1/chat/completions',
    summary:
      'OpenAI’s shape: the assistant (`gatehouse`) or one model server by its id (docs/openai-api.md).',
    body: completionBody,
    status: 200,
    answer: view.completion,
    also: { [stream]: 'with `stream: true`' },
    errors: [...inputErrors, 'GH_REQUEST_EMPTY', 'GH_BACKEND_UNKNOWN', 'GH_BACKEND_UNAVAILABLE'],
    isOpenAi: true,
    example: () => ({
      body: { model: 'large', messages: [{ role: 'user', content: 'hello' }] },
    }),
  },
  {
    route: 'GET /v1/models',
    summary: 'What `model` may be.',
    status: 200,
    answer: z.strictObject({ object: z.literal('list'), data: z.array(view.model) }),
    isOpenAi: true,
    example: () => ({}),
  },
  {
    route: 'GET /v1/models/:model',
    summary: 'One of them.',
    status: 200,
    answer: view.model,
    errors: ['GH_REQUEST_NOT_FOUND'],
    isOpenAi: true,
    example: () => ({ path: { model: 'large' } }),
  },
];

export const calendar: readonly Operation[] = [
  {
    route: 'POST /calendar/import',
    summary: 'Bring a calendar file (.ics) into the local calendar.',
    body: importBody,
    status: 200,
    answer: z.strictObject({
      added: z.int(),
      updated: z.int(),
      unchanged: z.int(),
      unreadable: z.array(z.string()),
      dropped: z.array(z.string()).optional(),
    }),
    errors: [...inputErrors, 'GH_TOOL_INPUT', 'GH_TOOL_NOT_LOCAL'],
    example: () => ({
      body: {
        ics: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20310101T000000Z\r\nDTSTART:20310305T060000Z\r\nDTEND:20310305T070000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
      },
    }),
  },
  {
    route: 'GET /calendar.ics',
    summary: 'The local calendar as a file.',
    query: exportQuery,
    status: 200,
    answer: 'text/calendar',
    errors: ['GH_TOOL_NOT_LOCAL'],
    example: () => ({}),
  },
];
