/** `gatehouse route -` as a measuring tool runs it: a real process, lines in, one JSON object a line out. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scratchFolder, until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const now = ['--now', '2026-11-18T09:00:00+09:00'];

let scratch: ReturnType<typeof scratchFolder>;
let children: ChildProcessWithoutNullStreams[];
beforeEach(() => {
  scratch = scratchFolder();
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  scratch.remove();
});

interface Started {
  child: ChildProcessWithoutNullStreams;
  printed(): Record<string, unknown>[];
  ended: Promise<number | null>;
}

function start(...options: string[]): Started {
  const child = spawn(process.execPath, [bin, 'route', ...options], { cwd: scratch.path });
  children.push(child);
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const printed = () =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, printed, ended };
}

async function routed(input: string | Buffer, ...options: string[]) {
  const { child, printed, ended } = start('-', ...options);
  child.stdin.end(input);
  expect(await ended).toBe(0);
  return printed();
}

const classify = { by: 'classifier', action: 'classify' };
const tomorrow = {
  by: 'rule',
  action: 'tools',
  tool: 'calendar',
  operation: 'search',
  params: { date_from: '2026-11-19', date_to: '2026-11-19' },
};

describe('route - reads messages from standard input', () => {
  test('and prints one JSON object a line, in the order of the lines', async () => {
    const lines = ['내일 회의 있어?', '양자역학이 뭐야?', 'any meetings tomorrow?'];
    expect(await routed(`${lines.join('\n')}\n`, ...now)).toEqual([tomorrow, classify, tomorrow]);
  });

  test('and prints what the same message gets as an argument', async () => {
    const alone = start('내일 회의 있어?', ...now);
    expect(await alone.ended).toBe(0);
    expect(await routed('내일 회의 있어?\n', ...now)).toEqual(alone.printed());
  });

  test('where an empty line or one of white space gets an object that says so', async () => {
    expect(await routed('\n  \t\n내일 회의 있어?\n\n', ...now)).toEqual([
      { ...classify, blank: true },
      { ...classify, blank: true },
      tomorrow,
      { ...classify, blank: true },
    ]);
  });

  test('where nothing at all prints nothing', async () => {
    expect(await routed('', ...now)).toEqual([]);
  });

  test('with CRLF, with a byte order mark, and without an end of the last line', async () => {
    const input = '\ufeff내일 회의 있어?\r\n내일 회의 있어?\r\n내일 회의 있어?';
    expect(await routed(input, ...now)).toEqual([tomorrow, tomorrow, tomorrow]);
  });

  test('where bytes that are no UTF-8 spoil their own line only', async () => {
    const input = Buffer.concat([
      Buffer.from([0xff, 0xc3, 0x28, 0x0a]),
      Buffer.from('내일 일정\n'),
    ]);
    expect(await routed(input, ...now)).toEqual([classify, tomorrow]);
  });

  test('where a line of many megabytes goes to the classifier and the next one is read', async () => {
    const long = Buffer.alloc(24 * 1024 * 1024, 'any meetings ');
    const input = Buffer.concat([long, Buffer.from('\n내일 회의 있어?\n')]);
    expect(await routed(input, ...now)).toEqual([classify, tomorrow]);
  });

  test('as if a draft waited, with --pending, for every line', async () => {
    expect(await routed('확인\n취소\nyes\n', '--pending', ...now)).toEqual([
      { by: 'rule', action: 'confirm' },
      { by: 'rule', action: 'reject' },
      { by: 'rule', action: 'confirm' },
    ]);
    expect(await routed('확인\n', ...now)).toEqual([classify]);
  });

  test('and answers a line before the next one is written, also when a syllable comes in two pieces', async () => {
    const { child, printed, ended } = start('-', ...now);
    const line = Buffer.from('내일 회의 있어?\n');
    child.stdin.write(line.subarray(0, 4));
    child.stdin.write(line.subarray(4));
    await until(() => printed().length === 1);
    child.stdin.write('양자역학이 뭐야?\n');
    await until(() => printed().length === 2);
    child.stdin.end();
    expect(await ended).toBe(0);
    expect(printed()).toEqual([tomorrow, classify]);
  });

  test('where a --now that is no time is wrong usage, before any line is read', async () => {
    const { child, printed, ended } = start('-', '--now', 'soon');
    child.stdin.on('error', () => {});
    child.stdin.end('내일 회의 있어?\n');
    expect(await ended).toBe(2);
    expect(printed()).toEqual([]);
  });
});
