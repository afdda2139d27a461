/** A worker of a cluster as a process of its own, that can be killed and stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { CoreClient } from '#http/client/core-client';
import { scratchFolder } from './journal.ts';
import { projectRoot } from './project-root.ts';

const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const startLimitMs = 60_000;

export interface WorkerProcess {
  readonly url: string;
  readonly client: CoreClient;
  /** Lines of its log, as JSON. */
  readonly log: readonly string[];
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
}

/** @param imports modules that are loaded before the program. Resolves when it is ready. */
export async function startWorkerProcess(
  config: unknown,
  env: Record<string, string> = {},
  imports: readonly string[] = [],
): Promise<WorkerProcess> {
  const folder = scratchFolder();
  const file = join(folder.path, 'gatehouse.yaml');
  writeFileSync(file, stringify(config));
  const args = imports.flatMap((name) => ['--import', name]);
  const child = spawn(process.execPath, [...args, script, 'serve', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(projectRoot, '.cache', 'compile'), ...env },
  });
  const log: string[] = [];
  const ended = once(child, 'exit');
  const ready = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.push(line);
      const url = /"url":"(http:[^"]+)".*gatehouse is ready/.exec(line)?.[1];
      if (url !== undefined) ready.resolve(url);
    });
  }
  const fail = (): void => ready.reject(new Error(`the worker did not start:\n${log.join('\n')}`));
  const timer = setTimeout(fail, startLimitMs);
  void ended.then(fail);
  onTestFinished(async () => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
    folder.remove();
  });
  const url = await ready.promise;
  clearTimeout(timer);
  return {
    url,
    client: new CoreClient(url, null),
    log,
    signal: (signal) => void child.kill(signal),
    ended,
  };
}
