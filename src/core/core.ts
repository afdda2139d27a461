/**
 * The core process put together: configuration in, a running server out. Starts in an order in which nothing
 * can be accepted that could not be kept, and stops in the reverse.
 */
import type { Config } from '../config/config.ts';
import type { JobDoor } from '../contract/door.ts';
import type { Library } from '../documents/library.ts';
import { startWordRenewal } from '../documents/word-renewal.ts';
import { askRoutes, type AskRoutesOptions } from '../http/ask-routes.ts';
import { calendarRoutes, type CalendarDoor } from '../http/calendar-routes.ts';
import { chatRoutes } from '../http/chat-routes.ts';
import { documentRoutes } from '../http/document-routes.ts';
import { openAiRoutes } from '../http/openai-routes.ts';
import { reactRoutes, type ReactRoutesOptions } from '../http/react-routes.ts';
import { eventRoutes, type EventLog } from '../http/event-routes.ts';
import { createLimits, type Limits } from '../http/limits.ts';
import { startServer, type HttpServer, type ServerOptions } from '../http/server.ts';
import { statusRoutes } from '../http/status-routes.ts';
import { inspectorRoutes } from '../inspector/inspector-routes.ts';
import type { Journal } from '../journal/journal.ts';
import { createLiveHub, type LiveHub } from '../journal/live-hub.ts';
import type { TracingSettings } from '../contract/trace.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { noFaults, type Faults } from '../lib/faults.ts';
import { createIdSource } from '../lib/ids.ts';
import type { ApiKey } from '../lib/key-ring.ts';
import type { Log } from '../lib/log.ts';
import { openDatabase, type Database } from '../store/database.ts';
import { purgeDocuments } from '../store/document-purge.ts';
import type { JobQueries } from '../store/job-queries.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { createOutboxStore } from '../store/outbox-store.ts';
import { createUpkeep, type Upkeep } from '../store/upkeep.ts';
import type { Messaging } from '../messaging/ports.ts';
import { createAskDoor, createReactDoor } from './ask-door.ts';
import { createAssistant } from './assistant.ts';
import { openBackendPool, type BackendPool } from './backend-pool.ts';
import { backendViews, modelListing } from './backend-view.ts';
import { createBus } from './bus.ts';
import { createCalendarDoor } from './calendar-door.ts';
import { createDocumentDoor } from './document-door.ts';
import type { DocumentSearch } from './document-search.ts';
import { dispatch } from './dispatch.ts';
import { memoAndDraftRoutes } from './draft-door.ts';
import { createDraftService, type DraftService } from './draft-service.ts';
import type { Metrics } from './metrics.ts';
import { openObservers } from './observers.ts';
import { paceOf, startRetention, type RetentionPace } from './retention.ts';
import { watchDatabase, type DatabaseWatch } from './database-watch.ts';
import { createStatusSource } from './status-source.ts';

export interface Core {
  readonly url: string;
  /** What is served, and for whom. */
  readonly routes: HttpServer['routes'];
  readonly door: JobDoor;
  readonly journal: Journal;
  readonly pool: BackendPool;
  readonly hub: LiveHub;
  readonly bus: Messaging;
  readonly search: DocumentSearch;
  readonly drafts: DraftService;
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
  /** For tests: how often that is done while the practice model answers. */
  discoveryEveryMs?: number;
  /** What OpenTelemetry's environment variables ask for; null or left out: no traces. */
  tracing?: TracingSettings | null;
  /** For the soak: how fast what is old is removed. */
  pace?: RetentionPace;
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
  const upkeep = createUpkeep(database, config.database);
  const sources = { journal: () => journal.stats, pool: () => pool, bus: () => bus.status() };
  const observers = await openObservers({ ...options, database, upkeep, hub, sources, clock });
  closers.push(() => observers.stop());
  const pool = await openBackendPool({ ...options, clock, observer: observers.pool });
  closers.push(() => pool.close());

  const parts = { config, database, pool, hub, clock, log, faults };
  const assistant = createAssistant({ ...parts, observers });
  const { journal, door, library, search, queries } = assistant;
  closers.push(() => search.close());

