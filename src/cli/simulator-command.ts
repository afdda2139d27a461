/** What the commands that run a simulator have in common: their options, a port in use, running until a stop signal. */
import { once } from 'node:events';
import { GatehouseError, messageOf } from '#shared/errors';
import { UsageError } from '#http/client/core-client';

export interface SimulatorValues {
  port?: string | undefined;
  'page-port'?: string | undefined;
  host?: string | undefined;
  token?: string | undefined;
  storm?: string | undefined;
}

/** Ports, host and storm of a simulator. Throws `UsageError`. */
export function simulatorOptions(values: SimulatorValues, usualPort: number) {
  const { host } = values;
  const port = portOf('--port', values.port, usualPort);
  const pagePort = portOf('--page-port', values['page-port'], port === 0 ? 0 : port + 1);
  const rate = Number(values.storm ?? 0);
  if (!(rate >= 0 && rate <= 1)) {
    throw new UsageError(`--storm: expected a part from 0 to 1, found ${values.storm}`);
  }
  return {
    port,
    pagePort,
    ...(host === undefined ? {} : { host }),
    ...(rate === 0 ? {} : { storm: { seed: 1, rate } }),
  };
}

function portOf(option: string, given: string | undefined, usual: number): number {
  const port = Number(given ?? usual);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`${option}: expected a port from 0 to 65535, found ${given}`);
}

/** Throws `GH_SERVER_PORT` if a port cannot be opened. */
export async function started<S>(start: () => Promise<S>): Promise<S> {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    throw new GatehouseError('GH_SERVER_PORT', messageOf(error), { cause: error });
  }
}

/** Prints `text` and runs until a stop signal. */
export async function runUntilStopped(
  simulator: { close(): Promise<void> },
  text: string,
): Promise<void> {
  console.log(text);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await simulator.close();
}

/** A section of a configuration: one line of JSON per key. */
export const sectionLines = (config: object): string =>
  Object.entries(config)
    .map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`)
    .join('\n');
