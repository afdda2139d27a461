/** `gatehouse fake-dsm` as a process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { checkBridge } from '#doctor/bridge-check';
import { configSchema } from '#app/config/config';
import { openReceiver, postPayload } from './fake-dsm-fixture.ts';
import { projectRoot } from '#test/support/project-root';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

function start(...args: string[]): ChildProcess {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'src', 'cli', 'gatehouse.ts'), 'fake-dsm', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  return '';
}

test('gatehouse fake-dsm prints the settings for a bridge, serves the page and the API, and ends on a signal', async () => {
  const bridge = await openReceiver();
  const child = start('--port', '0', '--bridge', bridge.url, '--token', 'my-token', '--json');
  const ready = JSON.parse(await firstLine(child)) as {
    pageUrl: string;
    synology: { incomingUrl: string; token: string; allowedUserIds: number[] };
  };
  expect(ready.synology).toMatchObject({ token: 'my-token', allowedUserIds: [4, 5, 6] });
  expect(ready.synology.incomingUrl).toContain('token=%22my-token%22');
  const answer = await postPayload(ready.synology.incomingUrl, { text: 'a', user_ids: [4] });
  expect(answer.body.success).toBe(true);
  const page = await fetch(ready.pageUrl);
  expect(await page.text()).toContain('Fake Synology Chat');
  const said = await fetch(`${ready.pageUrl}do`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ do: 'say', userId: 4, text: '안녕' }),
  });
  expect(said.status).toBe(200);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
});

test('gatehouse fake-dsm --tls prints the settings with which a bridge trusts its certificate', async () => {
  const child = start('--port', '0', '--tls', '--json');
  const { synology } = JSON.parse(await firstLine(child)) as { synology: { caFile: string } };
  const found = await checkBridge(configSchema.parse({ synology: { ...synology, port: 1 } }));
  expect(found.filter(({ ok }) => !ok)).toEqual([]);
  expect(found.map(({ what }) => what).join()).toContain('answers, and knows 3 people');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
  expect(existsSync(synology.caFile)).toBe(false);
});

test.each([
  [['--port', '99999'], '--port'],
  [['--bridge', 'nowhere'], '--bridge'],
  [['--storm', '2'], '--storm'],
])('gatehouse fake-dsm %j exits with code 2 and names the wrong option', async (args, option) => {
  const child = start(...args);
  let problem = '';
  child.stderr!.on('data', (part: Buffer) => (problem += part.toString()));
  expect(await once(child, 'close')).toEqual([2, null]);
  // The first line is the usage, the last line the reason.
  const lines = problem.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(new RegExp(`^gatehouse: ${option}`));
});

test('gatehouse fake-dsm on a port that is in use reports it in one line and exits with 1', async () => {
  const { url } = await openReceiver();
  const child = start('--port', new URL(url).port, '--page-port', '0');
  let problem = '';
  child.stderr!.on('data', (part: Buffer) => (problem += part.toString()));
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(problem).toMatch(/^gatehouse: .*EADDRINUSE.*\(GH_SERVER_PORT\)\n$/);
});
