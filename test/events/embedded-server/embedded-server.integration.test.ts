/** A NATS server of our own: it starts, keeps its data, dies with us, and nobody else's process is touched. */
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
    // A dead child that nobody has waited for yet still has a number.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** A process that had a server of its own and was killed this moment. */
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

describe.skipIf(natsCommand === null)('a server of our own', () => {
  test('is started where none is configured, on the loopback, with a password, and stopped with us', async () => {
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

  test('lets other processes of ours in by a file that only we can read', async () => {
    const rig = await withOwn();
    await connected(rig);
    const address = embeddedServerAddress(rig.folder);
    const nc = await connect(await connectionOptions(address!));
    await nc.close();
    expect(statSync(join(rig.folder, 'nats', 'connection.json')).mode & 0o077).toBe(0);
    expect(embeddedServerAddress(folderForTest())).toBe(null);
  });

  test('keeps its streams, its port and its password over a restart of ours', async () => {
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

  test('is started again when it dies', async () => {
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

  test('takes another port when the one it would have is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await until(() => taken.address() !== null);
    const { port } = taken.address() as { port: number };
    const rig = await withOwn(undefined, port);
    await connected(rig);
    expect(rig.messaging.status().url).not.toContain(`:${port}`);
  });

  test('dies with us, also when we are killed with SIGKILL', async () => {
    const { pid } = await killedOwner(folderForTest());
    await until(() => !isAlive(pid));
  });

  test('gives way to the next one, which goes on with its data, when we are killed and start at once', async () => {
    const folder = folderForTest();
    const { pid, url } = await killedOwner(folder);
    const rig = await withOwn(folder);
    await connected(rig);
    expect(isAlive(pid)).toBe(false);
    expect(rig.messaging.status().url).toBe(url);
  });

  test('that was left behind is ended before the next one starts', async () => {
    const folder = folderForTest();
    const first = await withOwn(folder);
    await connected(first);
    await first.close();
    // As after a crash in which the shell between us and the server was killed too.
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

  test('does not touch a process of somebody else that has the number of one of ours', async () => {
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

  test('that cannot start says why', async () => {
    const folder = folderForTest();
    mkdirSync(join(folder, 'nats'), { recursive: true });
    // Where the store should be is a file.
    writeFileSync(join(folder, 'nats', 'store'), '');
    const rig = await withOwn(folder);
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status()).toMatchObject({
      bus: 'connecting',
      lastError: { code: 'GH_BUS_NO_SERVER', message: expect.stringContaining('does not start') },
    });
  });
});
