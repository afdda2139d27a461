/**
 * The subscribers in examples/: each rebuilds the state of every job and document, over restarts of the core and of the
 * NATS server, with and without a password.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { buildGo } from '#test/support/go-program';
import { hasNatsGo } from '#test/support/nats-go';
import { broker, folderForTest, natsCommand } from '#test/events/nats-fixture';
import { openDrafts, type DraftsFixture } from '#test/library/drafts/drafts-fixture';
import { projectRoot } from '#test/support/project-root';

const examples = join(projectRoot, 'examples');
const memo = (n: number): string => `${n}번째 메모에는 스무 글자가 넘는 내용이 있습니다.`;
/** A Go build, restarts, and the reconnection of a client. */
const subscriberMsMax = 120_000;

/** The Node of the system if there is one: it may be older than that of the project. */
const systemNode =
  spawnSync('/usr/bin/node', ['--version'], { timeout: 20_000 }).status === 0
    ? '/usr/bin/node'
    : null;
const nodes = [process.execPath, ...(systemNode === null ? [] : [systemNode])];

interface Program {
  name: string;
  command(): string[];
}

const programs: Program[] = [
  ...nodes.map((node) => ({
    name: `subscribe.mjs on ${node === process.execPath ? 'our Node' : "the system's Node"}`,
    command: () => [node, join(examples, 'subscribe.mjs')],
  })),
  ...(hasNatsGo()
    ? [{ name: 'subscribe.go', command: () => [buildGo(join('go', 'subscribe.go'))] }]
    : []),
];

interface Rebuilt {
  jobs: Record<string, { seq: number; type: string; state: string }>;
  documents: Rebuilt['jobs'];
}

interface Subscriber {
  lines(): string[];
  /** Ends it as Ctrl-C does, and reads its last output. */
  end(): Promise<Rebuilt>;
}

function start([program = '', ...args]: string[], env: Record<string, string>): Subscriber {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const closed = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const lines = (): string[] => out.trimEnd().split('\n');
  return {
    lines() {
      if (child.exitCode !== null) throw new Error(`it has ended: ${err}`);
      return lines();
    },
    async end() {
      child.kill('SIGINT');
      await closed;
      return JSON.parse(lines().at(-1)!) as Rebuilt;
    },
  };
}

/** One job and one drafted memo; returns the state of both. */
async function work(
  { fixture, promoted, waitForEvent: told, events }: DraftsFixture,
  n: number,
): Promise<Rebuilt> {
  fixture.small.script(direct('네'));
  const { jobId, end } = await fixture.ask(`안녕 ${n}`);
  const id = await promoted(memo(n));
  await told(id, 'drafted');
  return {
    jobs: { [jobId]: { seq: end.seq, type: 'done', state: 'done' } },
    documents: { [id]: { seq: (await events(id)).at(-1)!.seq, type: 'drafted', state: 'draft' } },
  };
}

const merged = (parts: Rebuilt[]): Rebuilt => ({
  jobs: Object.assign({}, ...parts.map(({ jobs }) => jobs)) as Rebuilt['jobs'],
  documents: Object.assign({}, ...parts.map(({ documents }) => documents)) as Rebuilt['jobs'],
});

const eventCount = ({ jobs, documents }: Rebuilt): number =>
  [...Object.values(jobs), ...Object.values(documents)].reduce((sum, { seq }) => sum + seq, 0);

/** A client needs seconds to reconnect. */
const said = (subscriber: Subscriber, expected: Rebuilt): Promise<boolean> =>
  vi.waitUntil(() => subscriber.lines().length >= eventCount(expected), {
    timeout: subscriberMsMax / 2,
  });

async function saysAllOnce(subscriber: Subscriber, expected: Rebuilt): Promise<void> {
  await said(subscriber, expected);
  const ids = subscriber.lines().map((line) => line.split(' ')[0]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await subscriber.end()).toEqual(expected);
}

describe.skipIf(natsCommand === null)('each subscriber of examples/', () => {
  test.for(programs)(
    'rebuilds jobs and documents over restarts of the core and of its own server: $name',
    { timeout: subscriberMsMax },
    async ({ command }) => {
      const setting = await openDrafts({ nats: { mode: 'auto' } });
      const { fixture } = setting;
      const flushed = (): Promise<void> => until(() => fixture.core.messaging.flush());
      const parts = [await work(setting, 1)];
      await flushed();
      const subscriber = start(command(), { GATEHOUSE_DATA: fixture.folder });
      await said(subscriber, merged(parts));
      // The core's own server stops and starts with it.
      await fixture.restart();
      parts.push(await work(setting, 2));
      await flushed();
      await fixture.restart();
      parts.push(await work(setting, 3));
      await flushed();
      await saysAllOnce(subscriber, merged(parts));
    },
  );

  test.for(programs)(
    'rebuilds jobs and documents after the server lost its data, with a password from the environment: $name',
    { timeout: subscriberMsMax },
    async ({ command }) => {
      const page = readFileSync(
        join(examples, '..', 'deploy', 'nats', 'authorization.conf'),
        'utf8',
      );
      const config = page.replaceAll(/\$([A-Z]+)_PASSWORD/g, 'pw-$1');
      const server = await broker({ config });
      const login = { url: server.url, user: 'core', password: 'pw-CORE' };
      const setting = await openDrafts({ nats: { mode: 'external', ...login } });
      const { fixture } = setting;
      // The subscriber may start before the stream exists. The shipped user `reader` may not create a consumer.
      const subscriber = start(command(), {
        NATS_URL: server.url,
        NATS_USER: login.user,
        NATS_PASSWORD: login.password,
      });
      const parts = [await work(setting, 1), await work(setting, 2)];
      await said(subscriber, merged(parts));
      await server.kill();
      await until(() => fixture.core.messaging.status().bus !== 'connected');
      parts.push(await work(setting, 3));
      server.wipe();
      await server.restart();
      await until(() => fixture.core.messaging.flush());
      await fixture.restart();
      parts.push(await work(setting, 4));
      await until(() => fixture.core.messaging.flush());
      await saysAllOnce(subscriber, merged(parts));
    },
  );

  test('reports where it has looked if it finds no server', async () => {
    const folder = folderForTest();
    for (const node of nodes) {
      const { stderr, status } = spawnSync(node, [join(examples, 'subscribe.mjs')], {
        cwd: folder,
        encoding: 'utf8',
        env: {},
        timeout: 20_000,
      });
      expect(status).toBe(1);
      expect(stderr).toContain('set GATEHOUSE_DATA or NATS_URL');
    }
  });
});

test.skipIf(hasNatsGo())(
  'the subscriber in Go is built and tested (skipped: golang-go and nats.go are not installed)',
  (context) => context.skip(),
);
