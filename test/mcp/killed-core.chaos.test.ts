/** `kill -9` of the core before, during and after the call of a write: at most one call, and no process is left. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { startCore, type Core } from '#app/core';
import { CoreClient } from '#http/client/core-client';
import type { McpServerView } from '#shared/wire/mcp-view';
import { silentLog } from '#shared/log';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { saysJson } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';
import { processesWith } from './process-table.ts';
import { scriptedServer, scriptedTool, type Behaviour } from './scripted-server.ts';

let scratch: ReturnType<typeof scratchFolder>;
let llm: FakeLlm;
let child: ChildProcess;
let core: Core | null = null;
afterEach(async () => {
  child.kill('SIGKILL');
  await core?.stop();
  core = null;
  await llm.close();
  scratch.remove();
});

async function startChild(config: object, point: string): Promise<CoreClient> {
  const program = join(import.meta.dirname, 'core-child.ts');
  child = spawn(process.execPath, [program, JSON.stringify(config), point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(child.stdout!, 'data')) as [Buffer];
  return new CoreClient(url.toString().trim(), null);
}

test.each<[string, string, Behaviour, number]>([
  ['before', 'tool.beforeWrite', { does: 'answers' }, 0],
  ['during', 'none', { does: 'is silent' }, 1],
  ['after', 'tool.afterWrite', { does: 'answers' }, 1],
])(
  'a core that is killed %s the call of a write calls it at most once, says that it is uncertain, and leaves no process',
  async (_, point, behaviour, calls) => {
    scratch = scratchFolder();
    llm = await startFakeLlm();
    const server = scriptedServer(scratch.path, {
      tools: [scriptedTool('set_lamp')],
      behaviours: { set_lamp: behaviour },
    });
    const config = {
      server: { port: 0 },
      database: join(scratch.path, 'gatehouse.db'),
      nats: { mode: 'off' },
      backends: [{ id: 'small', baseUrl: llm.baseUrl, model: 'm' }],
      mcp: {
        servers: [
          { id: 'home', command: server.command({ behindShell: true }), writes: ['set_lamp'] },
        ],
      },
    };
    const client = await startChild(config, point);
    await until(async () => {
      const page = await client.request<{ servers: McpServerView[] }>('GET', '/mcp/servers');
      return page.servers[0]?.tools[0]?.state === 'ready';
    });
    llm.script(
      saysJson({ action: 'tools', tool: 'mcp:home', operation: 'set_lamp', params: { text: 'a' } }),
    );
    const jobId = await client.submit({ message: 'Please set the lamp' });
    await until(async () => (await client.job(jobId)).state === 'confirm-draft');
    const exited = once(child, 'exit');
    client.submit({ message: 'yes' }).catch(() => undefined);
    if (point === 'none') {
      await until(() => server.calls().length === 1);
      child.kill('SIGKILL');
    }
    await exited;
    await until(() => processesWith(scratch.path).length === 0);
    core = await startCore({ config: configSchema.parse(config), log: silentLog() });
    const again = new CoreClient(core.url, null);
    await until(async () => (await again.job(jobId)).reply !== null);
    expect(server.calls()).toHaveLength(calls);
    expect((await again.job(jobId)).reply).toContain('It was not sent again');
  },
);
