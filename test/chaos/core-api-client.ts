/**
 * The HTTP API as the clients of the storm use it: a response, or null without a response. Of several workers, each request
 * goes to the next one.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ApiReply {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of many routes, judged field by field
  body: any;
}

export interface CoreApiClient {
  call(method: string, path: string, body?: object): Promise<ApiReply | null>;
  /** Retries while there is no response, or a response of 429 or 5xx. */
  callUntilAnswered(method: string, path: string, body?: object): Promise<ApiReply>;
  text(path: string): Promise<string>;
}

/** Longer than the response time of a core that is frozen or starting. */
const requestTimeoutMs = 20_000;

export function createCoreApiClient(urls: readonly string[], apiKey: string): CoreApiClient {
  let turn = 0;
  const nextUrl = (): string => urls[turn++ % urls.length]!;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
  const call: CoreApiClient['call'] = async (method, path, body) => {
    try {
      const response = await fetch(nextUrl() + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    } catch {
      return null;
    }
  };
  return {
    call,
    async callUntilAnswered(method, path, body) {
      for (;;) {
        const answer = await call(method, path, body);
        if (answer !== null && answer.status !== 429 && answer.status < 500) return answer;
        await sleep(200);
      }
    },
    async text(path) {
      const response = await fetch(nextUrl() + path, { headers });
      return response.text();
    },
  };
}
