/** `gatehouse serve`: runs the core until a stop signal. */
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '#app/config/load-config';
import { loadTracingSettings } from '#app/config/otel-env';
import { startCore, type Core } from '#app/core';
import { createLog } from '#shared/log';
import { shutDownOnSignal } from './graceful-shutdown.ts';
import type { Config } from '#app/config/config';

/** Longer than it takes to write a log line. */
const lingerMs = 500;

export async function serve(configFile: string | undefined): Promise<void> {
  // With a hundred jobs in flight V8 treats their objects as long-lived: it allocates them in the old generation, where
  // each keeps alive the objects it references. Without this flag garbage collection takes up to a fifth of a job's
  // CPU.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const { config, file } = loadConfig(configFile);
  const log = createLog(config.logging);
  const { settings: tracing, warnings } = loadTracingSettings();
  for (const warning of warnings) log.warn(warning);
  const core = await startCore({ config, log, tracing });
  // The signals have their handlers before a supervisor can read that the process is ready.
  const ended = shutDownOnSignal(log, () => core.stop(), core.lost);
  log.info({ url: core.url, config: file ?? 'embedded defaults' }, 'gatehouse is ready');
  if (process.stderr.isTTY) process.stderr.write(bannerOf(core, config));
  if (core.pool.origin === 'practice') {
    log.warn('no model server was found: the built-in practice model answers');
  }
  const error = await ended;
  if (error !== null) throw error;
  // Only a trace collector or a database that does not answer can still keep the process alive.
  setTimeout(() => process.exit(), lingerMs).unref();
}

/** Four lines, each with a line end. */
export function bannerOf(core: Pick<Core, 'url' | 'pool'>, config: Config): string {
  const { url, pool } = core;
  const models = pool.members.map(({ config: { id, model } }) => `${id} (${model})`).join(', ');
  const isPractice = pool.origin === 'practice';
  const missing = [
    ...(isPractice ? ['a model server (start Ollama or another: it is found within 15 s)'] : []),
    ...(config.tools.email.provider === 'none' ? ['mail (tools.email)'] : []),
    ...(config.nats.mode === 'off' ? ['NATS (nats.mode)'] : []),
  ];
  return [
    `Gatehouse  ${url}  talk to it: gatehouse chat`,
    `inspector  ${url}/inspect`,
    `model      ${isPractice ? 'the built-in practice model: no model server was found' : models}`,
    `missing    ${missing.length === 0 ? 'nothing' : missing.join(', ')}; gatehouse doctor says more`,
    '',
  ].join('\n');
}
