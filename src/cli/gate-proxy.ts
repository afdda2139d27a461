/** `gatehouse gate-proxy`: checks the permits of requests beside a model server, until a stop signal. */
import { UsageError } from '#http/client/core-client';
import { startGateProxy } from '#http/gate-proxy/gate-proxy';
import { createLog } from '#shared/log';
import { shutDownOnSignal } from './graceful-shutdown.ts';

/** Next to the usual port of llama.cpp. */
const usualAddress = '127.0.0.1:8089';

export interface GateProxyValues {
  target?: string | undefined;
  listen?: string | undefined;
  concurrency?: string | undefined;
  'allow-unfenced': boolean;
}

export async function gateProxy(values: GateProxyValues, json: boolean): Promise<void> {
  const log = createLog({ level: 'info', pretty: !json });
  const proxy = await startGateProxy({
    target: targetOf(values.target),
    ...addressOf(values.listen ?? usualAddress),
    concurrency: concurrencyOf(values.concurrency ?? '1'),
    allowUnfenced: values['allow-unfenced'],
    log,
  });
  const stopped = shutDownOnSignal(
    log,
    () => proxy.close(),
    undefined,
    'running requests are cut, and their callers try again',
  );
  console.log(json ? JSON.stringify({ url: proxy.url }) : `The gate proxy listens on ${proxy.url}`);
  await stopped;
}

function targetOf(given: string | undefined): URL {
  const target = given !== undefined && URL.canParse(given) ? new URL(given) : null;
  if (target === null || !['http:', 'https:'].includes(target.protocol))
    throw new UsageError(
      `--target: expected an address like http://127.0.0.1:8080, found ${given ?? 'none'}`,
    );
  return target;
}

function addressOf(given: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(given);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535)
    throw new UsageError(`--listen: expected HOST:PORT, found ${given}`);
  return { host: found[1] ?? found[2] ?? '', port };
}

function concurrencyOf(given: string): number {
  const concurrency = Number(given);
  if (Number.isInteger(concurrency) && concurrency >= 1) return concurrency;
  throw new UsageError(`--concurrency: expected a number of 1 or more, found ${given}`);
}
