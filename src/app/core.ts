/**
 * Composition root of the core process: takes the configuration, returns a running server. The start order ensures that
 * nothing is accepted before it can be stored; shutdown runs in reverse order.
 */
import type { Config } from './config/config.ts';
import { createPersons, type Persons } from '#shared/persons';
import type { JobService } from '#shared/wire/job-service';
import type { ScheduleService as ScheduleApi } from '#shared/wire/schedule-service';
import type { Library } from '#library/library';
import { askRoutes, type AskRoutesOptions } from '#http/routes/ask-routes';
import { calendarRoutes, type CalendarFileService } from '#http/routes/calendar-routes';
import { chatRoutes } from '#http/routes/chat-routes';
import { documentRoutes } from '#http/routes/document-routes';
import { ollamaRoutes } from '#http/ollama/ollama-routes';
import { openAiRoutes } from '#http/openai/openai-routes';
import { doorRoutes } from '#http/mcp/door-routes';
import { askLoopRoutes, type AskLoopRoutesOptions } from '#http/routes/ask-loop-routes';
import { eventRoutes, type EventNotifier } from '#http/routes/event-routes';
import { memoryRoutes } from '#http/routes/memory-routes';
import { scheduleRoutes } from '#http/routes/schedule-routes';
import type { RateLimiter } from '#http/server/rate-limiter';
import { startServer, type HttpServer, type ServerOptions } from '#http/server/server';
import { statusRoutes } from '#http/routes/status-routes';
import { inspectorRoutes } from '#inspector/server/inspector-routes';
import type { Journal } from '#jobs/runtime/journal';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import type { TracingSettings } from '#shared/wire/trace';
import { createFairSlices, type FairSlices } from '#shared/fair-slices';
import { systemClock, type Clock } from '#shared/clock';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import type { GatehouseError } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import type { Messaging } from '#events/messaging-port';
import { wireAsk, createAskLoopApi } from './api/ask-api-adapter.ts';
import { embeddingsOf, modelsOf } from './api/model-api.ts';
import { createAssistant } from './assistant.ts';
import { openBackendPool, type BackendPool } from '#models/backend-pool';
import { backendViews } from '#models/backend-view';
import { dataFolderOf } from './config/database-settings.ts';
import { apiKeysOf } from './config/persons-settings.ts';
import { bridgeChannelNames } from './channels.ts';
import { wireMessaging } from './messaging-wiring.ts';
import type { BackgroundTask } from './background-task.ts';
import { tasksOf } from './background-tasks.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { BackendView } from '#shared/wire/backend-view';
import type { LiveSource } from '#shared/wire/live-source';
import { createCalendarApi } from './api/calendar-api-adapter.ts';
import { createDocumentApi } from './api/document-api-adapter.ts';
import { createDoorApi } from './api/mcp-door-adapter.ts';
import type { DocumentSearch } from '#library/document-search';
import { memoAndDraftRoutes } from './api/draft-api-adapter.ts';
import { createDraftService, type DraftService } from './draft-service.ts';
import { createCalendarAlarms, startAlarms, watchCalendar } from './calendar-alarms.ts';
import type { ScheduleService } from './schedule-service.ts';
import { openSchedules, scheduleFeed } from './schedules-wiring.ts';
import { openMemory, type OpenedMemory } from './memory-wiring.ts';
import { openAccess, type OpenedSessions } from './sessions-wiring.ts';
import { createMemoryApi } from './api/memory-api-adapter.ts';
import type { Metrics } from '#observability/metrics/metrics';
import { createObservability } from '#observability/observability';
import type { RetentionSchedule } from '#storage/retention-job';
import { stopParts, type Closer } from './stop-parts.ts';
import { openStores } from './stores/open-stores.ts';
import type { Stores } from './stores/stores.ts';
import { createStatusSource } from './status-source.ts';
import { noMcp, type Mcp } from '#mcp/mcp-port';
import { toolSettingsOf } from './config/tool-settings.ts';
import { createReminderBook } from './reminder-book.ts';
import { configureTools, type ToolDeclaration } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';