  const drafts = createDraftService({ ...options, database, pool, library, hub, clock, faults });
  const outbox = createOutboxStore(database);
  const bus = createBus({ config, database, outbox, door, hub, log, faults });
  const databaseFile = watchDatabase(database, log, closers);
  const limits = createLimits(config.server.limits);
  const routes = routesOf({
    ...parts,
    ...assistant,
    bus,
    drafts,
    outbox,
    databaseFile,
    metrics: observers.metrics,
    apiKeys: config.server.apiKeys,
    limits,
    redaction: config.inspector.redaction,
    ask: createAskDoor({ config, library, search, pool, clock, log }),
    react: createReactDoor(assistant.react),
    queryCharsMax: config.jobs.messageMaxChars,
    calendar: createCalendarDoor({ config, database, clock }),
  });
  const server = await listen({
    config,
    log,
    limits,
    routes,
    door,
    onExchange: observers.metrics.observeExchange,
  });
  closers.push(
    () => bus.stop(),
    () => drafts.drafter.stop(),
    () => journal.stop(stopGraceMs),
    () => server.close(),
  );
  // In the same turn in which the server begins to listen: nobody gets in before those who were there.
  journal.resume();
  bus.start();
  drafts.drafter.start();
  closers.push(
    keepWordsNew(library, log),
    keepSmall(options, { ...parts, upkeep, queries, drafts }),
  );
  const { url, routes: served } = server;
  return { url, routes: served, door, journal, pool, hub, bus, search, drafts, stop };
}

const listen = (parts: {
  config: Config;
  log: Log;
  limits: Limits;
  routes: ServerOptions['routes'];
  door: JobDoor;
  onExchange: NonNullable<ServerOptions['onExchange']>;
}): Promise<HttpServer> => {
  const { config, door, ...rest } = parts;
  return startServer({
    ...config.server,
    ...rest,
    connectionsMax: config.server.limits.connections,
    ownerOf: async (jobId) => (await door.get(jobId)).user_id,
  });
};

const keepWordsNew = ({ renewSome }: Library, log: Log): (() => Promise<void>) =>
  startWordRenewal({
    renewSome,
    onFault: (reason) => log.warn({ reason }, 'the words of old documents are renewed later'),
  });

function keepSmall(
  { config, log, pace = paceOf(config.conversation.retentionDays) }: CoreOptions,
  parts: {
    upkeep: Upkeep;
    queries: JobQueries;
    drafts: DraftService;
    database: Database;
    clock: Clock;
  },
): () => Promise<void> {
  const { queries, drafts, database } = parts;
  const removals = {
    jobs: (before: number) => queries.prune(before),
    documents: (before: number) => purgeDocuments(database, before),
    document_events: (before: number) => drafts.events.prune(before),
  };
  return startRetention({ ...parts, removals, log, pace });
}

function routesOf(
  parts: Pick<Core, 'door' | 'hub' | 'pool' | 'journal' | 'bus' | 'drafts'> & {
    storage: JobStorage;
    outbox: EventLog;
    library: Library;
    metrics: Metrics;
    clock: Clock;
    log: Log;
    apiKeys: readonly ApiKey[];
    limits: Limits;
    redaction: Config['inspector']['redaction'];
    search: DocumentSearch;
    ask: AskRoutesOptions['ask'];
    react: ReactRoutesOptions['react'];
    queryCharsMax: number;
    calendar: CalendarDoor | null;
    databaseFile: DatabaseWatch;
  },
): ServerOptions['routes'] {
  const { door, hub, pool, journal } = parts;
  return [
    chatRoutes({ door, live: hub }),
    eventRoutes({ log: parts.outbox, news: hub, libraryOwner: parts.library.ownerOf }),
    documentRoutes(createDocumentDoor(parts.library, parts.drafts.memos, parts.search)),
    ...memoAndDraftRoutes(parts.drafts, parts.library, hub),
    askRoutes(parts),
    reactRoutes(parts),
    calendarRoutes(parts.calendar),
    statusRoutes(createStatusSource(parts)),
    openAiRoutes({
      ...parts,
      news: hub,
      dispatch: (name) => dispatch(pool, name, 'reasoner'),
      backendOf: (role) => dispatch(pool, null, role),
      models: () => modelListing(pool),
      nextId: createIdSource(),
    }),
    inspectorRoutes({
      ...parts,
      queueOf: (jobId) => journal.queueOf(jobId),
      gates: () => backendViews(pool),
      redaction: parts.redaction,
      drafts: (userId) => parts.drafts.draftOverview(userId),
      draftsVersion: () => parts.drafts.draftsVersion(),
    }),
  ];
}
