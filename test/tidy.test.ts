/**
 * The structure of the source tree: which folder may import which, which folders may import a package, no import cycle,
 * and which tests may use the network. The tables are the dependency rules of ARCHITECTURE.md.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Folder of src (or machines) → the folders that it may import. Type imports count. */
const layers: Record<string, string[]> = {
  machines: [],
  shared: ['machines'],
  simulators: ['shared'],
  storage: ['shared'],
  language: ['machines', 'shared'],
  models: ['machines', 'shared'],
  http: ['machines', 'shared'],
  channels: ['machines', 'shared', 'storage'],
  events: ['machines', 'shared', 'storage'],
  cluster: ['machines', 'shared', 'storage', 'models'],
  library: ['machines', 'shared', 'storage'],
  tools: ['machines', 'shared', 'storage', 'language'],
  mcp: ['machines', 'shared', 'language', 'library', 'tools'],
  schedules: ['machines', 'shared', 'storage'],
  memory: ['machines', 'shared', 'storage', 'language', 'library'],
  sessions: ['shared', 'storage'],
  ask: ['machines', 'shared', 'language'],
  jobs: ['machines', 'shared', 'storage', 'language', 'ask'],
  inspector: ['machines', 'shared', 'http', 'jobs'],
  observability: ['machines', 'shared', 'storage', 'models', 'http', 'tools', 'events', 'jobs'],
  // The composition roots put the parts together.
  app: 'machines shared storage language models cluster http channels events library tools mcp ask schedules memory sessions jobs inspector observability'.split(
    ' ',
  ),
  doctor: 'machines shared storage models http channels events library tools mcp app'.split(' '),
  cli: 'machines shared storage language http library tools mcp inspector simulators app doctor'.split(
    ' ',
  ),
};

/** Package → where it may be imported: a folder with all that is below it. */
const vendorBoundaries: Record<string, string[]> = {
  'better-sqlite3': ['src/storage', 'src/*/store', 'src/tools/calendar/store'],
  kysely: ['src/storage', 'src/*/store', 'src/tools/calendar/store'],
  'sqlite-vec': ['src/library/store'],
  pg: ['src/storage/postgres'],
  nats: ['src/events'],
  '@nats-io/jetstream': ['src/events'],
  pino: ['src/shared'],
  'pino-pretty': ['src/shared'],
  undici: ['src/models'],
  'eventsource-parser': ['src/http/client'],
  yaml: ['src/app/config'],
  ulid: ['src/shared'],
  fastify: ['src/http', 'src/inspector/server'],
  'fastify-type-provider-zod': ['src/http/server'],
  elkjs: ['src/inspector/charts'],
  ws: ['src/inspector/server'],
  jsonrepair: ['src/shared/text'],
  tsdav: ['src/tools/calendar'],
  'ical.js': ['src/tools/calendar'],
  imapflow: ['src/tools/email'],
  'windows-iana': ['src/tools/calendar'],
  '@modelcontextprotocol/client': ['src/mcp'],
  '@modelcontextprotocol/server': ['src/http/mcp'],
  croner: ['src/schedules'],
  '@xstate/store': ['src/models'],
  'prom-client': ['src/observability/metrics'],
  '@opentelemetry/api': ['src/observability/tracing'],
  '@opentelemetry/sdk-trace': ['src/observability/tracing'],
  '@opentelemetry/resources': ['src/observability/tracing'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/observability/tracing'],
  selfsigned: ['src/simulators'],
  grammy: ['src/channels/telegram'],
  unpdf: ['src/channels/inbox'],
  uqr: ['src/shared'],
  preact: ['src/*/page', 'src/simulators/*/page'],
  htm: ['src/shared/page'],
};

/** What a unit test may not load outside src: it needs no network, no other process, no browser. */
const networkModule =
  /^(?:node:(?:http|https|net|tls|dgram)|nats|ws|fastify|openai|ai|playwright-core|undici|imapflow|nodemailer|ioredis)$/;

const typescriptFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));

interface Import {
  name: string;
  /** The file of this project; null for a package. */
  target: string | null;
  isType: boolean;
}

const statement =
  /^(?:import|export) (?<type>type )?[^;']*?from '(?<name>[^']+)'|\bimport\(\s*'(?<dynamic>[^']+)'/gms;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(statement)].map(({ groups = {} }) => {
    const name = groups['name'] ?? groups['dynamic'] ?? '';
    return { name, target: targetOf(file, name), isType: groups['type'] !== undefined };
  });
}

