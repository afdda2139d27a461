/** The file of the accepted definitions, with several writers. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openToolPins } from '#mcp/tool-pins';
import { scratchFolder } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let path: string;
beforeEach(() => {
  scratch = scratchFolder();
  path = join(scratch.path, 'mcp-tools.json');
});
afterEach(() => scratch.remove());

const tool = (name: string, description = 'a tool') => ({
  name,
  description,
  inputSchema: { type: 'object' as const },
});
const writer = join(import.meta.dirname, 'pin-writer-child.ts');

describe('the accepted definitions', () => {
  test('of several processes that accept at once are all kept', async () => {
    const each = 25;
    const names = ['a', 'b', 'c'];
    const codes = names.map(
      (name) =>
        new Promise((resolve) => {
          const args = [writer, path, name, String(each)];
          spawn(process.execPath, args, { stdio: 'inherit' }).once('exit', resolve);
        }),
    );
    expect(await Promise.all(codes)).toEqual([0, 0, 0]);
    const { servers } = JSON.parse(readFileSync(path, 'utf8')) as {
      servers: Record<string, Record<string, unknown>>;
    };
    expect(names.map((name) => Object.keys(servers[name] ?? {}).length)).toEqual([25, 25, 25]);
    expect(readdirSync(scratch.path)).toEqual(['mcp-tools.json']);
  });

  test('are not replaced by a definition that another process sees for the first time', () => {
    const [one, other] = [openToolPins(path, () => 0), openToolPins(path, () => 0)];
    one.acceptNew('home', [tool('set', 'as accepted')]);
    const accepted = one.find('home', 'set');
    other.acceptNew('home', [tool('set', 'as changed'), tool('new')]);
    expect(one.find('home', 'set')).toEqual(accepted);
    expect(one.find('home', 'new')).toBeDefined();
    other.accept('home', [tool('set', 'as changed')]);
    expect(one.find('home', 'set')?.hash).not.toBe(accepted?.hash);
  });

  test('are written although a process has ended in its write', () => {
    const lock = `${path}.lock`;
    writeFileSync(lock, '');
    const past = new Date(Date.now() - 60_000);
    utimesSync(lock, past, past);
    const pins = openToolPins(path, () => 0);
    pins.accept('home', [tool('set')]);
    expect(pins.find('home', 'set')).toBeDefined();
    expect(existsSync(lock)).toBe(false);
  });
});
