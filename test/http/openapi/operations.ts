/**
 * Every route of the server, by its tag in docs/openapi.json. To add a route: an entry in the file of its tag, its
 * answer in views.ts, then `UPDATE_DOCS=1 npx vitest run test/http/openapi`.
 */
import { documents, memos } from './documents.ts';
import { jobs } from './jobs.ts';
import type { Operation } from './operation.ts';
import { calendar, questions } from './questions.ts';
import { inspector, status } from './status.ts';

export const operations: Record<string, readonly Operation[]> = {
  jobs,
  documents,
  memos,
  questions,
  calendar,
  status,
  inspector,
};
