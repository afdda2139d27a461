/**
 * Discovers the model servers of this machine when none are configured: probes the usual ports on loopback. It never
 * leaves loopback, sends only small reads, and gives up on a port after a short timeout.
 *
 * The kinds are distinguished by the order of the detectors, from a page that only one kind has to a page that all
 * have.
 */
import type { Agent } from 'undici';
import { defaultTimeoutsMs, type BackendConfig } from '../backend-config.ts';
import type { BackendKind } from '../client/server-profiles.ts';
import { createHttpAgent } from '../client/model-http.ts';
import { readVision } from './read-vision.ts';
import { fetchBounded, type BoundedResponse } from '../client/bounded-get.ts';

/** Ollama, llama.cpp and mlx, mlx, LM Studio, vLLM, and two further ports that mlx users choose. */
export const usualPorts: readonly number[] = [11434, 8080, 8081, 1234, 8000, 8800, 8801];

/** On loopback a page takes milliseconds; a server that is loading a model may need longer. */
const defaultPageTimeoutMs = 1_000;

export interface DiscoveryOptions {
  /** Default: the usual ports. The results have the same order. */
  ports?: readonly number[];
  /** Timeout per page, ms. Default 1 s. */
  timeoutMs?: number;
}

export interface DiscoveredServer {
  kind: BackendKind;
  port: number;
  /** All chat models of the server; the first is the default. */
  models: string[];
  config: BackendConfig;
}

type Fields = Record<string, unknown>;
type GetPath = (path: string) => Promise<BoundedResponse>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const rows = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : []);

const names = (list: Fields[], field: string): string[] =>
  list.map((row) => row[field]).filter((name): name is string => typeof name === 'string');

/** The JSON object of a page with status 200; otherwise null. */
const jsonObjectOf = (page: BoundedResponse): Fields | null =>
  page.ok && page.status === 200 && page.json !== null ? fields(page.json) : null;

/** Whether a model can chat: embedding models cannot, and are recognized by name. */
const forChat = (model: string): boolean => !/embed|bge-|rerank|whisper|minilm/i.test(model);

const unique = (list: string[]): string[] => [...new Set(list)].filter(forChat);

interface Identity {
  kind: BackendKind;
  models: string[];
}

async function detectOllama(get: GetPath): Promise<Identity | null> {
  const version = jsonObjectOf(await get('/api/version'));
  if (typeof version?.['version'] !== 'string') return null;
  const [loaded, all] = await Promise.all([get('/api/ps'), get('/api/tags')]);
  const list = [jsonObjectOf(loaded), jsonObjectOf(all)].flatMap((page) => rows(page?.['models']));
  return { kind: 'ollama', models: unique(names(list, 'name')) };
}

/** While it loads its model, llama.cpp answers every page with 503; the `server` header still identifies it. */
async function detectLlamaCpp(get: GetPath): Promise<Identity | null> {
  const page = await get('/props');
  const props = jsonObjectOf(page);
  const named = page.ok && page.server === 'llama.cpp';
  if (!named && !props?.['default_generation_settings']) return null;
  const list = rows(jsonObjectOf(await get('/v1/models'))?.['data']);
  const alias = props?.['model_alias'];
  const models = typeof alias === 'string' && alias !== '' ? [alias] : names(list, 'id');
  return { kind: 'llama.cpp', models: models.length > 0 ? models : ['default'] };
}

async function detectLmStudio(get: GetPath): Promise<Identity | null> {
  const list = rows(jsonObjectOf(await get('/api/v0/models'))?.['data']);
  if (!list.some((row) => 'state' in row && 'type' in row)) return null;
  const usable = list.filter((row) => row['type'] === 'llm' || row['type'] === 'vlm');
  const loaded = usable.filter((row) => row['state'] === 'loaded');
  return { kind: 'lm-studio', models: unique(names([...loaded, ...usable], 'id')) };
}

async function detectVllm(get: GetPath): Promise<Identity | null> {
  const version = jsonObjectOf(await get('/version'));
  if (typeof version?.['version'] !== 'string') return null;
  const list = rows(jsonObjectOf(await get('/v1/models'))?.['data']);
  if (!list.some((row) => row['owned_by'] === 'vllm')) return null;
  return { kind: 'vllm', models: names(list, 'id') };
}

/** Both mlx servers return `status` on /health; only mlx-vlm also returns its loaded model. */
async function detectMlx(get: GetPath): Promise<Identity | null> {
  const page = await get('/health');
  const health = jsonObjectOf(page);
  if (!page.ok || typeof health?.['status'] !== 'string') return null;
  const loaded = health['loaded_model'];
  if ('loaded_model' in health) {
    const list = rows(jsonObjectOf(await get('/v1/models'))?.['data']);
    const first = typeof loaded === 'string' ? [loaded] : [];
    return { kind: 'mlx-vlm', models: unique([...first, ...names(list, 'id')]) };
  }
  // mlx-lm runs on Python's own server. Its model list is slow, and requests must not use any other model name.
  if (!/^BaseHTTP/i.test(page.server)) return null;
  return { kind: 'mlx-lm', models: ['default_model'] };
}

async function detectGeneric(get: GetPath): Promise<Identity | null> {
  const list = rows(jsonObjectOf(await get('/v1/models'))?.['data']);
  return list.length > 0 ? { kind: 'generic', models: unique(names(list, 'id')) } : null;
}

const detectors = [
  detectOllama,
  detectLlamaCpp,
  detectLmStudio,
  detectVllm,
  detectMlx,
  detectGeneric,
];

async function identify(get: GetPath): Promise<Identity | null> {
  for (const detect of detectors) {
    const identity = await detect(get);
    if (identity) return identity;
  }
  return null;
}

async function inspectPort(
  port: number,
  agent: Agent,
  timeoutMs: number,
): Promise<DiscoveredServer | null> {
  const root = `http://127.0.0.1:${port}`;
  const ask = (path: string, body?: object) =>
    fetchBounded(root + path, { agent, timeoutMs, ...(body === undefined ? {} : { body }) });
  const get: GetPath = (path) => ask(path);
  // The first page decides whether to continue: nothing listens on most of the ports.
  const first = await get('/api/version');
  if (!first.ok) return null;
  const identity = await identify((path) =>
    path === '/api/version' ? Promise.resolve(first) : get(path),
  );
  const model = identity?.models[0];
  if (!identity || model === undefined) return null;
  return {
    ...identity,
    port,
    config: {
      id: `${identity.kind.replaceAll('.', '-')}-${port}`,
      baseUrl: `${root}/v1`,
      model,
      kind: identity.kind,
      vision: (await readVision(identity.kind, model, ask)) ?? false,
      concurrency: 1,
      statusUrl: null,
      apiKey: null,
      timeoutsMs: defaultTimeoutsMs,
    },
  };
}

/** The servers found, in the order of the ports. A server without a chat model is left out. Never rejects. */
export async function discoverBackends(
  options: DiscoveryOptions = {},
): Promise<DiscoveredServer[]> {
  const { ports = usualPorts, timeoutMs = defaultPageTimeoutMs } = options;
  const agent = createHttpAgent(timeoutMs);
  try {
    const servers = await Promise.all(ports.map((port) => inspectPort(port, agent, timeoutMs)));
    return servers.filter((server) => server !== null);
  } finally {
    await agent.destroy();
  }
}
