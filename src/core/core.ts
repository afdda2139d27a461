/**
 * The core process put together: configuration in, a running server out. Starts in an order in which nothing
 * can be accepted that could not be kept, and stops in the reverse.
 */
import { busGauges, createBus } from './bus.ts';
import { createDoor } from '../assistant/door.ts';
import { createEffects } from '../assistant/effects.ts';
import { createLanguage } from '../assistant/language.ts';
import type { Config } from '../config/config.ts';
import type { JobDoor } from '../contract/door.ts';
import { chatRoutes } from '../http/chat-routes.ts';
import { openAiRoutes } from '../http/openai-routes.ts';
import { eventRoutes, type EventLog } from '../http/event-routes.ts';
import { startServer, type ServerOptions } from '../http/server.ts';
import { statusRoutes } from '../http/status-routes.ts';
import { inspectorRoutes } from '../inspector/inspector-routes.ts';
import { createJournal, type Journal } from '../journal/journal.ts';
import { createLiveHub, type LiveHub } from '../journal/live-hub.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { noFaults, type Faults } from '../lib/faults.ts';
import { createIdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import type { JobLimits } from '../../machines/job-types.ts';
import { openDatabase, type Database } from '../store/database.ts';
import { createJobQueries } from '../store/job-queries.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { createJobStore } from '../store/job-store.ts';
import { createOutboxStore } from '../store/outbox-store.ts';
import type { Messaging } from '../messaging/ports.ts';
import { openBackendPool, type BackendPool } from './backend-pool.ts';
import { backendViews, modelListing } from './backend-view.ts';
import { dispatch } from './dispatch.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { dayMs, startRetention } from './retention.ts';
import { createStatusSource } from './status-source.ts';
import { createSystemStatus } from './system-status.ts';
import { createToolbox } from './toolbox.ts';

export interface Core {
  readonly url: string;
  readonly door: JobDoor;
  readonly journal: Journal;
  readonly pool: BackendPool;
  readonly hub: LiveHub;
  readonly bus: Messaging;
  /** Keeps what is in flight for the next start. Idempotent. */
  stop(): Promise<void>;
}

export interface CoreOptions {
  config: Config;
  log: Log;
  clock?: Clock;
  faults?: Faults;
  /** For tests: where to look for local model servers. */
  discoveryPorts?: readonly number[];
}

/** The backends' own limits must come first, for their reason is the better one. */
const answerMarginMs = 60_000;
/** A wedged server whose circuit does not open must not hold a person for ever (P1). */
const queueTimeoutMs = 30 * 60_000;
/** A write that has begun is given time to say what became of it. */
const stopGraceMs = 5_000;

/** @throws GatehouseError with a code that says what keeps it from starting. */
export async function startCore(options: CoreOptions): Promise<Core> {
  const { config, log } = options;
  const database = await openDatabase({ path: config.database });
  const closers: (() => Promise<void> | void)[] = [() => database.close()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return await assemble(options, database, closers, close);
  } catch (error) {
    log.debug('start failed, closing what was open');
    await close();
    throw error;
  }
}

async function assemble(
  options: CoreOptions,
  database: Database,
  closers: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<Core> {
  const { config, log, clock = systemClock, faults = noFaults } = options;
  const hub = createLiveHub();
  const metrics = createMetrics({
    journal: () => journal.stats,
    pool: () => pool,
    gauges: busGauges(() => bus.status()),
  });
  const pool = await openBackendPool({
    ...options,
    clock,
    onObserve: metrics.observeGate,
    onOutcome: metrics.observeOutcome,
  });
  closers.push(() => pool.close());

  const storage = createJobStore(database);
  const queries = createJobQueries(database);
  const language = createLanguage({ timeZone: config.timezone });
  const effects = createEffects({
    language,
    classifier: pool.role('classifier').backend,
    reasoner: pool.role('reasoner').backend,
    tools: createToolbox({
      config,
      log,
      faults,
      status: createSystemStatus({ pool, stats: () => journal.stats }),
    }),
    timeZone: config.timezone,
    wordsResults: pool.origin !== 'practice',
    clock,
    history({ conversation, jobId }) {
      const { historyMessages, retentionDays } = config.conversation;
      const since = clock.now() - retentionDays * dayMs;
      return queries.history(conversation, jobId, historyMessages, since);
    },
  });
  const journal = createJournal({ storage, effects, hub, clock, log, faults, ...config.jobs });
  const door = createDoor({
    journal,
    storage,
    queries,
    hub,
    clock,
    nextId: createIdSource(),
    messageMaxChars: config.jobs.messageMaxChars,
    limits: limitsOf(config, pool),
    locale: config.locale,
    readReply: language.readReply,
  });
  hub.subscribe(null, { event: metrics.observeEvent, token: () => undefined });

  const outbox = createOutboxStore(database);
  const bus = createBus({ config, database, outbox, door, hub, log, faults });
  const { apiKeys } = config.server;
  const routes = routesOf({
    bus,
    outbox,
    door,
    hub,
    pool,
    journal,
    storage,
    metrics,
    clock,
    log,
    apiKeys,
  });
  const server = await startServer({ ...config.server, log, routes });
  closers.push(
    () => bus.stop(),
    () => journal.stop(stopGraceMs),
    () => server.close(),
  );
  // In the same turn in which the server begins to listen: nobody gets in before those who were there.
  journal.resume();
  bus.start();
  closers.push(startRetention({ queries, clock, log, days: config.conversation.retentionDays }));
  return { url: server.url, door, journal, pool, hub, bus, stop };
}

function routesOf(
  parts: Pick<Core, 'door' | 'hub' | 'pool' | 'journal' | 'bus'> & {
    storage: JobStorage;
    outbox: EventLog;
    metrics: Metrics;
    clock: Clock;
    log: Log;
    apiKeys: readonly string[];
  },
): ServerOptions['routes'] {
  const { door, hub, pool, journal } = parts;
  return [
    chatRoutes({ door, live: hub }),
    eventRoutes(parts.outbox, hub),
    statusRoutes(createStatusSource(parts)),
    openAiRoutes({
      ...parts,
      news: hub,
      dispatch: (name) => dispatch(pool, name, 'reasoner'),
      models: () => modelListing(pool),
      nextId: createIdSource(),
    }),
    inspectorRoutes({
      ...parts,
      queueOf: (jobId) => journal.queueOf(jobId),
      gates: () => backendViews(pool),
    }),
  ];
}

function limitsOf({ jobs, pipelineEnabled }: Config, pool: BackendPool): JobLimits {
  const totals = pool.members.map(({ config }) => config.timeoutsMs.total);
  return {
    classifyTimeoutMs: jobs.classifyTimeoutMs,
    toolTimeoutMs: jobs.toolTimeoutMs,
    confirmTtlMs: jobs.confirmTtlMs,
    answerTimeoutMs: Math.max(...totals) + answerMarginMs,
    queueTimeoutMs,
    reasonPromptMaxChars: jobs.reasonPromptMaxChars,
    pipelineEnabled,
  };
}