export interface Core {
  readonly url: string;
  /** The registered routes with their access. */
  readonly routes: HttpServer['routes'];
  readonly jobService: JobService;
  readonly journal: Journal;
  readonly pool: BackendPool;
  readonly hub: LiveHub;
  readonly messaging: Messaging;
  readonly search: DocumentSearch;
  readonly drafts: DraftService;
  /** Null: this process is alone. */
  readonly cluster: Cluster | null;
  readonly schedules: ScheduleService & { api: ScheduleApi };
  /** Resolves when another process has taken the database over: this core can only be stopped. */
  readonly lost: Promise<GatehouseError>;
  /** Graceful shutdown: jobs in progress are stored and resumed at the next start. Idempotent. */
  stop(): Promise<void>;
}

export interface CoreOptions {
  config: Config;
  log: Log;
  clock?: Clock;
  faults?: FaultInjector;
  /** For tests: the names of the channels that bridges serve. Default: all. */
  channels?: readonly string[];
  /** For tests: the tools. Default: all. */
  tools?: readonly ToolDeclaration[];
  /** For tests: ports to search for local model servers. */
  discoveryPorts?: readonly number[];
  /** For tests: interval of the discovery while the demo model answers. */
  discoveryEveryMs?: number;
  /** Settings from the OpenTelemetry environment variables; null or omitted: no traces. */
  tracing?: TracingSettings | null;
  /** For tests: the version of the job machine that a worker of a cluster says it has. */
  machineVersion?: number;
  /** For the soak test: interval and age of the retention. */
  retentionSchedule?: RetentionSchedule;
}

/** Grace period of the shutdown in ms: a write in progress can still report its result. */
const stopGraceMs = 5_000;

/** For the ends of the last model requests, whose slots other workers wait for. */
const gateSettleMs = 1_000;

/** @throws GatehouseError whose code names the cause of a failed start. */
export async function startCore(options: CoreOptions): Promise<Core> {
  const { config, log, faults = noFaultInjection } = options;
  const lost = Promise.withResolvers<GatehouseError>();
  const stores = await openStores(config, { faults, log, onFenced: lost.resolve });
  const closers: Closer[] = [() => stores.close()];
  const close = (): Promise<void> => stopParts(closers, log);
  try {
    const core = await assemble(options, stores, closers, close);
    return { ...core, lost: lost.promise };
  } catch (error) {
    log.debug('start failed, closing what was open');
    await close();
    throw error;
  }
}

async function assemble(
  options: CoreOptions,
  opened: Stores,
  closers: Closer[],
  stop: () => Promise<void>,
): Promise<Omit<Core, 'lost'>> {
  const { config, log, channels, clock = systemClock, faults = noFaultInjection } = options;
  const cluster = await openCluster(options, opened);
  const stores = watchCalendar(cluster?.stores ?? opened, (owner) => alarms?.wake(owner));
  const hub = cluster?.hub ?? createLiveHub();
  const slices = createFairSlices();
  const sources = {
    journal: () => journal.stats,
    pool: () => pool,
    messaging: () => messaging,
    mcp: () => mcp.views(),
    schedules: () => stores.schedules.overview(clock.now(), null),
    cluster: () => cluster?.figures() ?? null,
    speculation: () => assistant.speculation.figures,
    clock,
  };
  const observed = { hub, sources, clock, counts: stores.counts, sizes: stores.maintenance.sizes };
  const observers = await createObservability({ ...options, ...observed });
  closers.push(() => observers.stop());
  const tools = configureTools(options.tools ?? toolList, toolSettingsOf(config));
  const pool = await openBackendPool({
    ...options,
    tools,
    clock,
    observer: observers.pool,
    createGate: cluster?.gates.open,
  });
  closers.push(() => pool.close());

  const mcp = await openMcp(config, clock, log);
  closers.push(() => mcp.stop());

  const common = { cluster, config, persons: personsOf(options), clock, log, faults };
  const parts = { ...common, stores, tools, mcp, pool, hub, slices };
  const reminders = createReminderBook(() => schedules.schedules, clock, common.persons);
  const memory = openMemory(parts);
  const assistant = await createAssistant({ ...parts, observers, reminders, memory });
  const { journal, jobService, library, search } = assistant;
  closers.push(() => search.close());

  const drafts = await createDraftService({ ...parts, ...assistant }, cluster?.doors);
  const schedules = openSchedules({ ...parts, sources, metrics: observers.metrics }, assistant);
  const alarms = await createCalendarAlarms({ ...parts, schedules });
  const messaging = wireMessaging({ ...parts, ...assistant, schedules, channels });
  const actors = { journal, pool, messaging, drafts, schedules, memory };
  const access = openAccess(parts, closers);
  const routes = routesOf({
    ...parts,
    ...assistant,
    ...actors,
    metrics: observers.metrics,
    backends: () => backendViews(pool, assistant.speculation.figures),
    ...access,
    ask: wireAsk({ config, library, search, pool, clock, log }),
    react: createAskLoopApi(assistant.react),
    queryCharsMax: config.jobs.messageMaxChars,
    calendar: createCalendarApi({ config, stores, clock, slices }),
  });
  const listening = { config, log, ...access, slices, routes, jobService };
  const { observeHttpRequest: onRequestFinished } = observers.metrics;
  const server = await listenHttp({ ...listening, onRequestFinished });
  const start = cluster === null ? startAlone : startInCluster(cluster);
  mcp.start();
  const tasks = tasksOf(options, { stores, clock, library, search, memory });
  await start({ ...actors, server, tasks, closers });
  if (alarms !== null) closers.push(startAlarms(alarms, hub));
  return { ...addressOf(server), jobService, hub, search, cluster, ...actors, stop };
}

