/**
 * The core process put together: configuration in, a running server out. Starts in an order in which nothing
 * can be accepted that could not be kept, and stops in the reverse.
 */
import type { Config } from '../config/config.ts';
import type { JobDoor } from '../contract/door.ts';
import type { Library } from '../documents/library.ts';
import { askRoutes, type AskRoutesOptions } from '../http/ask-routes.ts';
import { calendarRoutes, type CalendarDoor } from '../http/calendar-routes.ts';
import { chatRoutes } from '../http/chat-routes.ts';
import { documentRoutes } from '../http/document-routes.ts';
import { openAiRoutes } from '../http/openai-routes.ts';
import { eventRoutes, type EventLog } from '../http/event-routes.ts';
import { startServer, type ServerOptions } from '../http/server.ts';
import { statusRoutes } from '../http/status-routes.ts';
import { inspectorRoutes } from '../inspector/inspector-routes.ts';
import type { Journal } from '../journal/journal.ts';
import { createLiveHub, type LiveHub } from '../journal/live-hub.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { noFaults, type Faults } from '../lib/faults.ts';
import { createIdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { openDatabase, type Database } from '../store/database.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { createOutboxStore } from '../store/outbox-store.ts';
import type { Messaging } from '../messaging/ports.ts';
import { createAskDoor } from './ask-door.ts';
import { createAssistant } from './assistant.ts';
import { openBackendPool, type BackendPool } from './backend-pool.ts';
import { backendViews, modelListing } from './backend-view.ts';
import { busGauges, createBus } from './bus.ts';
import { createCalendarDoor } from './calendar-door.ts';
import { createDocumentDoor } from './document-door.ts';
import { dispatch } from './dispatch.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { startRetention } from './retention.ts';
import { createStatusSource } from './status-source.ts';

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
  const pool = await openBackendPool({ ...options, clock, observer: metrics });
  closers.push(() => pool.close());

  const assistant = createAssistant({ config, database, pool, hub, clock, log, faults });
  const { journal, door, library, storage, queries } = assistant;
  hub.subscribe(null, { event: metrics.observeEvent, token: () => undefined });

  const outbox = createOutboxStore(database);
  const bus = createBus({ config, database, outbox, door, hub, log, faults });
  const { apiKeys } = config.server;
  const routes = routesOf({
    bus,
    outbox,
    library,
    door,
    hub,
    pool,
    journal,
    storage,
    metrics,
    clock,
    log,
    apiKeys,
    ask: createAskDoor({ config, library, pool, clock }),
    queryCharsMax: config.jobs.messageMaxChars,
    calendar: createCalendarDoor({ config, database, clock }),
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
    library: Library;
    metrics: Metrics;
    clock: Clock;
    log: Log;
    apiKeys: readonly string[];
    ask: AskRoutesOptions['ask'];
    queryCharsMax: number;
    calendar: CalendarDoor | null;
  },
): ServerOptions['routes'] {
  const { door, hub, pool, journal } = parts;
  return [
    chatRoutes({ door, live: hub }),
    eventRoutes(parts.outbox, hub),
    documentRoutes(createDocumentDoor(parts.library)),
    askRoutes(parts),
    calendarRoutes(parts.calendar),
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
