/**
 * One request to a bridge on its own connection: no keep-alive, so a restarted bridge gets no request on a stale
 * connection. A response of any status is an `answer`; the other kinds give the error.
 */
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { messageOf } from '#shared/errors';

export type CallResult =
  | { kind: 'answer'; status: number; body: string }
  | { kind: 'unreachable' | 'timeout'; problem: string };

/** A response may be a message, not more. */
const answerBytesMax = 1024 * 1024;

export interface HttpCall {
  url: string;
  method: 'HEAD' | 'POST';
  body?: string;
  timeoutMs: number;
  closing: AbortSignal;
}

export async function callBridge({
  url,
  method,
  body,
  timeoutMs,
  closing,
}: HttpCall): Promise<CallResult> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  closing.addEventListener('abort', end);
  if (closing.aborted) end();
  try {
    return await sendRequest(url, method, body ?? null, ending.signal);
  } catch (error) {
    return isLate
      ? { kind: 'timeout', problem: `no answer within ${timeoutMs} ms` }
      : { kind: 'unreachable', problem: messageOf(error) };
  } finally {
    clearTimeout(limit);
    closing.removeEventListener('abort', end);
  }
}

function sendRequest(
  url: string,
  method: string,
  body: string | null,
  signal: AbortSignal,
): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const start = target.protocol === 'https:' ? requestTls : requestPlain;
    const headers =
      body === null
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': Buffer.byteLength(body),
          };
    const request = start(target, { method, agent: false, headers, signal }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > answerBytesMax) request.destroy(new Error('the answer is too large'));
        else parts.push(part);
      });
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ kind: 'answer', status: response.statusCode ?? 0, body: text });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}
