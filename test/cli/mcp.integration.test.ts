/** `gatehouse mcp` and the doctor with a scripted server: list, probe, call with its question, accept; metrics. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { acceptTools, callTool, listServers, probeServer } from '#cli/mcp';
import { loadConfig } from '#app/config/load-config';
import { checkMcp } from '#doctor/mcp-check';
import { openCore } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';
import { scriptedServer, scriptedTool, type ScriptedServer } from '#test/mcp/scripted-server';
import { bin } from './cli-process.ts';

let scratch: ReturnType<typeof scratchFolder>;
let server: ScriptedServer;
let configFile: string;
let printed: string[];

const tools = [
  scriptedTool('look', { annotations: { readOnlyHint: true } }),
  scriptedTool('set', { description: 'changes a lamp' }),
  scriptedTool('erase', { annotations: { destructiveHint: true } }),
];

function configure(change: object = {}): void {
  const one = { id: 'home', command: server.command(), reads: ['look'], writes: ['set'] };
  const config = {
    database: join(scratch.path, 'gatehouse.db'),
    mcp: { servers: [{ ...one, ...change }], limits: { callTimeoutMs: 3_000 } },
  };
  writeFileSync(configFile, JSON.stringify(config));
}

beforeEach(() => {
  scratch = scratchFolder();
  server = scriptedServer(scratch.path, { tools });
  configFile = join(scratch.path, 'gatehouse.yaml');
  configure();
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

const command = () => ({ configFile, id: 'home', json: false });
const call = (tool: string, input: string, yes = false, json = false) =>
  callTool({ ...command(), tool, input, yes, json });
const text = (): string => printed.join('\n');

describe('gatehouse mcp', () => {
  test('probe lists all tools with their hints, also those that are not listed', async () => {
    await probeServer(command());
    expect(text()).toMatch(/^look {2}\(reads, ready; hints: readOnly\)$/m);
    expect(text()).toMatch(/^set {2}\(writes, ready\)\n {2}changes a lamp$/m);
    expect(text()).toMatch(/^erase {2}\(not listed; hints: destructive\)$/m);
    printed.length = 0;
    await probeServer({ ...command(), json: true });
    expect((JSON.parse(text()) as { tools: unknown[] }).tools).toHaveLength(3);
  });

  test('call runs a read at once, refuses what is not listed, and input that is no object', async () => {
    await call('look', '{"text":"a"}');
    expect(text()).toBe('look is done');
    await call('look', '{}', false, true);
    expect(JSON.parse(printed.at(-1)!)).toMatchObject({ content: [{ text: 'look is done' }] });
    await expect(call('erase', '{}', true)).rejects.toThrow('home.erase is not listed');
    await expect(call('look', '[1]')).rejects.toThrow('expected a JSON object');
    await expect(probeServer({ ...command(), id: 'none' })).rejects.toThrow('no MCP server none');
    expect(server.calls()).toHaveLength(2);
  });

  test('call of a write needs --yes where nobody can be asked', async () => {
    await expect(call('set', '{"text":"on"}')).rejects.toThrow(/home\.set writes: .*--yes/);
    expect(server.calls()).toEqual([]);
    await call('set', '{"text":"on"}', true);
    expect(server.calls()).toEqual([{ name: 'set', arguments: { text: 'on' } }]);
  });

  test('call of a read whose hints say that it writes asks too', async () => {
    configure({ reads: ['erase'], writes: [] });
    await expect(call('erase', '{}')).rejects.toThrow('--yes');
    expect(server.calls()).toEqual([]);
  });

  test('call reports the error of a tool', async () => {
    const content = [{ type: 'text', text: 'no lamp' }];
    server.script({
      tools,
      behaviours: { look: { does: 'answers', result: { isError: true, content } } },
    });
    await expect(call('look', '{}')).rejects.toThrow('home.look reported an error');
    expect(text()).toBe('no lamp');
  });

  test.each([
    ['y', 1],
    ['yes', 1],
    ['n', 0],
    ['', 0],
    ['yesterday', 0],
  ])(
    'call of a write on a terminal shows the input and asks: "%s" calls it %i times',
    async (said, times) => {
      const line = [process.execPath, bin, 'mcp', 'call', '--config', configFile, 'home', 'set']
        .map((word) => `'${word}'`)
        .join(' ');
      const child = spawn('script', ['-qec', `${line} '{"text":"on"}'`, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        if (!shown.includes('[y/N]') && (shown + chunk).includes('[y/N]'))
          child.stdin.write(`${said}\n`);
        shown += chunk;
      });
      await new Promise((resolve) => child.once('close', resolve));
      expect(shown).toMatch(/Server: home\s+- Tool: set\s+- Input: \{\s+"text": "on"/);
      expect(server.calls()).toHaveLength(times);
      if (times === 0) expect(shown).toContain('it was not called');
    },
  );

  test('accept takes a changed definition, and says what was accepted', async () => {
    await acceptTools(command());
    expect(text()).toBe('nothing has changed');
    server.script({ tools: [tools[0]!, scriptedTool('set', { description: 'other' })] });
    await expect(call('set', '{}', true)).rejects.toThrow('home.set is quarantined');
    printed.length = 0;
    await acceptTools(command());
    expect(text()).toBe('accepted: set (description)');
    await call('set', '{}', true);
    expect(server.calls()).toHaveLength(1);
    server.script({ tools: [tools[0]!, tools[1]!, scriptedTool('set', { description: 'twice' })] });
    await expect(acceptTools(command())).rejects.toThrow('two tools of the name set');
  });

  test('list, metrics and the offer of a core tell of a server, its tools and a change', async () => {
    configure({ words: { set: ['조명'] } });
    const { config } = loadConfig(configFile);
    const fixture = await openCore({ mcp: config.mcp });
    try {
      await until(async () => {
        printed.length = 0;
        await listServers(fixture.client, false);
        // The server is ready before its tools are listed.
        return printed[1]?.includes(' ready ') === true;
      });
      expect(printed[0]).toMatch(/^home {2}ready {2}\(stdio, 2025-06-18, 1 starts\)$/);
      expect(printed[1]).toMatch(/^ {2}look +reads +ready {2}accepted .* {2}[0-9a-f]{12}$/);
      expect(printed[2]).toMatch(/^ {2}set +asks +ready/);
      const metrics = await (await fetch(`${fixture.core.url}/metrics`)).text();
      expect(metrics).toMatch(/^gatehouse_mcp_server_available\{server="home"\} 1$/m);
      expect(metrics).toMatch(/^gatehouse_mcp_starts_total\{server="home"\} 1$/m);
      expect(metrics).toMatch(/^gatehouse_mcp_tools\{.*state="ready".*\} 2$/m);
    } finally {
      await fixture.close();
    }
  });
});

describe('the doctor', () => {
  const rows = async (): Promise<string[]> =>
    (await checkMcp(loadConfig(configFile).config)).map(
      ({ ok, what, advice }) =>
        `${ok ? 'ok' : 'fault'} ${what}${advice === undefined ? '' : ` -> ${advice}`}`,
    );

  test('reports tools that are ready, missing, changed and tightened, and what to do', async () => {
    configure({ reads: ['look', 'erase', 'gone'] });
    expect(await rows()).toEqual([
      expect.stringMatching(/^ok .*3 of 4 tools, protocol 2025-06-18/),
      expect.stringMatching(/^fault .*does not have gone -> correct its reads and writes/),
      expect.stringMatching(/^ok .*says that erase change something -> .*under writes/),
    ]);
    server.script({ tools: [tools[0]!, scriptedTool('set', { description: 'other' })] });
    configure();
    expect(await rows()).toEqual([
      expect.stringMatching(/^ok .*1 of 2 tools/),
      expect.stringMatching(
        /^fault .*has changed set, which are not used -> .*gatehouse mcp accept home/,
      ),
    ]);
  });

  test('reports a server that does not start', async () => {
    configure({ command: ['sh', '-c', 'echo no such module >&2; exit 3'] });
    const [row] = await rows();
    expect(row).toMatch(/^fault .*exit code 3.*no such module -> check its command or url/);
  });
});
