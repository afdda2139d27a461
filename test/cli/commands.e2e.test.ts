/** The commands as a user runs them: real processes, exit codes, one line for an error. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, saysJson, stallsAfter } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

let scratch: ReturnType<typeof scratchFolder>;
let llm: FakeLlm;
let children: ChildProcess[];
beforeEach(async () => {
  scratch = scratchFolder();
  llm = await startFakeLlm();
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await llm.close();
  scratch.remove();
});

interface Started {
  child: ChildProcess;
  ran: Ran;
  ended: Promise<Ran>;
}

function start(args: string[]): Started {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: scratch.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return watched(child);
}

function watched(child: ChildProcessByStdio<null, Readable, Readable>): Started {
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code) => resolve(Object.assign(ran, { code })));
  });
  return { child, ran, ended };
}

const run = (...args: string[]): Promise<Ran> => start(args).ended;

/** A core in a process of its own; its port is read from its log. */
async function serve(port = 0): Promise<{ child: ChildProcess; url: string; port: number }> {
  const config = join(scratch.path, 'gatehouse.yaml');
  writeFileSync(
    config,
    `server: { port: ${port} }\nnats: { mode: "off" }\nbackends: [{ id: m, baseUrl: "${llm.baseUrl}", model: m }]\n`,
  );
  const { child, ran } = start(['serve']);
  await until(() => ran.err.includes('gatehouse is ready'));
  const url = /"url":"([^"]+)"/.exec(ran.err)?.[1] ?? '';
  return { child, url, port: Number(new URL(url).port) };
}

describe('the gatehouse command', () => {
  test('exits with 2 for a missing or unknown command and for an unknown option', async () => {
    const [command, option, none] = await Promise.all([
      run('dance'),
      run('jobs', '--dance'),
      run(),
    ]);
    expect([command.code, option.code, none.code]).toEqual([2, 2, 2]);
    expect(command.err).toContain('there is no command dance');
    expect(option.err).toContain('--dance');
  });

  test.each([
    ['jobs', 'nonsense'],
    ['jobs', '--state', 'fine'],
    ['route'],
    ['import'],
    ['tail', '--from', 'abc'],
    ['tail', 'something'],
    ['serve', '--port', '9000'],
    ['serve', 'fast'],
    ['draw', '--json'],
    ['jobs', '--url', 'nonsense'],
    ['constructor'],
  ])('exits with 2 when it is called as %s %s', async (...args) => {
    expect((await run(...args)).code).toBe(2);
  });

  test('exits with 1 and one line of error if it needs a core and none runs', async () => {
    const { code, err } = await run('chat', '안녕', '--url', 'http://127.0.0.1:9');
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toContain('gatehouse serve');
  });

  test('exits with 1 and names the wrong key of a faulty configuration', async () => {
    writeFileSync(join(scratch.path, 'gatehouse.yaml'), 'server: {prot: 1}');
    const { code, err } = await run('serve');
    expect(code).toBe(1);
    expect(err).toBe(
      'gatehouse: ./gatehouse.yaml: server.prot: there is no such key (line 1) (GH_CONFIG_INVALID)\n',
    );
  });

  test('route prints the decision of the rules for a given time, with or without a waiting draft', async () => {
    const now = ['--now', '2026-11-18T09:00:00+09:00'];
    const [tool, none, consent] = await Promise.all([
      run('route', '내일 회의 있어?', ...now),
      run('route', '양자역학이 뭐야?', ...now),
      run('route', '확인', '--pending', ...now),
    ]);
    expect(JSON.parse(tool.out)).toEqual({
      by: 'rule',
      action: 'tools',
      tool: 'calendar',
      operation: 'search',
      params: { date_from: '2026-11-19', date_to: '2026-11-19' },
    });
    expect(JSON.parse(none.out)).toMatchObject({ by: 'classifier' });
    expect(JSON.parse(consent.out)).toEqual({ by: 'rule', action: 'confirm' });
  });
});

