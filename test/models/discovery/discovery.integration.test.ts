import { describe, expect, onTestFinished, test } from 'vitest';
import { discoverBackends } from '#models/discovery/discovery';
import { startDemoModel } from '#models/demo-model/demo-model';
import { systemClock } from '#shared/clock';
import type { FakePage } from '#test/support/fake-llm';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { fakeLlm } from '../client/backend-fixture.ts';

const models = (...rows: object[]): FakePage => ({ body: { object: 'list', data: rows } });

/** Per kind: the pages that identify it, with the answers of such a server. */
const servers: [kind: string, model: string, pages: Record<string, FakePage>][] = [
  [
    'ollama',
    'gemma3:27b',
    {
      '/api/version': { body: { version: '0.12.0' } },
      '/api/ps': { body: { models: [{ name: 'gemma3:27b' }] } },
      '/api/tags': {
        body: {
          models: [
            { name: 'nomic-embed-text' },
            { name: 'exaone3.5:7.8b' },
            { name: 'gemma3:27b' },
          ],
        },
      },
    },
  ],
  [
    'ollama',
    'exaone3.5:7.8b',
    {
      '/api/version': { body: { version: '0.12.0' } },
      '/api/ps': { body: { models: [] } },
      '/api/tags': { body: { models: [{ name: 'bge-m3' }, { name: 'exaone3.5:7.8b' }] } },
    },
  ],
  [
    'llama.cpp',
    'qwen',
    { '/props': { body: { default_generation_settings: {}, model_alias: 'qwen' } } },
  ],
  [
    'llama.cpp',
    'default',
    {
      '/props': {
        status: 503,
        headers: { server: 'llama.cpp' },
        body: { error: { message: 'Loading model' } },
      },
    },
  ],
  [
    'lm-studio',
    'qwen3-8b',
    {
      '/api/version': { body: { error: 'Unexpected endpoint or method' } },
      '/api/v0/models': models(
        { id: 'text-embedding-nomic', type: 'embeddings', state: 'loaded' },
        { id: 'gemma-3-4b', type: 'llm', state: 'not-loaded' },
        { id: 'qwen3-8b', type: 'llm', state: 'loaded' },
      ),
    },
  ],
  [
    'vllm',
    'Qwen/Qwen3-8B',
    {
      '/version': { body: { version: '0.12.0' } },
      '/v1/models': models({ id: 'Qwen/Qwen3-8B', owned_by: 'vllm' }),
    },
  ],
  [
    'mlx-vlm',
    'mlx-community/qwen',
    {
      '/health': { body: { status: 'healthy', loaded_model: 'mlx-community/qwen' } },
      '/v1/models': models({ id: 'other' }),
    },
  ],
  [
    'mlx-lm',
    'default_model',
    { '/health': { headers: { server: 'BaseHTTP/0.6 Python/3.12.4' }, body: { status: 'ok' } } },
  ],
  [
    'generic',
    'some-model',
    { '/v1/models': models({ id: 'some-embedding' }, { id: 'some-model' }) },
  ],
];

describe('the discovery of model servers', () => {
  test.each(servers)(
    'recognizes a server of the kind %s with the model %s',
    async (kind, model, pages) => {
      const llm = await fakeLlm({ pages });
      const found = await discoverBackends({ ports: [llm.port] });
      expect(found).toMatchObject([
        {
          kind,
          port: llm.port,
          config: {
            id: `${kind.replace('.', '-')}-${llm.port}`,
            baseUrl: llm.baseUrl,
            model,
            kind,
          },
        },
      ]);
      expect(llm.requests).toEqual([]);
    },
  );

  test.each<[string, boolean, Record<string, FakePage>]>([
    [
      'ollama',
      true,
      { ...servers[0]![2], '/api/show': { body: { capabilities: ['completion', 'vision'] } } },
    ],
    ['ollama', false, { ...servers[0]![2], '/api/show': { body: { capabilities: ['tools'] } } }],
    ['ollama', false, servers[0]![2]],
    [
      'llama.cpp',
      true,
      {
        '/props': {
          body: {
            default_generation_settings: {},
            model_alias: 'qwen',
            modalities: { vision: true, audio: false },
          },
        },
      },
    ],
    ['llama.cpp', false, servers[2]![2]],
    [
      'lm-studio',
      true,
      {
        '/api/v0/models': models({ id: 'qwen3-vl', type: 'vlm', state: 'loaded' }),
        '/api/v0/models/qwen3-vl': { body: { id: 'qwen3-vl', type: 'vlm' } },
      },
    ],
    ['vllm', false, servers[5]![2]],
  ])('asks %s whether its model takes pictures: %s', async (kind, vision, pages) => {
    const llm = await fakeLlm({ pages });
    const found = await discoverBackends({ ports: [llm.port] });
    expect(found).toMatchObject([{ kind, config: { vision } }]);
  });

  test('omits a server that is no model server, and a model server without a model', async () => {
    const page = await fakeLlm({ pages: { '/': { body: 'It works!' } } });
    const empty = await fakeLlm({
      pages: { '/api/version': { body: { version: '1' } }, '/api/tags': { body: { models: [] } } },
    });
    expect(await discoverBackends({ ports: [page.port, empty.port] })).toEqual([]);
  });

  test('returns the servers in the order of the ports, without a closed port', async () => {
    const ollama = await fakeLlm({ pages: servers[1]?.[2] ?? {} });
    const vllm = await fakeLlm({ pages: servers[5]?.[2] ?? {} });
    const closed = await fakeLlm();
    await closed.refuse();
    const found = await discoverBackends({ ports: [closed.port, vllm.port, ollama.port] });
    expect(found.map(({ kind }) => kind)).toEqual(['vllm', 'ollama']);
  });

  test('gives up on a server that never answers', async () => {
    const hanging: FakePage = { hangs: true, body: '' };
    const llm = await fakeLlm({ pages: { '/api/version': hanging } });
    expect(await discoverBackends({ ports: [llm.port], timeoutMs: 50 })).toEqual([]);
  });

  test('finds the demo model as a generic server', async () => {
    const practice = await startDemoModel({ clock: systemClock });
    onTestFinished(() => practice.close());
    const port = Number(new URL(practice.config.baseUrl).port);
    const found = await discoverBackends({ ports: [port] });
    expect(found).toMatchObject([{ kind: 'generic', models: ['practice-model'] }]);
  });
});

const prepared = await prepareLlamaServer();

test.skipIf(!prepared.ok)(
  'the discovery recognizes a real llama.cpp server and its model',
  async () => {
    const server = await startLlamaServer({ model: 'tiny', args: ['--alias', 'scripted'] });
    onTestFinished(() => server.stop());
    const found = await discoverBackends({ ports: [Number(new URL(server.baseUrl).port)] });
    expect(found).toMatchObject([{ kind: 'llama.cpp', models: ['scripted'] }]);
  },
);
