/** The embedded NATS server: it starts, keeps its data and ends with the core; other processes are not affected. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'nats';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectionOptions } from '#events/connection/server-address';
import { embeddedServerAddress } from '#events/embedded-server/embedded-server-files';
import { until } from '#test/support/journal';
import {
  broker,
  folderForTest,
  openGatehouse,
  natsCommand,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

const ownServer = { command: natsCommand ?? '', port: 0 };

const withOwn = (folder?: string, port = 0): Promise<OpenMessagingFixture> =>
  openGatehouse(
    { mode: 'auto' },
    {
      messaging: { embeddedServer: { ...ownServer, port } },
      ...(folder === undefined ? {} : { folder }),
    },
  );

const connected = (rig: OpenMessagingFixture): Promise<void> =>
  until(() => rig.messaging.status().bus === 'connected');

const pidOf = (rig: OpenMessagingFixture): number => rig.messaging.status().server!.pid!;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie process still has a pid.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** Starts a process with an embedded server, kills the process, and returns pid and address of the server. */
async function killedOwner(folder: string): Promise<{ pid: number; url: string }> {
  const script = join(import.meta.dirname, 'embedded-server-child.ts');
  const child = spawn(process.execPath, [script, join(folder, 'gatehouse.db'), natsCommand!], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
  });
  const owner = JSON.parse(line) as { pid: number; url: string };
  expect(isAlive(owner.pid)).toBe(true);
  child.kill('SIGKILL');
  await exited;
  return owner;
}

describe.skipIf(natsCommand === null)('the embedded server', () => {
  test('is started if no server is configured, on the loopback with a password, and stopped with the core', async () => {
    const rig = await withOwn();
    await connected(rig);
    const { url, server } = rig.messaging.status();
    expect(server?.kind).toBe('own');
    expect(url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    await expect(connect({ servers: url!, reconnect: false })).rejects.toThrow(/authorization/i);
    const config = join(rig.folder, 'nats', 'server.conf');
    expect(statSync(config).mode & 0o077).toBe(0);
    expect(readFileSync(`/proc/${pidOf(rig)}/cmdline`, 'utf8')).not.toContain('password');
    const pid = pidOf(rig);
    await rig.close();
    expect(isAlive(pid)).toBe(false);
  });

  test('accepts processes with the credentials of a file that only its owner can read', async () => {
    const rig = await withOwn();
    await connected(rig);
    const address = embeddedServerAddress(rig.folder);
    const nc = await connect(await connectionOptions(address!));
    await nc.close();
    expect(statSync(join(rig.folder, 'nats', 'connection.json')).mode & 0o077).toBe(0);
    expect(embeddedServerAddress(folderForTest())).toBe(null);
  });

  test('keeps its streams, its port and its password over a restart of the core', async () => {
    const rig = await withOwn();
    await connected(rig);
    await rig.jobService.submit({ message: 'hello' });
    await until(() => rig.messaging.status().counts.events === 6);
    const address = embeddedServerAddress(rig.folder);
    const { events } = rig.messaging.status().counts;
    await rig.close();
    const again = await withOwn(rig.folder);
    await connected(again);
    expect(embeddedServerAddress(again.folder)).toEqual(address);
    await until(() => again.messaging.flush());
    expect(events).toBeGreaterThan(0);
    expect(again.messaging.status().counts.events).toBe(0);
  });

  test('is started again after it was killed', async () => {
    const rig = await withOwn();
    await connected(rig);
    const first = pidOf(rig);
    process.kill(first, 'SIGKILL');
    await until(() => rig.messaging.status().bus === 'connecting');
    await connected(rig);
    expect(pidOf(rig)).not.toBe(first);
    const { events } = rig.messaging.status().counts;
    await rig.jobService.submit({ message: 'hello' });
    await until(() => rig.messaging.status().counts.events === events + 6);
  });

  test('uses another port if its port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await until(() => taken.address() !== null);
    const { port } = taken.address() as { port: number };
    const rig = await withOwn(undefined, port);
    await connected(rig);
    expect(rig.messaging.status().url).not.toContain(`:${port}`);
  });

  test('ends when the core is killed with SIGKILL', async () => {
    const { pid } = await killedOwner(folderForTest());
    await until(() => !isAlive(pid));
  });

  test('of a killed core is replaced at once by the server of the next core, at the same address', async () => {
    const folder = folderForTest();
    const { pid, url } = await killedOwner(folder);
    const rig = await withOwn(folder);
    await connected(rig);
    expect(isAlive(pid)).toBe(false);
    expect(rig.messaging.status().url).toBe(url);
  });

  test('that an earlier core left running is ended before the next server starts', async () => {
    const folder = folderForTest();
    const first = await withOwn(folder);
    await connected(first);
    await first.close();
    // As after a crash that also killed the shell between the core and the server.
    const config = join(folder, 'nats', 'server.conf');
    const left = spawn(natsCommand!, ['-c', config], { stdio: 'ignore' });
    onTestFinished(() => void left.kill('SIGKILL'));
    const ended = new Promise<void>((resolve) => left.once('exit', () => resolve()));
    await until(() => existsSync(join(folder, 'nats', 'run', `nats-server_${left.pid}.ports`)));
    const second = await withOwn(folder);
    await connected(second);
    await ended;
    expect(pidOf(second)).not.toBe(left.pid);
  });

  test('does not end a foreign process that has the pid of an earlier server', async () => {
    const stranger = await broker();
    const folder = folderForTest();
    mkdirSync(join(folder, 'nats', 'run'), { recursive: true });
    writeFileSync(
      join(folder, 'nats', 'run', `nats-server_${stranger.pid}.ports`),
      JSON.stringify({ nats: [stranger.url] }),
    );
    const rig = await withOwn(folder);
    await connected(rig);
    expect(rig.messaging.status().url).not.toBe(stranger.url);
    expect(isAlive(stranger.pid)).toBe(true);
  });

  test('that cannot start reports the reason', async () => {
    const folder = folderForTest();
    mkdirSync(join(folder, 'nats'), { recursive: true });
    // A file is at the path of the store folder.
    writeFileSync(join(folder, 'nats', 'store'), '');
    const rig = await withOwn(folder);
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status()).toMatchObject({
      bus: 'connecting',
      lastError: { code: 'GH_BUS_NO_SERVER', message: expect.stringContaining('does not start') },
    });
  });
});
