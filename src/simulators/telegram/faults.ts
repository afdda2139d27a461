/** Faults of the simulated Bot API: its own, and those of any network. */
import type { ErrorParameters } from './api-error.ts';
import type { NetworkFault } from '../http-trouble.ts';

/**
 * - `error`: a refusal by the API; nothing is stored
 * - `repeat`: a poll gets up to `updates` updates that were acknowledged already again, before the new ones: as if its
 *   offset had been lost. They stay until they are acknowledged again. Other methods succeed.
 *
 * Updates of one answer never come out of order: the real queue is in the order of `update_id`.
 */
export type Fault =
  | { kind: 'error'; code: number; description: string; parameters?: ErrorParameters }
  | { kind: 'repeat'; updates: number }
  | NetworkFault;

/** The refusals that the real server is known for, without those of a wrong request. */
export const refusals = {
  flood: (seconds: number): Fault => ({
    kind: 'error',
    code: 429,
    description: `Too Many Requests: retry after ${seconds}`,
    parameters: { retry_after: seconds },
  }),
  conflict: {
    kind: 'error',
    code: 409,
    description:
      'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  },
  blocked: { kind: 'error', code: 403, description: 'Forbidden: bot was blocked by the user' },
  revoked: { kind: 'error', code: 401, description: 'Unauthorized' },
  restart: { kind: 'error', code: 500, description: 'Internal Server Error: restart' },
  badGateway: { kind: 'error', code: 502, description: 'Bad Gateway' },
} as const satisfies Record<string, Fault | ((seconds: number) => Fault)>;

/**
 * All known failures that pass by themselves, each short enough for a test. A blocked bot and a revoked token are not
 * among them: they last until a person does something.
 */
export const stormFaults: readonly Fault[] = [
  refusals.flood(1),
  refusals.restart,
  refusals.badGateway,
  { kind: 'page', status: 502 },
  { kind: 'page', status: 503 },
  { kind: 'page', status: 504 },
  { kind: 'says', status: 200, body: '<html>login</html>', contentType: 'text/html' },
  { kind: 'slow', headersMs: 150, bodyMs: 150 },
  { kind: 'cut', at: 'atOnce' },
  { kind: 'cut', at: 'unstored' },
  { kind: 'cut', at: 'stored' },
  { kind: 'cut', at: 'answer' },
  { kind: 'repeat', updates: 5 },
  { kind: 'down', forMs: 200 },
];

/** By the name that the page shows. */
export const namedFaults: Readonly<Record<string, Fault>> = {
  '429 retry after 5 s': refusals.flood(5),
  '409 another poll': refusals.conflict,
  '403 blocked': refusals.blocked,
  '401 unauthorized': refusals.revoked,
  '500 restart': refusals.restart,
  '502 in JSON': refusals.badGateway,
  'HTML page of a proxy: 502': { kind: 'page', status: 502 },
  'HTML page of a proxy: 503': { kind: 'page', status: 503 },
  'HTML page of a proxy: 504': { kind: 'page', status: 504 },
  'HTML page with 200': {
    kind: 'says',
    status: 200,
    body: '<html>login</html>',
    contentType: 'text/html',
  },
  'slow (10 s, then drop by drop)': { kind: 'slow', headersMs: 10_000, bodyMs: 5_000 },
  'cut at once': { kind: 'cut', at: 'atOnce' },
  'cut after reading, nothing sent': { kind: 'cut', at: 'unstored' },
  'cut after sending: the answer is lost': { kind: 'cut', at: 'stored' },
  'cut in the middle of the answer': { kind: 'cut', at: 'answer' },
  'connections refused for 30 s': { kind: 'down', forMs: 30_000 },
};
