import type { CoreClient } from '#http/client/core-client';
import type { CommandValues } from './options.ts';

/** The client for the running core. Loaded only by the commands that talk to a core: it reads the configuration. */
export const connect = async (values: CommandValues): Promise<CoreClient> =>
  (await import('./client-for.ts')).clientFor(values);