describe('with a running core', () => {
  test('chat shows the stages beside the answer, jobs lists and shows the job, and a late cancel is refused', async () => {
    const { url } = await serve();
    llm.script(saysJson({ action: 'route' }), says('이것이 답입니다.'));
    const chat = await run('chat', '왜 하늘은 파래?', '--url', url);
    expect(chat).toMatchObject({ code: 0, out: '이것이 답입니다.\n' });
    expect(chat.err).toMatch(/accepted.*\n→ classify\n→ route\s+route \(classifier\)\n→ reason/);
    const list = await run('jobs', '--json', '--url', url);
    const [job] = (JSON.parse(list.out) as { jobs: { job_id: string }[] }).jobs;
    const show = await run('jobs', 'show', job!.job_id, '--url', url);
    expect(show.out).toContain('route → reason');
    expect(show.out).toContain('이것이 답입니다.');
    const ended = await run('jobs', 'cancel', job!.job_id, '--url', url);
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('GH_JOB_CONFLICT') });
  });

  test('calendar import reads a file, also in CP949, and calendar export prints it', async () => {
    const { url } = await serve();
    const file = join(scratch.path, 'old.ics');
    // 치과 in the code page of Korean Windows.
    const event = 'UID:d1\r\nDTSTART:20261120T010000Z\r\nSUMMARY:';
    const [head, tail] = [
      'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n',
      '\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
    ];
    const dentist = Buffer.from([0xc4, 0xa1, 0xb0, 0xfa]);
    writeFileSync(file, Buffer.concat([Buffer.from(head + event), dentist, Buffer.from(tail)]));
    const first = await run('calendar', 'import', file, '--url', url);
    expect(first).toMatchObject({ code: 0, out: '1 added, 0 updated, 0 unchanged, 0 skipped\n' });
    const again = await run('calendar', 'import', file, '--json', '--url', url);
    expect(JSON.parse(again.out)).toMatchObject({ added: 0, unchanged: 1 });
    const [own, other] = await Promise.all([
      run('calendar', 'export', '--url', url),
      run('calendar', 'export', '--user', 'jun', '--url', url),
    ]);
    expect(own.out).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*SUMMARY:치과\r\n[\s\S]*END:VCALENDAR\r\n$/);
    expect(other.out).not.toContain('VEVENT');
    writeFileSync(file, 'hello');
    const wrong = await Promise.all([
      run('calendar', 'import', file, '--url', url),
      run('calendar', 'import', join(scratch.path, 'none.ics'), '--url', url),
      run('calendar', '--url', url),
    ]);
    expect(wrong.map(({ code }) => code)).toEqual([1, 1, 2]);
    expect(wrong[0].err).toContain('GH_TOOL_INPUT');
    expect(wrong[1].err).toContain('none.ics');
    expect(wrong[2].err).toContain('import FILE');
  });

  test('Ctrl-C in chat cancels the job', async () => {
    const { url } = await serve();
    llm.script(saysJson({ action: 'route' }), stallsAfter('halb'));
    const chat = start(['chat', '왜 하늘은 파래?', '--url', url]);
    await until(() => llm.requests.length === 2);
    await until(() => chat.ran.err.includes('→ reason'));
    chat.child.kill('SIGINT');
    const { code, out } = await chat.ended;
    expect(code).toBe(0);
    expect(out).toBe('요청을 취소했습니다.\n');
    expect((await llm.requests[1]!.closed).closedBy).toBe('client');
  });

  test('chat prints its answer once although the core is killed with SIGKILL and started again', async () => {
    const first = await serve();
    llm.script(saysJson({ action: 'route' }), stallsAfter('halb'), says('이것이 답입니다.'));
    const chat = start(['chat', '왜 하늘은 파래?', '--url', first.url]);
    await until(() => llm.requests.length === 2);
    await until(() => chat.ran.err.includes('→ reason'));
    first.child.kill('SIGKILL');
    await until(() => chat.ran.err.includes('lost'));
    await serve(first.port);
    const { code, out } = await chat.ended;
    expect(code).toBe(0);
    expect(out).toBe('이것이 답입니다.\n');
    expect(llm.requests).toHaveLength(3);
  });

  test('serve exits with 0 on SIGTERM', async () => {
    const { child } = await serve();
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('doctor exits with 1, and reports the fault of a backend and its remedy', async () => {
    await serve();
    await llm.refuse();
    const { code, out } = await run('doctor');
    expect(code).toBe(1);
    expect(out).toContain('connect_refused');
    expect(out).toContain('→ nothing listens at');
  });

  test('npm start passes a SIGTERM on, so that no core is left behind', async () => {
    const config = join(scratch.path, 'start.yaml');
    const database = join(scratch.path, 'start.db');
    writeFileSync(
      config,
      `server: { port: 0 }\nnats: { mode: "off" }\ndatabase: "${database}"\nbackends: [{ id: m, baseUrl: "${llm.baseUrl}", model: m }]\n`,
    );
    const npm = spawn('npm', ['start'], {
      cwd: projectRoot,
      // A process group of its own, so that all of its processes can be ended.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, GATEHOUSE_CONFIG: config },
    });
    onTestFinished(() => {
      try {
        process.kill(-npm.pid!, 'SIGKILL');
      } catch {
        // The group has ended.
      }
    });
    const { child, ran } = watched(npm);
    await until(() => ran.err.includes('gatehouse is ready'));
    const [, url = ''] = /"url":"([^"]+)"/.exec(ran.err) ?? [];
    child.kill('SIGTERM');
    await until(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
  });
});

test('tail ends without an error when its output is closed', async () => {
  const { url } = await serve();
  llm.script(saysJson({ action: 'direct', response: '네' }));
  expect((await run('chat', '안녕', '--url', url)).code).toBe(0);
  const { child, ran, ended } = start(['tail', '--from', '0', '--url', url]);
  await until(() => ran.out.includes('done'));
  child.stdout!.destroy();
  llm.script(saysJson({ action: 'direct', response: '네' }));
  expect((await run('chat', '안녕하세요', '--url', url)).code).toBe(0);
  expect((await ended).err).toBe('');
});
