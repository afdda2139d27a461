/** Reads the small pages by which servers tell of themselves: bounded in time and size, never an exception. */
import { type Agent, fetch } from 'undici';
import type { ErrorReason } from '../contract/model.ts';
import { readText } from './exchange.ts';
import { networkFailure } from './failure-reason.ts';

/** A list of several hundred models fits; what is larger is no such page. */
const PAGE_CHARS_MAX = 500_000;

export interface PageOptions {
  agent: Agent;
  apiKey?: string | null;
  /** For the whole page. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export type SmallPage =
  | {
      ok: true;
      status: number;
      /** The `server` header, empty where there is none. */
      server: string;
      /** Null when the body is no JSON. */
      json: unknown;
      text: string;
      ms: number;
    }
  | { ok: false; errorReason: ErrorReason; message: string; ms: number };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export async function readPage(url: string, options: PageOptions): Promise<SmallPage> {
  const { agent, apiKey, timeoutMs, signal } = options;
  const expired = AbortSignal.timeout(timeoutMs);
  const startedAt = performance.now();
  const ms = (): number => performance.now() - startedAt;
  try {
    const response = await fetch(url, {
      dispatcher: agent,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([expired, signal]) : expired,
      headers: {
        accept: 'application/json',
        ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      },
    });
    const text = await readText(response, PAGE_CHARS_MAX);
    const server = response.headers.get('server') ?? '';
    return { ok: true, status: response.status, server, json: parsed(text), text, ms: ms() };
  } catch (error) {
    if (signal?.aborted) return { ok: false, errorReason: 'cancelled', message: '', ms: ms() };
    if (expired.aborted) {
      const message = `no page within ${timeoutMs} ms`;
      return { ok: false, errorReason: 'timeout_total', message, ms: ms() };
    }
    return { ok: false, ...networkFailure(error), ms: ms() };
  }
}
