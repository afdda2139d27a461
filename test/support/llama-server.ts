/**
 * A real llama.cpp server for tests: unpacked once from Debian's packages into the ignored folder .cache/, with small
 * scripted models (test/support/llama-server/README.md). If it is not available (no network, another system),
 * `prepareLlamaServer` returns the reason and tests skip.
 *
 *     const prepared = await prepareLlamaServer();
 *     describe.skipIf(!prepared.ok)('…', () => { … await startLlamaServer({ model: 'tiny' }) … });
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { projectRoot } from './project-root.ts';

const run = promisify(execFile);

const cache = join(projectRoot, '.cache');
const scripts = join(projectRoot, 'test', 'support', 'llama-server');
const binary = join(cache, 'llama', 'llama-server');

/** The download is 12 MB; a slower network is not usable for a test run. */
const PREPARE_MS_MAX = 120_000;
/** Ready after 40 ms with the small model; this limit ends a broken start. */
const READY_MS_MAX = 20_000;
const POLL_MS = 20;

/**
 * `tiny` answers at once; `slow` sends 25 to 50 tokens per second, so that an answer can be aborted; `heavy` loads
 * slowly. All are sparse files of a few MB on disk.
 */
const models = {
  tiny: [],
  slow: ['--pad-mb', '150', '--layers', '4'],
  heavy: ['--pad-mb', '1500', '--layers', '4'],
} as const;

/** The CPU flags that the `haswell` build needs; it is ten times as fast as the generic build. */
const fastFlags = ['avx2', 'fma', 'f16c', 'bmi2'];

/** The CPU library for this processor; without one, the start script chooses it. */
function arithmetic(): Record<string, string> {
  const flags = new Set(readFileSync('/proc/cpuinfo', 'utf8').split(/\s+/));
  const folder = join(cache, 'llama/root/usr/lib/x86_64-linux-gnu/ggml/backends0');
  const library = join(folder, 'libggml-cpu-haswell.so');
  const usable = fastFlags.every((flag) => flags.has(flag)) && existsSync(library);
  return usable ? { GGML_BACKEND_PATH: library } : {};
}

export type LlamaModel = keyof typeof models;

export type LlamaPreparation = { ok: true; binary: string } | { ok: false; reason: string };

/** Increment with each change of the scripts in the models: the files are kept. */
const scriptVersion = 2;

const modelFile = (model: LlamaModel): string => join(cache, `${model}-${scriptVersion}.gguf`);

async function works(): Promise<boolean> {
  if (!existsSync(binary)) return false;
  return run(binary, ['--version'], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

async function install(): Promise<LlamaPreparation> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { ok: false, reason: `no llama.cpp package for ${process.platform} ${process.arch}` };
  }
  try {
    if (!(await works())) {
      const script = join(scripts, 'get-llama-server.sh');
      await run('sh', [script, join(cache, 'llama')], { timeout: PREPARE_MS_MAX });
    }
    for (const model of Object.keys(models) as LlamaModel[]) {
      if (existsSync(modelFile(model))) continue;
      const generator = join(scripts, 'make-scripted-gguf.mjs');
      await run(process.execPath, [generator, modelFile(model), ...models[model]]);
    }
    return { ok: true, binary };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const said = (stderr || message).trim().split('\n')[0];
    return { ok: false, reason: `llama.cpp could not be unpacked: ${said}` };
  }
}

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Holds a lock file while `work` runs, so that test workers do not unpack over each other. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const lock = join(cache, 'llama.lock');
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
      if (holder > 0 && !alive(holder)) rmSync(lock, { force: true });
      else await sleep(POLL_MS);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Makes server and models available, once; fast if they exist. Prints the reason if they are not available. */
export async function prepareLlamaServer(): Promise<LlamaPreparation> {
  mkdirSync(cache, { recursive: true });
  const prepared = await locked(install);
  if (!prepared.ok) console.warn(`tests with a real model server are skipped: ${prepared.reason}`);
  return prepared;
}

export interface LlamaServer {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  /** Resolves when the server processes a request (including its prompt). Polls only until then. */
  busy(): Promise<void>;
  stop(): Promise<void>;
}

export interface LlamaServerOptions {
  model: LlamaModel;
  /** Further arguments of llama-server, for example `-b 64`. */
  args?: string[];
  /** `false` returns while the model still loads, as soon as the port answers. Default true. */
  untilReady?: boolean;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server with one slot on a free port of the loopback interface. Stop it after the test. */
export async function startLlamaServer(options: LlamaServerOptions): Promise<LlamaServer> {
  const port = await freePort();
  const fixed = [
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '-np',
    '1',
    '-t',
    '1',
    '--no-webui',
  ];
  const context = ['-c', '4096', '-m', modelFile(options.model)];
  const child = spawn(binary, [...fixed, ...context, ...(options.args ?? [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...arithmetic() },
  });
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log = (log + bytes.toString()).slice(-4000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = (): void => void child.kill('SIGKILL');
  // Ends the server also if the test run ends early.
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await exited;
  };
  const until = performance.now() + READY_MS_MAX;
  for (;;) {
    const status = await fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200 || (status === 503 && options.untilReady === false)) break;
    if (child.exitCode !== null || performance.now() > until) {
      await stop();
      throw new Error(`llama-server did not start:\n${log}`);
    }
    await sleep(POLL_MS);
  }
  async function busy(): Promise<void> {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/slots`);
      const slots = (await response.json()) as { is_processing: boolean }[];
      if (slots.some((slot) => slot.is_processing)) return;
      await sleep(POLL_MS);
    }
  }
  return { baseUrl: `http://127.0.0.1:${port}/v1`, busy, stop };
}
