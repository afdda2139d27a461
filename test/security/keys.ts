/** Shared by the security tests: a core with three keys, and requests with one of them. */
import { onTestFinished } from 'vitest';
import { openCore, type CoreFixture } from '#test/support/core';

export const keys = { operator: 'op-key', ann: 'ann-key', bob: 'bob-key', nobody: null } as const;
export type Who = keyof typeof keys;

export interface KeyedCore extends CoreFixture {
  /** A request with the key of `who`; a `body` of text is sent unchanged, another one as JSON. */
  call(who: Who, method: string, path: string, body?: unknown): Promise<Response>;
}

/** Closed when the test has finished. */
export async function keyedCore(...parts: Parameters<typeof openKeyedCore>): Promise<KeyedCore> {
  const core = await openKeyedCore(...parts);
  onTestFinished(() => core.close());
  return core;
}

/** The caller must close it. */
export async function openKeyedCore(
  limits: Record<string, number> = {},
  change: Record<string, unknown> = {},
): Promise<KeyedCore> {
  const apiKeys = [keys.operator, { key: keys.ann, user: 'ann' }, { key: keys.bob, user: 'bob' }];
  const fixture = await openCore((small, large) => ({
    server: { port: 0, apiKeys, limits },
    backends: [
      { id: 'small', baseUrl: small.baseUrl, model: 'm' },
      { id: 'large', baseUrl: large.baseUrl, model: 'm' },
    ],
    ...change,
  }));
  const call: KeyedCore['call'] = (who, method, path, body) =>
    fetch(`${fixture.core.url}${path}`, {
      method,
      headers: keys[who] === null ? {} : { authorization: `Bearer ${keys[who]}` },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
  return Object.assign(fixture, { call });
}

export const json = async (response: Response | Promise<Response>): Promise<Record<string, any>> =>
  (await (await response).json()) as Record<string, any>;
