/**
 * The files for several workers: deploy/cluster (containers), gatehouse@.service and deploy/kubernetes. Checked without
 * an engine: what they name exists, their configurations are valid, and what the servers read is accepted by them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { commands } from '#cli/commands';
import { overviewOf } from '#cli/help';
import { parseConfig } from '#app/config/load-config';
import { folderForTest, natsCommand } from '#test/events/nats-fixture';
import { openCore } from '#test/support/core';
import { postgresMissing, startPostgres } from '#test/support/postgres-server';
import { projectRoot } from '#test/support/project-root';

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');
const variablesOf = (text: string): string[] =>
  [...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name!);

interface Service {
  build?: string;
  user?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  profiles?: string[];
  healthcheck?: object;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  depends_on?: Record<string, { condition: string }>;
}

describe('the compose profile cluster', () => {
  const text = read('deploy', 'cluster', 'compose.yaml');
  const compose = parse(text, { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
  const services = Object.entries(compose.services);
  const workers = services.filter(([name]) => name.startsWith('worker-'));

  test('is part of docker-compose.yml, and starts nothing without the profile', () => {
    expect(parse(read('docker-compose.yml'))).toMatchObject({
      include: ['deploy/cluster/compose.yaml'],
    });
    const main = parse(read('docker-compose.yml'), { merge: true }) as typeof compose;
    for (const [name, { profiles }] of services) {
      expect(profiles, name).toEqual(['cluster']);
      expect(Object.keys(main.services)).not.toContain(name);
    }
    // Compose fills in the variables of all services: one that is required would stop a stack without the profile.
    expect(text).not.toContain(':?');
    const known = read('deploy', 'docker', 'env.example');
    for (const name of variablesOf(text)) expect(known).toMatch(new RegExp(`^${name}=`, 'm'));
  });

  test('has three NATS servers, a primary and a standby, and three workers that wait for them', () => {
    const names = ['nats-1', 'nats-2', 'nats-3', 'primary', 'standby'];
    expect(services.map(([name]) => name)).toEqual([...names, 'worker-1', 'worker-2', 'worker-3']);
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[other]?.healthcheck, other).toBeDefined();
      }
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
    }
    for (const [, worker] of workers)
      expect(Object.keys(worker.depends_on!)).toEqual(['nats-1', 'nats-2', 'nats-3', 'standby']);
  });

  test('mounts existing files and declared volumes, and publishes each worker on loopback only', () => {
    const sources = services
      .flatMap(([, { volumes }]) => volumes ?? [])
      .map((one) => one.split(':')[0]!);
    for (const source of sources.filter((one) => one.startsWith('.')))
      expect(existsSync(join(projectRoot, 'deploy', 'cluster', source)), source).toBe(true);
    const named = sources.filter((one) => !one.startsWith('.'));
    expect(named.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    const taken = [...read('docker-compose.yml').matchAll(/:(81\d\d):/g)].map(([, port]) => port);
    expect(ports).toHaveLength(3);
    expect(new Set(ports).size).toBe(3);
    for (const port of ports) {
      expect(port).toMatch(/^127\.0\.0\.1:\d+:8100$/);
      expect(taken).not.toContain(port.split(':')[1]);
    }
  });

  test.each(workers)('gives %s a valid configuration with a name of its own', (name, worker) => {
    expect(overviewOf(commands)).toContain(`  ${worker.command!.join(' ')}`);
    expect(worker.user).toBe('node');
    const environment = worker.environment!;
    expect(environment['GATEHOUSE_CONFIG']).toBe('/etc/gatehouse/worker.yaml');
    const values = Object.fromEntries(Object.keys(environment).map((key) => [key, 'p0']));
    const config = parseConfig(read('deploy', 'docker', 'worker.yaml.example'), 'worker.yaml', {
      ...values,
      WORKER_ID: environment['WORKER_ID']!,
    });
    expect(config.cluster).toMatchObject({ workerId: name, replicas: 3 });
    expect(config.database).toMatchObject({ url: expect.stringContaining('primary:5432,standby') });
    for (const host of ['nats-1', 'nats-2', 'nats-3'])
      expect(config.nats.url).toContain(`${host}:4222`);
  });

  test.skipIf(natsCommand === null)('has a configuration that nats-server accepts', () => {
    const folder = folderForTest();
    // Known to nats-server from 2.10 on.
    const config = read('deploy', 'cluster', 'nats.conf').replace(/^ *sync_interval: always$/m, '');
    writeFileSync(
      join(folder, 'nats.conf'),
      config.replace('store_dir: /data', 'store_dir: "data"'),
    );
    writeFileSync(join(folder, 'authorization.conf'), read('deploy', 'nats', 'authorization.conf'));
    const names = ['CORE', 'BRIDGE', 'TELEGRAM', 'READER'];
    const passwords = Object.fromEntries(names.map((name) => [`${name}_PASSWORD`, `p-${name}`]));
    const tried = spawnSync(natsCommand!, ['-t', '-c', join(folder, 'nats.conf')], {
      cwd: folder,
      env: { ...process.env, ...passwords, NATS_NAME: 'nats-1' },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(tried.stderr).toContain('is valid');
    expect(read('deploy', 'cluster', 'nats.conf')).toMatch(/^ *sync_interval: always$/m);
  });

  test.skipIf(postgresMissing() !== null)(
    'makes a primary that waits for its standby, with a login for it',
    async () => {
      const server = await startPostgres();
      onTestFinished(() => server.remove());
      const { user, password } = server.role;
      await server.run(`alter role ${user} superuser`);
      const data = join(folderForTest(), 'pgdata');
      mkdirSync(data);
      writeFileSync(join(data, 'pg_hba.conf'), '');
      execFileSync('sh', [join(projectRoot, 'deploy', 'cluster', 'primary.sh')], {
        env: {
          ...process.env,
          PGHOST: '127.0.0.1',
          PGPORT: String(server.port),
          PGPASSWORD: password,
          POSTGRES_USER: user,
          POSTGRES_DB: 'postgres',
          REPLICATION_PASSWORD: "it's",
          PGDATA: data,
        },
        stdio: 'ignore',
      });
      const role = await server.run(
        `select rolreplication, rolcanlogin from pg_roles where rolname = 'replicator'`,
      );
      expect(role.rows).toEqual([{ rolreplication: true, rolcanlogin: true }]);
      await server.run('select pg_reload_conf()');
      const shown = async (): Promise<unknown> =>
        (await server.run('show synchronous_standby_names')).rows;
      await expect.poll(shown).toEqual([{ synchronous_standby_names: 'standby' }]);
      expect(readFileSync(join(data, 'pg_hba.conf'), 'utf8')).toMatch(
        /^host replication replicator/,
      );
      expect(read('deploy', 'cluster', 'standby.sh')).toContain('application_name=standby');
      execFileSync('sh', ['-n', join(projectRoot, 'deploy', 'cluster', 'standby.sh')]);
    },
  );
});

test('the unit gatehouse@ differs from gatehouse.service in its state folder, port and name only', () => {
  const settings = (name: string): string[] =>
    read('deploy', 'systemd', name)
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));
  const [one, template] = [settings('gatehouse.service'), settings('gatehouse@.service')];
  const own = template.filter((line) => !one.includes(line));
  expect(own.map((line) => line.split('=')[0])).toEqual([
    'Description',
    'After',
    'Environment',
    'WorkingDirectory',
    'StateDirectory',
  ]);
  expect(template).toContain('Environment=PORT=%i WORKER_ID=%l-%i');
  const config = `server: {port: '\${PORT}'}
cluster: {workerId: '\${WORKER_ID}'}
database: postgres://a@b/c
nats: {url: 'nats://n:4222'}
backends: [{id: big, baseUrl: 'http://big/v1', model: m}]`;
  const env = { PORT: '8110', WORKER_ID: 'box-8110' };
  expect(parseConfig(config, 'gatehouse.yaml', env)).toMatchObject({
    server: { port: 8110 },
    cluster: { workerId: 'box-8110' },
  });
});

describe('the Kubernetes manifests', () => {
  const text = read('deploy', 'kubernetes', 'gatehouse.yaml');
  const objects = parseAllDocuments(text).map((one) => {
    expect(one.errors).toEqual([]);
    return one.toJS();
  });
  const ofKind = (kind: string) => objects.filter((one) => one.kind === kind);
  const [set] = ofKind('StatefulSet');
  const { spec: pod } = set.spec.template;
  const [container] = pod.containers;

  test('are one configuration, two services, a disruption budget and the workers, with the same labels', () => {
    expect(objects.map(({ kind, apiVersion }) => `${apiVersion} ${kind}`)).toEqual([
      'v1 ConfigMap',
      'v1 Service',
      'v1 Service',
      'policy/v1 PodDisruptionBudget',
      'apps/v1 StatefulSet',
    ]);
    const labels = set.spec.template.metadata.labels;
    expect(set.spec.selector.matchLabels).toEqual(labels);
    expect(ofKind('PodDisruptionBudget')[0].spec).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
    for (const { spec } of ofKind('Service')) expect(spec.selector).toEqual(labels);
    const headless = ofKind('Service').find(({ spec }) => spec.clusterIP === 'None');
    expect(set.spec.serviceName).toBe(headless.metadata.name);
    expect(set.spec.replicas).toBeGreaterThan(1);
  });

  test('mount a valid configuration whose variables the container has, secrets from a Secret only', () => {
    const [map] = ofKind('ConfigMap');
    const mounted = container.volumeMounts.find(({ name }: { name: string }) => name === 'config');
    expect(pod.volumes).toContainEqual({ name: 'config', configMap: { name: map.metadata.name } });
    const env = new Map<string, Record<string, unknown>>(
      container.env.map((one: { name: string }) => [one.name, one]),
    );
    const [file] = Object.keys(map.data);
    expect(env.get('GATEHOUSE_CONFIG')).toMatchObject({ value: `${mounted.mountPath}/${file}` });
    const source = map.data[file!] as string;
    const values = Object.fromEntries([...env.keys()].map((name) => [name, 'gatehouse-0']));
    const config = parseConfig(source, file!, values);
    expect(config.cluster).toMatchObject({ workerId: 'gatehouse-0', replicas: 3 });
    expect(config.server).toMatchObject({
      host: '0.0.0.0',
      port: container.ports[0].containerPort,
    });
    for (const name of variablesOf(source).filter((one) => one !== 'POD_NAME'))
      expect(env.get(name)).toHaveProperty('valueFrom.secretKeyRef.name', 'gatehouse');
    const made = [...text.matchAll(/--from-literal=([a-z-]+)=/g)].map(([, key]) => key);
    const used = [...env.values()].flatMap(
      (one) =>
        (one as { valueFrom?: { secretKeyRef?: { key: string } } }).valueFrom?.secretKeyRef?.key ??
        [],
    );
    expect(new Set(used)).toEqual(new Set(made));
  });

  test('run without rights, with a grace that is longer than that of a worker', () => {
    expect(overviewOf(commands)).toContain(`  ${container.args.join(' ')}`);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    const writable = container.volumeMounts.filter((one: { readOnly?: boolean }) => !one.readOnly);
    expect(writable.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual([
      '/data',
      '/tmp',
    ]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(15);
  });

  test('probe pages that a running core answers without a key', async () => {
    const fixture = await openCore({ server: { port: 0, apiKeys: ['a-key-of-the-operator'] } });
    onTestFinished(() => fixture.close());
    const names = ['startupProbe', 'readinessProbe', 'livenessProbe'];
    expect(names.map((name) => container[name].httpGet.path)).toEqual([
      '/healthz',
      '/healthz/ready',
      '/healthz',
    ]);
    for (const name of names) {
      const { path, port } = container[name].httpGet;
      expect(container.ports.map((one: { name: string }) => one.name)).toContain(port);
      expect((await fetch(`${fixture.core.url}${path}`)).status, name).toBe(200);
    }
  });
});
