/** One HTTP request to the NAS. The caller must know whether the NAS can have received it. */
import type { IncomingHttpHeaders } from 'node:http';
import { sendHttpRequest } from '#shared/http-request';
import type { TlsTrust } from '#shared/tls-options';

export type NasHttpOutcome =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** No byte of the request has left. */
  | { kind: 'unsent'; error: string }
  | { kind: 'lost'; error: string };

export interface NasHttpRequest {
  url: string;
  method: 'GET' | 'POST';
  /** Form-encoded. */
  body?: string;
  trust: TlsTrust;
  bodyBytesMax: number;
  signal?: AbortSignal;
}

/** A disk that spins up takes ten seconds; a NAS that is off does not answer at all. */
const timeouts = { connectMs: 10_000, timeoutMs: 30_000 };

/** Never rejects. */
export async function sendNasRequest({
  bodyBytesMax: bytesMax,
  ...request
}: NasHttpRequest): Promise<NasHttpOutcome> {
  const headers: Record<string, string> =
    request.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const outcome = await sendHttpRequest({ ...request, ...timeouts, headers, bytesMax });
  if (!outcome.ok) return { kind: outcome.wasSent ? 'lost' : 'unsent', error: outcome.error };
  const { status, body } = outcome;
  return { kind: 'answer', status, headers: outcome.headers, body };
}
