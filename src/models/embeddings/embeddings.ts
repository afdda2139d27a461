/**
 * Client for an OpenAI-compatible `/v1/embeddings`. Responses are validated: one vector per text, all of the same
 * length, all numbers finite.
 *
 * 1. A server that is also a configured backend is called through its gate, or it would run two requests at once (P6):
 *    indexing as background work, a search query as foreground.
 * 2. Outcomes are data; it throws only for bugs. Messages never contain the API key.
 */
import type { EmbedResult, Embedder } from '#shared/model/embedder';
import type { Clock } from '#shared/clock';
import { permitHeaders } from '#shared/wire/permit-headers';
import { endpointsOf } from '../backend-config.ts';
import { redactMessage, mapNetworkError } from '../client/error-mapping.ts';
import { createHttpAgent, fetchModelServer, readBoundedText } from '../client/model-http.ts';
import { parseUpstreamError } from '../client/upstream-error.ts';
import type { Gate } from '../gate/gate-types.ts';
import { runAtGate } from '../gate/run-at-gate.ts';
import { tryParseJson } from '#shared/text/json-text';

export interface EmbeddingsConfig {
  /** As of a backend: up to and including `/v1`. */
  baseUrl: string;
  model: string;
  apiKey: string | null;
  /** Texts per request, 1 to 32. */
  batch: number;
  /** Timeout of one request, ms. */
  timeoutMs: number;
  /** Maximum wait of a search query at the gate, ms: a search does not wait behind an answer that takes minutes. */
  queryTimeoutMs: number;
}

export interface EmbeddingsClient extends Embedder {
  /** Closes all connections at once. */
  close(): Promise<void>;
}

export interface EmbeddingsOptions {
  config: EmbeddingsConfig;
  /** The gate of the backend on the same server; null for a separate server. */
  gate: Gate | null;
  clock: Clock;
}

const connectTimeoutMs = 2_000;
/** Maximum response in characters: fits 32 vectors of 8,192 numbers as text. */
const responseCharsMax = 8_000_000;
/** The largest models use 4,096; sqlite-vec accepts up to 8,192. */
const dimensionsMax = 8_192;
/** Statuses caused by the texts; other refusals concern keys, names and addresses. */
const inputErrorStatuses: ReadonlySet<number> = new Set([400, 413, 422, 500]);

/** Creates a client. Call `close` at the end. */
export function createEmbeddings(options: EmbeddingsOptions): EmbeddingsClient {
  const { config, clock } = options;
  const { model, batch } = config;
  const agent = createHttpAgent(connectTimeoutMs);

  const request = async (
    texts: readonly string[],
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<EmbedResult> => {
    const expired = AbortSignal.timeout(config.timeoutMs);
    try {
      const response = await fetchModelServer(endpointsOf(config.baseUrl).embeddings, {
        agent,
        apiKey: config.apiKey,
        signal: AbortSignal.any([expired, signal]),
        headers,
        body: { model, input: texts, encoding_format: 'float' },
      });
      const body = tryParseJson(await readBoundedText(response, responseCharsMax));
      if (response.status === 200) return parseVectors(body, texts.length);
      const upstreamMessage = parseUpstreamError(body)?.message ?? '';
      const reason = `HTTP ${response.status}${upstreamMessage === '' ? '' : `: ${upstreamMessage}`}`;
      const isInput = inputErrorStatuses.has(response.status);
      return { ok: false, reason: redactMessage(reason, config.apiKey), isInput };
    } catch (error) {
      const reason = expired.aborted
        ? `no answer within ${config.timeoutMs} ms`
        : failureReasonOf(error, signal);
      return { ok: false, reason: redactMessage(reason, config.apiKey), isInput: false };
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
      return throughGate(gate, deadlineAt, signal, (permitted, headers) =>
        request(texts, permitted, headers),
      );
    },
    close: () => agent.destroy(),
  };
}

async function throughGate(
  gate: Gate,
  /** Deadline of a search query, epoch ms; null: indexing, without a deadline. */
  deadlineAt: number | null,
  signal: AbortSignal,
  request: (signal: AbortSignal, headers: Record<string, string>) => Promise<EmbedResult>,
): Promise<EmbedResult> {
  const ran = await runAtGate<EmbedResult>(
    gate,
    {
      kind: 'embed',
      priority: deadlineAt === null ? 'background' : 'foreground',
      user: 'search',
      // A batch is short: aborting it gains nothing.
      preemptible: false,
      signal,
      deadlineAt,
      onQueued: () => undefined,
    },
    (slot) => {
      const headers = permitHeaders(gate.id, slot.wireFence ?? null);
      const response = request(slot.signal, headers);
      return {
        response,
        endOf: ({ ok }) => ({ result: ok ? 'ok' : 'failed' }),
        serverIdle: () => response.then(() => undefined),
      };
    },
  );
  return ran.ok ? ran.value : { ok: false, reason: ran.errorReason, isInput: false };
}

function failureReasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  const { errorReason, message } = mapNetworkError(error);
  return `${errorReason}: ${message}`;
}

function parseVectors(body: unknown, count: number): EmbedResult {
  const unreadable = (reason: string): EmbedResult => ({ ok: false, reason, isInput: false });
  const data = (body as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return unreadable('the answer is no list of embeddings');
  const vectors: (Float32Array | undefined)[] = Array.from({ length: count });
  for (const [position, item] of data.entries()) {
    const { index = position, embedding } = (item ?? {}) as {
      index?: unknown;
      embedding?: unknown;
    };
    if (typeof index !== 'number' || index < 0 || index >= count) continue;
    vectors[index] = parseVector(embedding);
  }
  const dim = vectors[0]?.length ?? 0;
  const isWhole = vectors.every((vector) => vector !== undefined && vector.length === dim);
  if (!isWhole || dim === 0) return unreadable(`not one vector of the same length for each text`);
  if (dim > dimensionsMax) return unreadable(`vectors of more than ${dimensionsMax} numbers`);
  return { ok: true, vectors: vectors as Float32Array[] };
}

/** Parses a list of numbers, or base64 of little-endian floats. Undefined for anything else. */
function parseVector(embedding: unknown): Float32Array | undefined {
  if (typeof embedding === 'string') return nonZeroVector(fromBase64(embedding));
  if (!Array.isArray(embedding)) return undefined;
  return nonZeroVector(Float32Array.from(embedding as number[]));
}

function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) =>
    view.getFloat32(index * 4, true),
  );
}

/** Undefined for a zero vector and for one with numbers that are not finite: their distances are undefined. */
function nonZeroVector(vector: Float32Array): Float32Array | undefined {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Number.isFinite(sum) && sum > 0 ? vector : undefined;
}