const addressOf = ({ url, routes }: HttpServer): Pick<Core, 'url' | 'routes'> => ({ url, routes });

/** Null: this process is the only one on its database. */
async function openCluster(
  { config, log, machineVersion }: CoreOptions,
  stores: Stores,
): Promise<Cluster | null> {
  const { cluster: settings, nats } = config;
  const { shared } = stores;
  if (settings === null || shared === null) return null;
  const { Cluster: Opened } = await import('./cluster/cluster.ts');
  const { backends, persons } = config;
  return new Opened({ settings, stores, shared, nats, backends, persons, log, machineVersion });
}

/** Without servers the client of the protocol is not loaded. */
async function openMcp(config: Config, clock: Clock, log: Log): Promise<Mcp> {
  const { mcp: settings } = config;
  if (settings.servers.length === 0) return noMcp;
  const { createMcp } = await import('#mcp/mcp');
  return createMcp({ settings, folder: dataFolderOf(config), clock, log });
}

interface Actors extends Pick<Core, 'journal' | 'messaging' | 'drafts' | 'schedules'> {
  server: HttpServer;
  /** Besides drafts and schedules. */
  tasks: readonly BackgroundTask[];
  closers: Closer[];
}

async function startAlone(actors: Actors): Promise<void> {
  const { journal, messaging, drafts, schedules, server, tasks, closers } = actors;
  closers.push(
    () => messaging.stop(),
    () => drafts.task.stop(),
    () => journal.stop(stopGraceMs),
    () => schedules.worker.stop(),
    () => server.close(),
  );
  // Stored jobs resume before a new one is accepted: the journal lets messages wait for that.
  await journal.resume();
  messaging.start();
  await drafts.task.start();
  schedules.worker.start();
  for (const task of tasks) {
    await task.start();
    closers.push(() => task.stop());
  }
}

/** Jobs and tasks start when their leases are gained. */
const startInCluster =
  (cluster: Cluster) =>
  async ({
    journal,
    messaging,
    drafts,
    schedules,
    server,
    tasks,
    closers,
  }: Actors): Promise<void> => {
    closers.push(
      () => cluster.close(),
      () => messaging.stop(),
      () => cluster.gates.settled(gateSettleMs),
      () => journal.stop(stopGraceMs),
      () => schedules.worker.stop(),
      () => server.close(),
      // First: other workers go on at once, and take the requests that this one still gets.
      () => cluster.leave(),
    );
    messaging.start();
    cluster.onSchedulesChanged(() => schedules.worker.wake());
    schedules.worker.start();
    await cluster.join(journal, [drafts.task, ...tasks]);
  };

