/**
 * The processes of a storm: a broker, a core and a bridge, started by their commands, killed and restarted at will.
 * The NAS, the model server and the observers run in this process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeDsm } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, type FakeReply } from '#test/support/fake-llm-replies';
import { freePort } from '#test/support/free-port';
import { launchNatsServer, prepareNatsServer, type NatsServer } from '#test/support/nats-server';
import { headOf, tailOf } from './storm-audit.ts';
import { projectRoot } from '#test/support/project-root';

export interface Program {
  /** Sends SIGKILL and waits for the exit. */
  kill(): Promise<void>;
  /** Starts the program again; resolves when its health check succeeds. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The standard error of all its processes. */
  readonly output: string;
  /** The id of the running process; null while no process runs. */
  readonly pid: number | null;
}

export interface StormWorld {
  dsm: FakeDsm;
  broker: NatsServer;
  core: Program;
  bridge: Program;
  llm: FakeLlm;
  coreUrl: string;
  bridgeUrl: string;
  token: string;
  close(): Promise<void>;
}

/** Answers with the mark of the question, in a short text or in a text of more than one post. */
const answers: FakeReply = (exchange) => {
  const last = exchange.request.body.messages.at(-1)?.content ?? '';
  const mark = /#\d+-\d+#/.exec(typeof last === 'string' ? last : '')?.[0] ?? '#0-0#';
  const isLong = typeof last === 'string' && last.includes('길게');
  const middle = isLong ? '가나다라 '.repeat(700) : '';
  const text = `${headOf(mark)} ${middle}${tailOf(mark)}`;
  return says(JSON.stringify({ action: 'direct', response: text }))(exchange);
};

export async function openStormWorld(userIds: readonly number[]): Promise<StormWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-storm-'));
  const [corePort, bridgePort] = [await freePort(), await freePort()];
  const broker = await launchNatsServer({ command: prepareNatsServer()! });
  const llm = await startFakeLlm({ reply: answers });
  const token = 'S'.repeat(64);
  const [coreUrl, bridgeUrl] = [corePort, bridgePort].map((port) => `http://127.0.0.1:${port}`);
  const dsm = await startFakeDsm({
    token,
    users: userIds.map((userId) => ({
      userId,
      webhookUserId: userId + 1_000,
      username: `user${userId}`,
      nickname: `사람${userId}`,
    })),
    bridgeUrl: `${bridgeUrl}/webhook/synology`,
    // The bridge is often down: the NAS retries, and accepted messages are delivered twice.
    rules: {
      postIntervalMsMin: 5,
      sulksAfter: 'nothing',
      retries: 100_000,
      retryDelayMs: 100,
      duplicateRate: 0.1,
      outgoingTimeoutMs: 5_000,
    },
  });
  const configFile = join(folder, 'gatehouse.json');
  writeFileSync(
    configFile,
    JSON.stringify({
      server: { port: corePort },
      database: join(folder, 'gatehouse.db'),
      nats: { mode: 'external', url: broker.url },
      backends: [{ id: 'small', baseUrl: llm.baseUrl, model: 'm', concurrency: 8 }],
      jobs: { maxConcurrent: 10, maxQueued: 5_000 },
      synology: {
        incomingUrl: dsm.apiUrl(),
        token,
        allowedUserIds: userIds,
        port: bridgePort,
        minIntervalMs: 5,
        ratePerMinute: 10_000,
        database: join(folder, 'synology.db'),
      },
      logging: { level: 'info', pretty: false },
    }),
  );
  const core = program(['serve', '--config', configFile], `${coreUrl}/healthz`);
  const bridge = program(['bridge', 'synology', '--config', configFile], `${bridgeUrl}/healthz`);
  return {
    dsm,
    broker,
    core,
    bridge,
    llm,
    coreUrl: coreUrl!,
    bridgeUrl: bridgeUrl!,
    token,
    async close() {
      await Promise.all([bridge.stop(), core.stop()]);
      await Promise.all([dsm.close(), llm.close(), broker.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A `gatehouse` command as a process, run by this machine's Node. */
export function program(args: readonly string[], healthUrl: string): Program {
  const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
  let child: ChildProcess | null = null;
  let output = '';
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  };
  process.on('exit', () => child?.kill('SIGKILL'));
  return {
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    get output() {
      return output;
    },
    get pid() {
      return child?.pid ?? null;
    },
    async start() {
      child = spawn(process.execPath, [script, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, NODE_COMPILE_CACHE: join(projectRoot, '.cache', 'compile') },
      });
      const mine = child;
      mine.stderr!.on('data', (data: Buffer) => (output += data.toString()));
      while (!(await answersAt(healthUrl))) {
        if (mine.exitCode !== null)
          throw new Error(`${args[0]} did not start: ${output.slice(-2_000)}`);
        if (mine.signalCode !== null) return;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
  };
}

async function answersAt(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
