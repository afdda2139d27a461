/** One request to a bridge. A response of any status is an `answer`; the other kinds give the error. */
import { sendHttpRequest } from '#shared/http-request';

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

export async function callBridge({ closing: signal, ...call }: HttpCall): Promise<CallResult> {
  const headers: Record<string, string> =
    call.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const outcome = await sendHttpRequest({ ...call, headers, bytesMax: answerBytesMax, signal });
  if (outcome.ok) {
    return { kind: 'answer', status: outcome.status, body: outcome.body.toString('utf8') };
  }
  return outcome.kind === 'timeout'
    ? { kind: 'timeout', problem: `no answer within ${call.timeoutMs} ms` }
    : { kind: 'unreachable', problem: outcome.error };
}