function targetOf(file: string, name: string): string | null {
  if (name.startsWith('.')) return normalize(join(dirname(file), name));
  if (!name.startsWith('#')) return null;
  const path = `${name.slice(1)}.ts`;
  return /^(?:machines|test)\//.test(path) ? path : `src/${path}`;
}

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

const folderOf = (file: string): string => {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second : top;
};

const isBelow = (file: string, folder: string): boolean =>
  new RegExp(`^${folder.replace('*', '[^/]+')}/`).test(file);

const sources = [...typescriptFiles('machines'), ...typescriptFiles('src')];
const tests = typescriptFiles('test').filter((file) => file.endsWith('.test.ts'));
const imports = new Map(
  [...sources, ...typescriptFiles('test')].map((file) => [file, importsOf(file)]),
);

describe('the source tree', () => {
  test('has files to check, and a row for each folder', () => {
    expect(sources.length).toBeGreaterThan(400);
    expect([...new Set(sources.map(folderOf))].sort()).toEqual(Object.keys(layers).sort());
  });

  test.each(sources)('%s imports only folders and packages that its folder may import', (file) => {
    const folder = folderOf(file);
    const wrong = importsOf(file).filter(({ name, target }) => {
      if (target !== null) {
        const other = folderOf(target);
        // Relative within a folder, from # across folders.
        if (name.startsWith('.') !== (other === folder)) return true;
        return other !== folder && !layers[folder]?.includes(other);
      }
      if (folder === 'machines') return name !== 'xstate';
      const allowed = vendorBoundaries[packageOf(name)];
      return allowed !== undefined && !allowed.some((place) => isBelow(file, place));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('imports files that exist', () => {
    const missing = [...imports].flatMap(([file, list]) =>
      list
        .filter(({ target }) => target !== null && !existsSync(join(root, target)))
        .map(({ name }) => `${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('has no import cycle, type imports counted', () => {
    expect(importCycles()).toEqual([]);
  });
});

/** One path per cycle found by depth-first search. */
function importCycles(): string[] {
  const finished = new Set<string>();
  const path: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    if (finished.has(file)) return;
    const at = path.indexOf(file);
    if (at !== -1) {
      found.push([...path.slice(at), file].join(' → '));
      return;
    }
    path.push(file);
    for (const { target } of imports.get(file) ?? []) if (target !== null) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return found;
}

describe('the bridge', () => {
  const isShared = (file: string): boolean =>
    /^src\/channels\/(?:[^/]+|(?:inbox|outbox|store)\/[^/]+)$/.test(file);
  const shared = sources.filter(isShared);

  test('has files for every chat, and a folder for each chat', () => {
    expect(shared.length).toBeGreaterThan(20);
    const folders = sources.filter((file) => isBelow(file, 'src/channels') && !isShared(file));
    const chats = new Set(folders.map((file) => file.split('/')[2]));
    expect(chats).toEqual(new Set(['synology', 'telegram']));
  });

  test.each([...shared, 'machines/delivery.ts'])('%s knows no chat', (file) => {
    const targets = importsOf(file).flatMap(({ target }) => target ?? []);
    const ofChats = targets.filter((to) => isBelow(to, 'src/channels') && !isShared(to));
    const words =
      readFileSync(join(root, file), 'utf8').match(/synology|telegram|dsm|\bNAS\b/i) ?? [];
    // The column of learned post limits keeps its name.
    expect([...ofChats, ...words].filter((found) => found !== 'nas')).toEqual([]);
  });

  test('loads a chat only where its line and its section are', () => {
    const importers = sources.filter(
      (file) =>
        !isBelow(file, 'src/channels') &&
        importsOf(file).some(({ name }) => /^#channels\/(?!inbox|outbox|store)[^/]+\//.test(name)),
    );
    expect(importers.sort()).toEqual(['src/app/channels.ts', 'src/app/config/config.ts']);
  });
});

describe('a unit test', () => {
  const isUnit = (file: string): boolean => !/\.(?:integration|e2e|chaos)\.test\.ts$/.test(file);

  test.each(tests.filter(isUnit))('%s loads no network module outside src', (file) => {
    const reached = new Set<string>();
    const network: string[] = [];
    const visit = (from: string): void => {
      if (reached.has(from)) return;
      reached.add(from);
      for (const { name, target, isType } of imports.get(from) ?? []) {
        if (isType) continue;
        if (networkModule.test(name)) network.push(`${from}: ${name}`);
        if (target?.startsWith('test/') === true) visit(target);
      }
    };
    visit(file);
    expect(network).toEqual([]);
  });
});
