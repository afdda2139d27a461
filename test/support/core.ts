/** A real core on a free port, with a real database and two fake model servers. */
import { join } from 'node:path';
import { configSchema, type Config } from '#app/config/config';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { startCore, type Core, type CoreOptions } from '#app/core';
import { CoreClient } from '#http/client/core-client';
import { cliApiKey } from '#shared/api-keys';
import { silentLog } from '#shared/log';
import { isInCluster, openSurroundings, startTwoWorkers } from './core-in-cluster.ts';
import { startFakeLlm, type FakeLlm } from './fake-llm.ts';
import { saysJson } from './fake-llm-replies.ts';
import { scratchFolder } from './journal.ts';

export interface CoreFixture {
  core: Core;
  client: CoreClient;
  /** The model server for classification, wording and direct answers. */
  small: FakeLlm;
  /** The model server for reasoning. */
  large: FakeLlm;
  folder: string;
  /** Unless the test chose another database, it is a SQLite file. */
  config: Config & { database: string };
  /** Submits a message and follows its job to the end. */
  ask(message: string, body?: Record<string, unknown>): Promise<Answered>;
  /** Starts a second core with the same configuration, on another port. */
  startAnother(): Promise<Core>;
  /** Stops the core and starts it again with the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Answered {
  jobId: string;
  events: StateEvent[];
  tokens: TokenChunk[];
  types: string[];
  end: StateEvent;
}

/** Changes of the configuration; a function if they need the fake servers. */
export type ConfigInput =
  | Record<string, unknown>
  | ((small: FakeLlm, large: FakeLlm) => Record<string, unknown>);

export const routed = saysJson({ action: 'route', response: '', prompt: '' });
export const direct = (response: string) => saysJson({ action: 'direct', response });

export async function openCore(
  change: ConfigInput = {},
  options: Partial<CoreOptions> = {},
): Promise<CoreFixture> {
  const scratch = scratchFolder();
  const [small, large] = [await startFakeLlm(), await startFakeLlm()];
  const alone = configSchema.parse({
    server: { port: 0 },
    database: join(scratch.path, 'gatehouse.db'),
    nats: { mode: 'off' },
    timezone: 'Asia/Seoul',
    backends: [
      { id: 'small', baseUrl: small.baseUrl, model: 'm' },
      { id: 'large', baseUrl: large.baseUrl, model: 'm' },
    ],
    roles: { classifier: 'small', reasoner: 'large' },
    ...(typeof change === 'function' ? change(small, large) : change),
  });
  const shared = isInCluster ? await openSurroundings(alone) : null;
  const config = shared?.config ?? alone;
  const start = () =>
    (shared === null ? startCore : startTwoWorkers)({ config, log: silentLog(), ...options });
  let core = await start();
  const fixture: CoreFixture = {
    core,
    client: new CoreClient(core.url, cliApiKey(config.server.apiKeys)),
    small,
    large,
    folder: scratch.path,
    config: config as CoreFixture['config'],
    async ask(message, body = {}) {
      const jobId = await fixture.client.submit({ message, ...body });
      return { jobId, ...(await follow(fixture.client, jobId)) };
    },
    startAnother: start,
    async restart() {
      await core.stop();
      core = await start();
      fixture.core = core;
      fixture.client = new CoreClient(core.url, cliApiKey(config.server.apiKeys));
    },
    async close() {
      await core.stop();
      await shared?.close();
      await small.close();
      await large.close();
      scratch.remove();
    },
  };
  return fixture;
}

/** All events of the stream of a job, up to its end. */
export async function follow(client: CoreClient, jobId: string): Promise<Omit<Answered, 'jobId'>> {
  const events: StateEvent[] = [];
  const tokens: TokenChunk[] = [];
  await client.follow(
    jobId,
    {
      event: (event) => events.push(event),
      token: (chunk) => tokens.push(chunk),
      lost: () => undefined,
    },
    AbortSignal.timeout(20_000),
  );
  return { events, tokens, types: events.map((event) => event.type), end: events.at(-1)! };
}
