/**
 * Finds the model servers of this machine when none are configured: asks the usual ports on loopback what answers
 * there. It never leaves loopback, never sends anything but small GETs, and gives up on a port after a moment.
 *
 * What tells the kinds apart is in the order of the checks, from the page only one kind has to what all have.
 */
import type { Agent } from 'undici';
import { defaultTimeoutsMs, type BackendConfig, type BackendKind } from './backend-config.ts';
import { createAgent } from './exchange.ts';
import { readPage, type SmallPage } from './small-page.ts';

/** Ollama, llama.cpp and mlx, mlx, LM Studio, vLLM, and the ports that mlx users take beside them. */
export const usualPorts: readonly number[] = [11434, 8080, 8081, 1234, 8000, 8800, 8801];

/** On loopback a page takes milliseconds; a server that is busy loading a model may need a moment. */
const PAGE_TIMEOUT_MS = 1_000;

export interface DiscoveryOptions {
  /** Default: the usual ports. In this order, too, are the results. */
  ports?: readonly number[];
  /** Per page. Default 1 s. */
  timeoutMs?: number;
}

export interface FoundServer {
  kind: BackendKind;
  port: number;
  /** All that the server offers for chat; the first is the one to use. */
  models: string[];
  config: BackendConfig;
}

type Fields = Record<string, unknown>;
type Read = (path: string) => Promise<SmallPage>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const rows = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : []);

const names = (list: Fields[], field: string): string[] =>
  list.map((row) => row[field]).filter((name): name is string => typeof name === 'string');

/** The JSON object of a page that was there; null otherwise. */
const found = (page: SmallPage): Fields | null =>
  page.ok && page.status === 200 && page.json !== null ? fields(page.json) : null;

/** Embedding models answer no chat; their names say what they are. */
const forChat = (model: string): boolean => !/embed|bge-|rerank|whisper|minilm/i.test(model);

const unique = (list: string[]): string[] => [...new Set(list)].filter(forChat);

interface Identity {
  kind: BackendKind;
  models: string[];
}

async function asOllama(read: Read): Promise<Identity | null> {
  const version = found(await read('/api/version'));
  if (typeof version?.['version'] !== 'string') return null;
  const [loaded, all] = await Promise.all([read('/api/ps'), read('/api/tags')]);
  const list = [found(loaded), found(all)].flatMap((page) => rows(page?.['models']));
  return { kind: 'ollama', models: unique(names(list, 'name')) };
}

/** While it loads its model, llama.cpp answers every page with 503; its name is in the header all the same. */
async function asLlamaCpp(read: Read): Promise<Identity | null> {
  const page = await read('/props');
  const props = found(page);
  const named = page.ok && page.server === 'llama.cpp';
  if (!named && !props?.['default_generation_settings']) return null;
  const list = rows(found(await read('/v1/models'))?.['data']);
  const alias = props?.['model_alias'];
  const models = typeof alias === 'string' && alias !== '' ? [alias] : names(list, 'id');
  return { kind: 'llama.cpp', models: models.length > 0 ? models : ['default'] };
}

async function asLmStudio(read: Read): Promise<Identity | null> {
  const list = rows(found(await read('/api/v0/models'))?.['data']);
  if (!list.some((row) => 'state' in row && 'type' in row)) return null;
  const usable = list.filter((row) => row['type'] === 'llm' || row['type'] === 'vlm');
  const loaded = usable.filter((row) => row['state'] === 'loaded');
  return { kind: 'lm-studio', models: unique(names([...loaded, ...usable], 'id')) };
}

async function asVllm(read: Read): Promise<Identity | null> {
  const version = found(await read('/version'));
  if (typeof version?.['version'] !== 'string') return null;
  const list = rows(found(await read('/v1/models'))?.['data']);
  if (!list.some((row) => row['owned_by'] === 'vllm')) return null;
  return { kind: 'vllm', models: names(list, 'id') };
}

/** Both mlx servers say `status` on /health; only mlx-vlm says there which model it has loaded. */
async function asMlx(read: Read): Promise<Identity | null> {
  const page = await read('/health');
  const health = found(page);
  if (!page.ok || typeof health?.['status'] !== 'string') return null;
  const loaded = health['loaded_model'];
  if ('loaded_model' in health) {
    const list = rows(found(await read('/v1/models'))?.['data']);
    const first = typeof loaded === 'string' ? [loaded] : [];
    return { kind: 'mlx-vlm', models: unique([...first, ...names(list, 'id')]) };
  }
  // mlx-lm runs on Python's own server. Its list of models is slow, and it must not be sent any other name.
  if (!/^BaseHTTP/i.test(page.server)) return null;
  return { kind: 'mlx-lm', models: ['default_model'] };
}

async function asGeneric(read: Read): Promise<Identity | null> {
  const list = rows(found(await read('/v1/models'))?.['data']);
  return list.length > 0 ? { kind: 'generic', models: unique(names(list, 'id')) } : null;
}

const checks = [asOllama, asLlamaCpp, asLmStudio, asVllm, asMlx, asGeneric];

async function identify(read: Read): Promise<Identity | null> {
  for (const check of checks) {
    const identity = await check(read);
    if (identity) return identity;
  }
  return null;
}

async function look(port: number, agent: Agent, timeoutMs: number): Promise<FoundServer | null> {
  const root = `http://127.0.0.1:${port}`;
  const read: Read = (path) => readPage(root + path, { agent, timeoutMs });
  // One page decides whether it is worth to go on: nothing listens on most of the ports.
  const first = await read('/api/version');
  if (!first.ok) return null;
  const identity = await identify((path) =>
    path === '/api/version' ? Promise.resolve(first) : read(path),
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
      concurrency: 1,
      statusUrl: null,
      apiKey: null,
      timeoutsMs: defaultTimeoutsMs,
    },
  };
}

/** The servers that answer, in the order of the ports. A server without a model to chat with is left out. Never rejects. */
export async function discoverBackends(options: DiscoveryOptions = {}): Promise<FoundServer[]> {
  const { ports = usualPorts, timeoutMs = PAGE_TIMEOUT_MS } = options;
  const agent = createAgent(timeoutMs);
  try {
    const looks = await Promise.all(ports.map((port) => look(port, agent, timeoutMs)));
    return looks.filter((server) => server !== null);
  } finally {
    await agent.destroy();
  }
}
