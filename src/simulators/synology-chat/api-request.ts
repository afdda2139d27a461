/** A request to the simulated API, with its outcome. */
import type { LoggedRequest } from '../request-log.ts';

export interface ApiRequest extends LoggedRequest {
  /** Counts from 1, in the order in which the headers arrived. */
  n: number;
  /** Epoch milliseconds. */
  atMs: number;
  /** The API's method (`chatbot` …); '' if absent. */
  method: string;
  /** The integration of the token; null for a wrong token. */
  integration: string | null;
  /** Format of the payload. */
  form: 'form' | 'json' | 'none';
  /** The text as sent; null if absent. */
  text: string | null;
  userIds: number[];
  httpStatus: number | null;
  /** The kind of the injected fault. */
  fault: string | null;
  /** Posts that it made. With outcome `cut` these are posts whose response was lost. */
  postIds: number[];
}
