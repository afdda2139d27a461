/** Faults of the simulated API: its own, and those of any network. */
import type { NetworkFault } from '../http-trouble.ts';

export const apiMethods = [
  'incoming',
  'chatbot',
  'user_list',
  'channel_list',
  'post_list',
  'post_file_get',
] as const;
export type ApiMethod = (typeof apiMethods)[number];

/**
 * - `error`: `success:false` with status 200; nothing is stored
 * - `nobody`: `success:true` with all users in `data.fail`; nothing is stored
 */
export type Fault =
  | { kind: 'error'; code: number; errors?: string }
  | { kind: 'nobody' }
  | NetworkFault;

/** All known kinds of failure, each short enough for a test. */
export const stormFaults: readonly Fault[] = [
  { kind: 'error', code: 117 },
  { kind: 'error', code: 411 },
  { kind: 'error', code: 100 },
  { kind: 'page', status: 500 },
  { kind: 'page', status: 503 },
  { kind: 'page', status: 404 },
  { kind: 'page', status: 403 },
  { kind: 'page', status: 302 },
  { kind: 'slow', headersMs: 150, bodyMs: 150 },
  { kind: 'cut', at: 'atOnce' },
  { kind: 'cut', at: 'unstored' },
  { kind: 'cut', at: 'stored' },
  { kind: 'cut', at: 'answer' },
  { kind: 'down', forMs: 200 },
];