const personsOf = ({ config, channels = bridgeChannelNames }: CoreOptions): Persons =>
  createPersons(
    config.persons.map((one) => ({ ...one, name: one.name ?? one.id })),
    channels,
  );

const listenHttp = (parts: {
  config: Config;
  log: Log;
  limits: RateLimiter;
  sessions: OpenedSessions;
  slices: FairSlices;
  routes: ServerOptions['routes'];
  jobService: JobService;
  onRequestFinished: NonNullable<ServerOptions['onRequestFinished']>;
}): Promise<HttpServer> => {
  const { config, jobService, sessions, ...rest } = parts;
  return startServer({
    ...config.server,
    apiKeys: apiKeysOf(config),
    ...rest,
    site: sessions.site,
    sessions: sessions.access,
    bridgeChannels: bridgeChannelNames,
    connectionsMax: config.server.limits.connections,
    ownerOf: async (jobId) => (await jobService.get(jobId)).user_id,
  });
};

function routesOf(
  parts: Pick<
    Core,
    'cluster' | 'jobService' | 'hub' | 'pool' | 'journal' | 'messaging' | 'drafts' | 'schedules'
  > & {
    live: LiveSource;
    stores: Stores;
    mcp: Mcp;
    library: Library;
    metrics: Metrics;
    backends: () => BackendView[];
    clock: Clock;
    log: Log;
    config: Config;
    limits: RateLimiter;
    sessions: OpenedSessions;
    slices: FairSlices;
    search: DocumentSearch;
    ask: AskRoutesOptions['ask'];
    react: AskLoopRoutesOptions['react'];
    queryCharsMax: number;
    calendar: CalendarFileService | null;
    memory: OpenedMemory;
  },
): ServerOptions['routes'] {
  const { cluster, jobService, hub, live, pool, journal, stores } = parts;
  const documents = documentApiOf(parts);
  const pictureLimits = parts.config.pictures;
  const completions = { ...parts, ...modelsOf(pool), pictureLimits, jobEvents: live };
  return [
    chatRoutes({ jobService, live }),
    eventRoutes({
      log: stores.events,
      notifier: notifierOf(stores, hub),
      libraryOwner: parts.library.ownerOf,
    }),
    documentRoutes(documents),
    ...memoAndDraftRoutes(parts.drafts, parts.library, hub, parts.slices),
    askRoutes(parts),
    askLoopRoutes(parts),
    calendarRoutes(parts.calendar),
    scheduleRoutes(parts.schedules.api, scheduleFeed(parts.schedules, stores, hub)),
    memoryRoutes(createMemoryApi(parts.memory.memories)),
    parts.sessions.routes(parts.limits),
    statusRoutes(createStatusSource(parts)),
    openAiRoutes({ ...completions, nextId: createIdSource() }),
    ollamaRoutes({ ...completions, embeddings: embeddingsOf(parts) }),
    doorRoutes({
      ...parts,
      ...createDoorApi({ ...parts, documents, memos: parts.drafts.memos }),
      onCall: parts.metrics.observeDoorCall,
    }),
    inspectorRoutes({
      ...parts,
      hub: cluster?.allLive ?? hub,
      storage: stores.jobs,
      queueOf: (jobId) => journal.queuePositionOf(jobId),
      gates: parts.backends,
      apiKeys: apiKeysOf(parts.config),
      sessions: parts.sessions.access,
      site: parts.sessions.site,
      redaction: parts.config.inspector.redaction,
      drafts: (userId) => parts.drafts.draftOverview(userId),
      draftsVersion: () => parts.drafts.draftsVersion(),
    }),
  ];
}

const documentApiOf = ({
  library,
  drafts,
  search,
  slices,
}: Pick<Core, 'drafts' | 'search'> & { library: Library; slices: FairSlices }) =>
  createDocumentApi(library, drafts.memos, search, slices);

/** On PostgreSQL events can be read when they have their places, whichever worker has stored them. */
const notifierOf = ({ onAppended }: Stores, hub: LiveHub): EventNotifier =>
  onAppended === null ? hub : { subscribe: (_all, { event }) => onAppended(event) };
