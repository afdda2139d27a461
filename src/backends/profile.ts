/**
 * What differs between model servers, as data: one row per kind. Code asks the row, never the name of the kind.
 * The rows state what the servers were seen to do or do in their source; docs/backends.md tells it in prose.
 */
import type { BackendKind } from './backend-config.ts';
import { standardMarkup, type Markup } from './thinking-markup.ts';

export interface BackendProfile {
  /** `schema`: takes `response_format` with a JSON schema. `none`: would ignore or refuse it. */
  structuredOutput: 'schema' | 'none';
  /** Fields that turn thinking off. Empty: the server has no such switch. */
  thinkingOff: Readonly<Record<string, unknown>>;
  markup: Markup;
  /**
   * `honoured`: `tool_choice: none` keeps calls away. `ignored`: calls may come all the same. `dropsTools`: the
   * tools vanish from the prompt. In every case the client drops calls that were not allowed.
   */
  toolChoice: 'honoured' | 'ignored' | 'dropsTools';
  /** mlx-lm answers 404 for everything that fails on its side, a model that does not load included. */
  notFound: 'caller_fault' | 'server_fault';
  /** `fixed`: send this name whatever was configured; mlx-lm would download and load any other. */
  modelName: { policy: 'as_configured' } | { policy: 'fixed'; name: string };
  /** `max_tokens` of an answer without a limit; null: the field is left out. */
  tokensUnlimited: number | null;
  /** The page that says whether the server lives. It must cost the server nothing: no inference, no lock. */
  health: { path: string; under: 'root' | 'v1' };
  /**
   * How long the gate stays closed after an abort. Not the time until the server is free, which nobody can ask
   * for without disturbing it: the time after which its own queue (or its batching) takes the rest. Below 1 s, so
   * that a cancel frees the gate in time.
   */
  drain: { decodeMs: number; prefillMs: number };
}

const base: BackendProfile = {
  structuredOutput: 'schema',
  thinkingOff: {},
  markup: standardMarkup,
  toolChoice: 'honoured',
  notFound: 'caller_fault',
  modelName: { policy: 'as_configured' },
  tokensUnlimited: null,
  health: { path: '/models', under: 'v1' },
  drain: { decodeMs: 100, prefillMs: 500 },
};

/** More than any context holds: the servers of MLX stop after a few hundred tokens where nothing is said. */
const manyTokens = 1_000_000;

const templateThinkingOff = { chat_template_kwargs: { enable_thinking: false } };

export const profiles: Readonly<Record<BackendKind, BackendProfile>> = {
  ollama: {
    ...base,
    thinkingOff: { reasoning_effort: 'none' },
    toolChoice: 'ignored',
    health: { path: '/api/version', under: 'root' },
  },
  // Measured: in decode the slot is free after 25 to 50 ms, in prefill after the current batch.
  'llama.cpp': {
    ...base,
    thinkingOff: templateThinkingOff,
    health: { path: '/health', under: 'root' },
    drain: { decodeMs: 60, prefillMs: 500 },
  },
  // Batches the next request with the dying one for two tokens at most: no reason to wait longer.
  'mlx-lm': {
    ...base,
    structuredOutput: 'none',
    thinkingOff: templateThinkingOff,
    toolChoice: 'ignored',
    notFound: 'server_fault',
    modelName: { policy: 'fixed', name: 'default_model' },
    tokensUnlimited: manyTokens,
    health: { path: '/health', under: 'root' },
    drain: { decodeMs: 100, prefillMs: 250 },
  },
  'mlx-vlm': {
    ...base,
    thinkingOff: { enable_thinking: false },
    tokensUnlimited: manyTokens,
    toolChoice: 'dropsTools',
    health: { path: '/health', under: 'root' },
  },
  // Ends its prompt processing before it looks at a vanished client.
  'lm-studio': { ...base, drain: { decodeMs: 100, prefillMs: 900 } },
  vllm: {
    ...base,
    thinkingOff: templateThinkingOff,
    health: { path: '/health', under: 'root' },
    drain: { decodeMs: 20, prefillMs: 50 },
  },
  generic: base,
};
