/** `gatehouse fake-telegram` as a process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { apiOf, hana } from './fake-telegram-fixture.ts';
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
  const command = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
  const child = spawn(process.execPath, [command, 'fake-telegram', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  return '';
}

test('gatehouse fake-telegram prints the settings for a bridge, serves the page and the API, and ends on a signal', async () => {
  const token = '123456:my-token';
  const child = start('--port', '0', '--token', token, '--json');
  const ready = JSON.parse(await firstLine(child)) as {
    url: string;
    pageUrl: string;
    telegram: { token: string; apiRoot: string; allowedUserIds: number[] };
  };
  expect(ready.telegram).toEqual({ token, apiRoot: ready.url, allowedUserIds: [501, 502, 503] });
  const api = apiOf({ url: ready.url, token });
  expect(await api.getMe()).toMatchObject({ id: 123_456 });
  const page = await fetch(ready.pageUrl);
  expect(await page.text()).toContain('Fake Telegram');
  const said = await fetch(`${ready.pageUrl}do`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ do: 'say', userId: hana, text: '안녕' }),
  });
  expect(said.status).toBe(200);
  expect(await api.getUpdates()).toHaveLength(1);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
});

test.each([
  [['--port', '99999'], '--port'],
  [['--token', 'no-token'], '--token'],
  [['--storm', '2'], '--storm'],
])(
  'gatehouse fake-telegram %j exits with code 2 and names the wrong option',
  async (args, option) => {
    const child = start(...args);
    let problem = '';
    child.stderr!.on('data', (part: Buffer) => (problem += part.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(problem.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^gatehouse: ${option}`));
  },
);
