/** A request to the simulated API, with its outcome. */
/**
 * How a request ended: `success`, `error` (`success:false`, with `code`), `page` (an HTTP error page), `file`, or `cut`
 * (the connection was ended; `fault` has the position).
 */
import type { IncomingMessage } from 'node:http';

export type RequestOutcome = 'success' | 'error' | 'page' | 'file' | 'cut';

export interface ApiRequest {
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
  outcome: RequestOutcome;
  httpStatus: number | null;
  code: number | null;
  /** The kind of the injected fault. */
  fault: string | null;
  /** Posts that it made. With outcome `cut` these are posts whose response was lost. */
  postIds: number[];
}

/** Null if it is larger than `bytesMax`. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the connection: the refusal is sent on it.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
