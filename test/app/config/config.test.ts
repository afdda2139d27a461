/** The configuration: defaults, environment variables, and errors that name the key, the expected and found value. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { clusterSchema } from '#app/config/cluster-settings';
import { configSchema } from '#app/config/config';
import { loadConfig, parseConfig } from '#app/config/load-config';
import { scratchFolder } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const parse = (source: string, env: Record<string, string> = {}) =>
  parseConfig(source, 'gatehouse.yaml', env);

const backend = (more = '') =>
  `backends: [{id: a, baseUrl: "http://127.0.0.1:1234/v1", model: m${more}}]`;

describe('a configuration', () => {
  test('that is empty gives the built-in defaults', () => {
    expect(parse('')).toEqual(configSchema.parse({}));
    expect(parse('').jobs).toMatchObject({
      maxConcurrent: 3,
      heartbeatMs: 4_000,
      confirmTtlMs: 900_000,
    });
  });

  test('expands environment variables, also within texts and lists', () => {
    const config = parse('nats: {password: "${PW}"}\nserver: {apiKeys: ["a-${PW}"]}', { PW: 'x' });
    expect(config.nats.password).toBe('x');
    expect(config.server.apiKeys).toEqual(['a-x']);
  });

  test.each([
    ['server: {prot: 1}', 'server.prot: there is no such key'],
    ['server: {port: high}', 'server.port: expected number, received string, found "high"'],
    [
      'jobs: {maxConcurrent: 0}',
      'jobs.maxConcurrent: Too small: expected number to be >=1, found 0',
    ],
    [
      'timezone: Mars/Olympus',
      'timezone: must be an IANA time zone, such as Asia/Seoul, found "Mars/Olympus"',
    ],
    [backend(', kind: gpt'), 'backends[0].kind'],
    [`${backend()}\nroles: {reasoner: b}`, 'roles.reasoner: expected one of a, found "b"'],
    ['backends: [{id: a, baseUrl: "ftp://x", model: m}]', 'backends[0].baseUrl'],
    ['nats: {token: "${NOPE}"}', 'nats.token: the environment variable NOPE is not set'],
    ['- a\n- list', 'the file: expected object, received array'],
    ['a: [', 'gatehouse.yaml: '],
  ])('with %j is refused with an error that names the key', (source, expected) => {
    expect(() => parse(source)).toThrow(expect.objectContaining({ code: 'GH_CONFIG_INVALID' }));
    expect(() => parse(source)).toThrow(expected);
  });

  const days30 = 30 * 86_400_000;
  const vectors = `baseUrl: "http://127.0.0.1:1/v1", model: m, timeoutMs: ${days30}`;
  test.each([
    ['backends[0].timeoutsMs.total', backend(`, timeoutsMs: {total: ${days30}}`)],
    ['jobs.heartbeatMs', `jobs: {heartbeatMs: ${days30}}`],
    ['jobs.toolTimeoutMs', `jobs: {toolTimeoutMs: ${days30}}`],
    ['drafts.intervalMs', `drafts: {intervalMs: ${days30}}`],
    ['search.embeddings.timeoutMs', `search: {embeddings: {${vectors}}}`],
    ['synology.minIntervalMs', `synology: {minIntervalMs: ${days30}}`],
  ])(
    'with %s above the maximum of a timer is refused, because the timer would fire at once',
    (key, source) => {
      expect(() => parse(source)).toThrow(
        `${key}: must be 2147483647 (24.8 days) at most, found ${days30}`,
      );
    },
  );

  test('accepts longer times for keys that are not used as the delay of a timer', () => {
    const config = parse(`jobs: {confirmTtlMs: ${days30}}\ngates: {agingMs: ${days30}}`);
    expect([config.jobs.confirmTtlMs, config.gates.agingMs]).toEqual([days30, days30]);
  });

  test('with a secret of a wrong type is refused without printing the secret', () => {
    expect(() => parse('nats: {password: 12345678}')).toThrow(
      /^gatehouse\.yaml: nats\.password: expected string, received number, found a number; quote it \(line 1\)$/,
    );
  });

  test('is read from the file of the argument or of GATEHOUSE_CONFIG; a missing file is named in the error', () => {
    const scratch = scratchFolder();
    const path = join(scratch.path, 'mine.yaml');
    writeFileSync(path, 'server: {port: 4242}');
    expect(loadConfig(path, {}).config.server.port).toBe(4242);
    expect(loadConfig(undefined, { GATEHOUSE_CONFIG: path }).file).toBe(path);
    expect(() => loadConfig(join(scratch.path, 'gone.yaml'), {})).toThrow(
      'gone.yaml: cannot be read',
    );
    scratch.remove();
  });
});

describe('the published configuration files', () => {
  test('contain every key with its default in gatehouse.example.yaml', () => {
    const source = readFileSync(join(projectRoot, 'gatehouse.example.yaml'), 'utf8');
    expect(parse(source)).toEqual(configSchema.parse({}));
    for (const [name, section] of Object.entries(configSchema.parse({}))) {
      expect(source).toContain(`\n${name}:`);
      if (typeof section !== 'object' || section === null || Array.isArray(section)) continue;
      for (const key of Object.keys(section))
        expect(source, `${name}.${key}`).toMatch(new RegExp(`\\b${key}:`));
    }
    const [, cluster = ''] = source.match(/^#\s+cluster: (\{.*\})$/m) ?? [];
    expect(parseYaml(cluster)).toEqual(clusterSchema.parse({}));
  });

  test('contain the schema of the program in docs/gatehouse.schema.json', () => {
    const made = `${JSON.stringify(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }), null, 2)}\n`;
    const path = join(projectRoot, 'docs', 'gatehouse.schema.json');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, made);
    expect(readFileSync(path, 'utf8'), 'run: UPDATE_DOCS=1 npx vitest run test/app/config').toBe(
      made,
    );
  });
});
