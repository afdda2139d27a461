/** `gatehouse route -` as a measuring program runs it: a real process, one message and one JSON object per line. */
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

describe('`gatehouse route -`', () => {
  test('prints one JSON object per line, in the order of the input', async () => {
    const lines = ['내일 회의 있어?', '양자역학이 뭐야?', 'any meetings tomorrow?'];
    expect(await routed(`${lines.join('\n')}\n`, ...now)).toEqual([tomorrow, classify, tomorrow]);
  });

  test('prints the same for a message as `gatehouse route` with the message as an argument', async () => {
    const alone = start('내일 회의 있어?', ...now);
    expect(await alone.ended).toBe(0);
    expect(await routed('내일 회의 있어?\n', ...now)).toEqual(alone.printed());
  });

  test('marks the object of an empty or blank line', async () => {
    expect(await routed('\n  \t\n내일 회의 있어?\n\n', ...now)).toEqual([
      { ...classify, blank: true },
      { ...classify, blank: true },
      tomorrow,
      { ...classify, blank: true },
    ]);
  });

  test('prints nothing for empty input', async () => {
    expect(await routed('', ...now)).toEqual([]);
  });

  test('accepts CRLF, a byte order mark, and a last line without an end', async () => {
    const input = '\ufeff내일 회의 있어?\r\n내일 회의 있어?\r\n내일 회의 있어?';
    expect(await routed(input, ...now)).toEqual([tomorrow, tomorrow, tomorrow]);
  });

  test('continues with the next line after bytes that are no UTF-8', async () => {
    const input = Buffer.concat([
      Buffer.from([0xff, 0xc3, 0x28, 0x0a]),
      Buffer.from('내일 일정\n'),
    ]);
    expect(await routed(input, ...now)).toEqual([classify, tomorrow]);
  });

  test('sends a line of many megabytes to the classifier, and continues with the next line', async () => {
    const long = Buffer.alloc(24 * 1024 * 1024, 'any meetings ');
    const input = Buffer.concat([long, Buffer.from('\n내일 회의 있어?\n')]);
    expect(await routed(input, ...now)).toEqual([classify, tomorrow]);
  });

  test('decides every line with a waiting draft if --pending is given', async () => {
    expect(await routed('확인\n취소\nyes\n', '--pending', ...now)).toEqual([
      { by: 'rule', action: 'confirm' },
      { by: 'rule', action: 'reject' },
      { by: 'rule', action: 'confirm' },
    ]);
    expect(await routed('확인\n', ...now)).toEqual([classify]);
  });

  test('answers a line before the next one is written, also if a syllable arrives in two pieces', async () => {
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

  test('exits with 2 for an invalid --now, without reading a line', async () => {
    const { child, printed, ended } = start('-', '--now', 'soon');
    child.stdin.on('error', () => {});
    child.stdin.end('내일 회의 있어?\n');
    expect(await ended).toBe(2);
    expect(printed()).toEqual([]);
  });
});
