/**
 * The differences between model servers, as data: one row per kind. Code reads the row, never the name of the kind. The
 * rows describe behaviour observed in the servers or in their source; docs/backends.md describes it in prose.
 */
import { pictureTypes, type PictureType } from '#shared/pictures/picture';
import { standardMarkup, type Markup } from './text-filters/thinking-markup.ts';

export interface ServerProfile {
  /** `schema`: accepts `response_format` with a JSON schema. `none`: would ignore or refuse it. */
  structuredOutput: 'schema' | 'none';
  /** Request fields that disable thinking. Empty: the server has no such switch. */
  thinkingOff: Readonly<Record<string, unknown>>;
  markup: Markup;
  /**
   * `honoured`: `tool_choice: none` prevents calls. `ignored`: calls may come all the same. `dropsTools`: the tools are
   * removed from the prompt. In every case the client drops calls that were not allowed.
   */
  toolChoice: 'honoured' | 'ignored' | 'dropsTools';
  /** Meaning of status 404. mlx-lm answers 404 to all its own failures, a model that does not load included. */
  notFound: 'caller_error' | 'server_error';
  /** `fixed`: always send this name, not the configured one; mlx-lm would download and load any other. */
  modelName: { policy: 'as_configured' } | { policy: 'fixed'; name: string };
  /** `max_tokens` of a request without a limit; null: omit the field. */
  tokensUnlimited: number | null;
  /** The health page. It must cost the server nothing: no inference, no lock. */
  health: { path: string; under: 'root' | 'v1' };
  /** The pictures that the server can decode, where its model takes pictures. */
  pictureTypes: readonly PictureType[];
  /**
   * How long the slot drains after an abort, ms. Not the time until the server is idle, which cannot be queried without
   * disturbing it: the time after which the server's own queue (or its batching) absorbs the rest. Below 1 s, so that a
   * cancel frees the gate in time.
   */
  drain: { decodeMs: number; prefillMs: number };
}

const baseProfile: ServerProfile = {
  structuredOutput: 'schema',
  thinkingOff: {},
  markup: standardMarkup,
  toolChoice: 'honoured',
  notFound: 'caller_error',
  modelName: { policy: 'as_configured' },
  tokensUnlimited: null,
  health: { path: '/models', under: 'v1' },
  pictureTypes,
  drain: { decodeMs: 100, prefillMs: 500 },
};

/** Larger than any context: the MLX servers stop after a few hundred tokens without a value. */
const manyTokens = 1_000_000;

const templateThinkingOff = { chat_template_kwargs: { enable_thinking: false } };

const profiles = {
  ollama: {
    ...baseProfile,
    thinkingOff: { reasoning_effort: 'none' },
    toolChoice: 'ignored',
    health: { path: '/api/version', under: 'root' },
  },
  // Its decoder knows no WebP (400 "Failed to load image or audio file").
  // Measured: during decode the slot is free after 25 to 50 ms, during prefill after the current batch.
  'llama.cpp': {
    ...baseProfile,
    thinkingOff: templateThinkingOff,
    health: { path: '/health', under: 'root' },
    pictureTypes: ['image/png', 'image/jpeg', 'image/gif'],
    drain: { decodeMs: 60, prefillMs: 500 },
  },
  // Batches the next request with the aborted request for two tokens at most: a longer wait gains nothing.
  'mlx-lm': {
    ...baseProfile,
    structuredOutput: 'none',
    thinkingOff: templateThinkingOff,
    toolChoice: 'ignored',
    notFound: 'server_error',
    modelName: { policy: 'fixed', name: 'default_model' },
    tokensUnlimited: manyTokens,
    health: { path: '/health', under: 'root' },
    drain: { decodeMs: 100, prefillMs: 250 },
  },
  'mlx-vlm': {
    ...baseProfile,
    thinkingOff: { enable_thinking: false },
    tokensUnlimited: manyTokens,
    toolChoice: 'dropsTools',
    health: { path: '/health', under: 'root' },
  },
  // Finishes its prompt processing before it notices a disconnected client.
  'lm-studio': { ...baseProfile, drain: { decodeMs: 100, prefillMs: 900 } },
  vllm: {
    ...baseProfile,
    thinkingOff: templateThinkingOff,
    health: { path: '/health', under: 'root' },
    drain: { decodeMs: 20, prefillMs: 50 },
  },
  generic: baseProfile,
} satisfies Record<string, ServerProfile>;

export type BackendKind = keyof typeof profiles;
export const backendKinds = Object.keys(profiles) as BackendKind[];
export const serverProfiles: Readonly<Record<BackendKind, ServerProfile>> = profiles;
