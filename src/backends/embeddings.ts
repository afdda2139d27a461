/**
 * Turns texts into vectors by an OpenAI-compatible `/v1/embeddings`. What a server answers is checked before it
 * is believed: one vector per text, all equally long, all numbers finite.
 *
 * 1. A server that is also a configured backend is asked through its gate, or it would run two requests at once
 *    (P6): the index as background work, a question as a person's.
 * 2. Outcomes are data; it throws only for bugs. Messages carry no key.
 */
import { fetch } from 'undici';
import type { ErrorReason } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import { endpointsOf } from './backend-config.ts';
import { createAgent, readText } from './exchange.ts';
import { cleanMessage, networkFailure } from './failure-reason.ts';
import { errorOf } from './frame-error.ts';
import type { Gate } from './gate-types.ts';

export interface EmbeddingsConfig {
  /** As of a backend: up to and including `/v1`. */
  baseUrl: string;
  model: string;
  apiKey: string | null;
  /** Texts in one request, 1 to 32. */
  batch: number;
  /** For one request. */
  timeoutMs: number;
  /** Of that, the wait at a gate with a question: behind an answer of minutes a search does not wait. */
  queryTimeoutMs: number;
}

export type EmbeddingOutcome =
  | { ok: true; vectors: Float32Array[] }
  | {
      ok: false;
      reason: string;
      /** The server cannot work with these texts; others may do better. */
      isInput: boolean;
    };

export interface EmbeddingsClient {
  readonly model: string;
  readonly batch: number;
  embed(
    texts: readonly string[],
    purpose: 'query' | 'index',
    signal: AbortSignal,
  ): Promise<EmbeddingOutcome>;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

export interface EmbeddingsOptions {
  config: EmbeddingsConfig;
  /** Of the backend that is the same server; null where it is a server of its own. */
  gate: Gate | null;
  clock: Clock;
}

const connectTimeoutMs = 2_000;
/** 32 vectors of 8,192 numbers as text: what is longer is no such answer. */
const answerCharsMax = 8_000_000;
/** Largest models have 4,096; sqlite-vec takes as many as 8,192. */
const dimensionsMax = 8_192;
/** The texts are at fault; other refusals are about keys, names and addresses. */
const faultsOfInput: ReadonlySet<number> = new Set([400, 413, 422, 500]);

/** A client of the server. Close it at the end. */
export function createEmbeddings(options: EmbeddingsOptions): EmbeddingsClient {
  const { config, clock } = options;
  const { model, batch } = config;
  const agent = createAgent(connectTimeoutMs);

  const request = async (
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<EmbeddingOutcome> => {
    const expired = AbortSignal.timeout(config.timeoutMs);
    try {
      const response = await fetch(endpointsOf(config.baseUrl).embeddings, {
        method: 'POST',
        dispatcher: agent,
        redirect: 'manual',
        signal: AbortSignal.any([expired, signal]),
        headers: {
          'content-type': 'application/json',
          ...(config.apiKey === null ? {} : { authorization: `Bearer ${config.apiKey}` }),
        },
        body: JSON.stringify({ model, input: texts, encoding_format: 'float' }),
      });
      const body = parsed(await readText(response, answerCharsMax));
      if (response.status === 200) return vectorsOf(body, texts.length);
      const said = errorOf(body)?.message ?? '';
      const reason = `HTTP ${response.status}${said === '' ? '' : `: ${said}`}`;
      const isInput = faultsOfInput.has(response.status);
      return { ok: false, reason: cleanMessage(reason, config.apiKey), isInput };
    } catch (error) {
      const reason = expired.aborted
        ? `no answer within ${config.timeoutMs} ms`
        : reasonOf(error, signal);
      return { ok: false, reason: cleanMessage(reason, config.apiKey), isInput: false };
    }
  };

  return {
    model,
    batch,
    async embed(texts, purpose, signal) {
      if (texts.length === 0) return { ok: true, vectors: [] };
      if (signal.aborted) return { ok: false, reason: 'cancelled', isInput: false };
      const { gate } = options;
      if (gate === null) return request(texts, signal);
      const deadlineAt = purpose === 'query' ? clock.now() + config.queryTimeoutMs : null;
      return throughGate(gate, deadlineAt, signal, (permitted) => request(texts, permitted));
    },
    close: () => agent.destroy(),
  };
}

async function throughGate(
  gate: Gate,
  /** Of a question; null: nobody waits for it. */
  deadlineAt: number | null,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<EmbeddingOutcome>,
): Promise<EmbeddingOutcome> {
  const answer = await gate.acquire({
    kind: 'embed',
    priority: deadlineAt === null ? 'background' : 'foreground',
    user: 'search',
    // A batch takes a moment, and is not worth breaking off.
    preemptible: false,
    signal,
    deadlineAt,
    onQueued: () => undefined,
  });
  if (!answer.ok) return { ok: false, reason: answer.errorReason, isInput: false };
  const { permit } = answer;
  const working = request(permit.signal);
  permit.signal.addEventListener('abort', () => permit.drain(working.then(() => undefined)), {
    once: true,
  });
  const outcome = await working;
  if (!permit.signal.aborted) permit.release({ result: outcome.ok ? 'ok' : 'failed' });
  return outcome;
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  const { errorReason, message }: { errorReason: ErrorReason; message: string } =
    networkFailure(error);
  return `${errorReason}: ${message}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function vectorsOf(body: unknown, count: number): EmbeddingOutcome {
  const unreadable = (reason: string): EmbeddingOutcome => ({ ok: false, reason, isInput: false });
  const data = (body as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return unreadable('the answer is no list of embeddings');
  const vectors: (Float32Array | undefined)[] = Array.from({ length: count });
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    if (typeof index !== 'number' || index < 0 || index >= count) continue;
    vectors[index] = vectorOf(embedding);
  }
  const dim = vectors[0]?.length ?? 0;
  const isWhole = vectors.every((vector) => vector !== undefined && vector.length === dim);
  if (!isWhole || dim === 0) return unreadable(`not one vector of the same length for each text`);
  if (dim > dimensionsMax) return unreadable(`vectors of more than ${dimensionsMax} numbers`);
  return { ok: true, vectors: vectors as Float32Array[] };
}

/** From a list of numbers, or from base64 of little-endian floats. Undefined where it is neither. */
function vectorOf(embedding: unknown): Float32Array | undefined {
  if (typeof embedding === 'string') return usable(fromBase64(embedding));
  if (!Array.isArray(embedding)) return undefined;
  return usable(Float32Array.from(embedding as number[]));
}

function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) =>
    view.getFloat32(index * 4, true),
  );
}

/** A vector of zeros has no direction: it is near to nothing, and no measure of it is a number. */
function usable(vector: Float32Array): Float32Array | undefined {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Number.isFinite(sum) && sum > 0 ? vector : undefined;
}
