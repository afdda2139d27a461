/**
 * Dockerfile and docker-compose.yml, as far as they can be checked without a container engine: the named files exist,
 * the commands work, and no container has more rights than it needs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { commands } from '#cli/commands';
import { overviewOf } from '#cli/help';
import { parseConfig } from '#app/config/load-config';
import { openCore } from '#test/support/core';
import { projectRoot } from '#test/support/project-root';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

interface Service {
  image?: string;
  build?: string;
  user?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  profiles?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string; required?: boolean }>;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const composeText = read('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);
const env = Object.fromEntries(
  [...read('deploy/docker/env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name!,
    value!,
  ]),
);

/** Values that must have a certain form. */
const forms: Record<string, string> = {
  SYNOLOGY_URL: 'https://nas.example/x?token=%22t%22',
  TELEGRAM_TOKEN: '700:p0',
  TELEGRAM_USER_IDS: '4,5',
};

describe('docker-compose.yml', () => {
  test('has the broker and the core, and as optional services the bridges, a database and a model server', () => {
    expect(services.map(([name]) => name).sort()).toEqual([
      'bridge',
      'core',
      'nats',
      'ollama',
      'postgres',
      'telegram',
    ]);
    const optional = services.filter(([, { profiles }]) => profiles !== undefined);
    expect(optional.map(([name]) => name).sort()).toEqual([
      'bridge',
      'ollama',
      'postgres',
      'telegram',
    ]);
  });

  test('takes only variables of env.example, and env.example has no secret', () => {
    const taken = [...composeText.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name!);
    expect(taken.filter((name) => !(name in env))).toEqual([]);
    for (const [name, value] of Object.entries(env)) {
      if (/PASSWORD|KEY|TOKEN/.test(name)) expect(value, name).toBe('');
    }
  });

  test('mounts only existing files and declared volumes', () => {
    const mounts = services.flatMap(([, service]) => service.volumes ?? []);
    const sources = mounts.map((mount) => mount.split(':')[0]!);
    for (const source of sources.filter((one) => one.startsWith('.'))) {
      expect(existsSync(join(projectRoot, source)), source).toBe(true);
    }
    const named = sources.filter((one) => !one.startsWith('.'));
    expect([...new Set(named)].sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  test('gives no container new rights or a public port, and its own images run read-only as a normal user', () => {
    for (const [name, service] of services) {
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
      for (const port of service.ports ?? []) {
        expect(port, name).toMatch(/^(127\.0\.0\.1|\$\{BRIDGE_LISTEN:-127\.0\.0\.1\}):/);
      }
      if (name === 'ollama') continue;
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
    for (const [name, { user }] of ours) expect(user, name).toBe('node');
  });

  test('starts a service only after the services that it needs report that they are healthy', () => {
    const dockerfileHasCheck = read('Dockerfile').includes('HEALTHCHECK');
    for (const [name, service] of services) {
      const isChecked = service.healthcheck !== undefined || service.build !== undefined;
      expect(isChecked && dockerfileHasCheck, name).toBe(true);
      for (const [other, { condition, required }] of Object.entries(service.depends_on ?? {})) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[other], other).toBeDefined();
        // Without its profile an optional service is not started.
        const isOptional = compose.services[other]?.profiles !== undefined;
        expect(required ?? true, other).toBe(!isOptional);
      }
    }
  });

  test.each(ours)('runs %s with an existing command and a valid configuration', (_, service) => {
    expect(overviewOf(commands)).toContain(`  ${service.command!.join(' ')}`);
    const given = Object.keys(service.environment ?? {});
    const file = service.environment!['GATEHOUSE_CONFIG']!;
    const names = file.includes('core')
      ? ['core.yaml', 'core-ollama.yaml', 'core-postgres.yaml']
      : [file.replace('/etc/gatehouse/', '')];
    for (const name of names) {
      const values = Object.fromEntries(given.map((key) => [key, forms[key] ?? 'p0']));
      const config = parseConfig(read(`deploy/docker/${name}.example`), name, values);
      const isPostgres = name === 'core-postgres.yaml';
      if (isPostgres) {
        expect(config.database).toMatchObject({
          url: 'postgres://gatehouse@postgres/gatehouse',
          password: 'p0',
        });
      }
      expect(config.nats).toMatchObject({
        mode: 'external',
        url: 'nats://nats:4222',
        password: 'p0',
      });
    }
  });
});

describe('Dockerfile', () => {
  const text = read('Dockerfile').replaceAll(/\\\n/g, ' ');
  const ignored = read('.dockerignore');

  test('copies only existing files that .dockerignore lets through', () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
      sources!.split(' '),
    );
    expect(copied).toContain('src');
    for (const source of copied) {
      expect(existsSync(join(projectRoot, source)), source).toBe(true);
      expect(ignored, source).toContain(`!${source.split('/')[0]}\n`);
    }
    expect(ignored).toMatch(/^\*$/m);
  });

  test('starts the command serve as a user other than root', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^USER node$/m);
    expect(last.indexOf('USER node')).toBeGreaterThan(last.lastIndexOf('RUN '));
    expect(last).toMatch(/^ENTRYPOINT \["gatehouse"\]$/m);
    expect(last).toMatch(/^CMD \["serve"\]$/m);
  });

  test('has a health check that succeeds for a running core and fails for a stopped one', async () => {
    const [, json = '[]'] = /HEALTHCHECK .*CMD (\[.*\])$/m.exec(text) ?? [];
    const [program, ...args] = JSON.parse(json) as string[];
    expect(program).toBe('node');
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const port = new URL(fixture.core.url).port;
    const check = async (HEALTH_PORT: string): Promise<number | null> => {
      const { spawn } = await import('node:child_process');
      const child = spawn(process.execPath, args, { env: { ...process.env, HEALTH_PORT } });
      return new Promise((resolve) => child.once('exit', resolve));
    };
    expect(await check(port)).toBe(0);
    await fixture.core.stop();
    expect(await check(port)).toBe(1);
  });
});

const compositor =
  spawnSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 20_000 }).status === 0;
test.skipIf(!compositor)(
  'docker-compose.yml is accepted by docker compose (skipped without it)',
  () => {
    const filled = Object.fromEntries(Object.keys(env).map((name) => [name, env[name] || 'p0']));
    const result = spawnSync('docker', ['compose', '--profile', '*', 'config', '--quiet'], {
      cwd: projectRoot,
      env: { ...process.env, ...filled, COMPOSE_PROFILES: 'synology,ollama' },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  },
);
