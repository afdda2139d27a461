/**
 * Tests about the tree itself: which folder may import which, and who may import a vendor.
 * The table is the dependency rule of ARCHITECTURE.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Folder → the folders of ours that it may import. */
const layers: Record<string, string[]> = {
  machines: [],
  'src/lib': [],
  'src/contract': ['machines', 'src/lib'],
  'src/config': ['src/contract', 'src/lib'],
  'src/store': ['machines', 'src/contract', 'src/lib'],
  'src/backends': ['machines', 'src/contract', 'src/lib'],
  'src/routing': ['machines', 'src/contract', 'src/lib'],
  'src/tools': ['machines', 'src/contract', 'src/lib'],
  'src/documents': ['machines', 'src/contract', 'src/lib', 'src/store'],
  'src/messaging': ['machines', 'src/contract', 'src/lib'],
  'src/journal': ['machines', 'src/contract', 'src/lib', 'src/store'],
  'src/assistant': [
    'machines',
    'src/contract',
    'src/lib',
    'src/store',
    'src/journal',
    'src/routing',
  ],
  'src/telemetry': ['src/contract', 'src/lib'],
  'src/http': ['machines', 'src/contract', 'src/lib'],
  'src/inspector': ['machines', 'src/contract', 'src/lib', 'src/store', 'src/journal'],
  'src/fake-dsm': ['src/lib'],
  'src/bridge': ['machines', 'src/contract', 'src/lib'],
};
/** The composition roots put the parts together and may import all of them. */
const compositionRoots = ['src/cli', 'src/core'];

/** Vendor package → the folders that may import it. */
const vendorBoundaries: Record<string, string[]> = {
  'better-sqlite3': ['src/store'],
  kysely: ['src/store'],
  'sqlite-vec': ['src/store'],
  nats: ['src/messaging'],
  '@nats-io/jetstream': ['src/messaging'],
  pino: ['src/lib'],
  'pino-pretty': ['src/lib'],
  undici: ['src/backends'],
  'eventsource-parser': ['src/backends', 'src/cli'],
  yaml: ['src/config'],
  ulid: ['src/lib'],
  fastify: ['src/http', 'src/inspector'],
  elkjs: ['src/inspector'],
  ws: ['src/inspector'],
  jsonrepair: ['src/lib'],
  tsdav: ['src/tools'],
  'ical.js': ['src/tools'],
  imapflow: ['src/tools'],
  '@xstate/store': ['src/backends'],
  'prom-client': ['src/core'],
  '@opentelemetry/api': ['src/telemetry'],
  '@opentelemetry/sdk-trace': ['src/telemetry'],
  '@opentelemetry/resources': ['src/telemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/telemetry'],
  selfsigned: ['src/fake-dsm'],
  unpdf: ['src/bridge'],
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

function layerOf(file: string): string {
  return file.startsWith('machines') ? 'machines' : file.split('/').slice(0, 2).join('/');
}

const files = [...sources('machines'), ...sources('src')];

describe('the tree', () => {
  test('has source files to check', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(files)('%s imports only what its layer may', (file) => {
    const layer = layerOf(file);
    const wrong: string[] = [];
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) {
        const target = layerOf(relative(root, normalize(join(root, dirname(file), name))));
        if (target === layer || compositionRoots.includes(layer)) continue;
        if (!layers[layer]?.includes(target)) wrong.push(name);
      } else {
        const door =
          vendorBoundaries[
            name
              .split('/')
              .slice(0, name.startsWith('@') ? 2 : 1)
              .join('/')
          ];
        if (door && !door.includes(layer)) wrong.push(name);
        if (layer === 'machines' && name !== 'xstate') wrong.push(name);
      }
    }
    expect(wrong).toEqual([]);
  });
});
