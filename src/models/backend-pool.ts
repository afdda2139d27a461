/**
 * All model servers of this core, each with its one gate and its health monitor, and the backend of each role. Without
 * configured backends it discovers local servers; if there are none, it starts the demo model (origin `practice`) and
 * continues the discovery: a server that is started later takes over.
 *
 * B1 Each server has one gate from the moment it joins the pool (P6). Requests that run on the demo model when a server
 *    is found end there: the demo model stays open until the pool is closed, and only new requests go to the server.
 * B2 A discovered server is not replaced by the demo model: its loss is reported by health, log and readiness.
 */
import { createBackend, type ClosableBackend } from './client/backend.ts';
import type { BackendConfig } from './backend-config.ts';
import { discoverBackends } from './discovery/discovery.ts';
import type { GateObservation, GateOptions } from './gate/gate-options.ts';
import { ownRequests, type ObservableGate } from './gate/gate-view.ts';
import { GateActor } from './gate/gate.ts';
import { createHealthMonitor, type HealthMonitor } from './health/health.ts';
import type { DemoTool } from '#shared/model/demo-rule';
import { startDemoModel, type DemoModel } from './demo-model/demo-model.ts';
import { createProbe, type Probe } from './health/probe.ts';
import type {
  ModelOutcome,
  ModelRequest,
  RequestKind,
  RunOptions,
  Backend,
} from '#shared/model/model';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import { deriveLeaseMs } from './derived-timeouts.ts';
import { GatehouseError } from '#shared/errors';

export const roles = ['classifier', 'reasoner', 'drafter', 'ask', 'react'] as const;
export type Role = (typeof roles)[number];

/** The part of the configuration that the pool reads. */
export interface BackendPoolSettings {
  /** Empty: local servers are discovered. */
  readonly backends: readonly BackendConfig[];
  /** Backend ids. */
  readonly roles: { readonly [R in Role]?: string | undefined };
  readonly gates: Required<
    Pick<GateOptions, 'maxQueue' | 'agingMs' | 'preemptBackground' | 'maxPreemptions'>
  >;
}

export interface PoolMember {
  backend: ClosableBackend;
  config: BackendConfig;
  gate: ObservableGate;
  health: HealthMonitor;
  probe: Probe;
}

/** Receives measurements: each wait, service and drain at a gate, and the outcome of each request. */
export interface PoolObserver {
  observeGate?(backendId: string, observation: GateObservation): void;
  observeOutcome?(kind: RequestKind, outcome: ModelOutcome): void;
  requestStarted?(config: BackendConfig, request: ModelRequest, options: RunOptions): RequestSpan;
}

export interface RequestSpan {
  /** Sent to the model server in place of the caller's `traceparent`. */
  traceparent: string;
  ended(outcome: ModelOutcome): void;
}

export interface PoolOptions {
  config: BackendPoolSettings;
  clock: Clock;
  log: Log;
  observer?: PoolObserver;
  /** A gate that this process shares with others. Default: a gate of its own. */
  createGate?: ((options: GateOptions) => ObservableGate) | undefined;
  /** How the demo model answers for the tools. */
  tools?: { demoTools: readonly DemoTool[] };
  /** For tests: ports to search for local servers. */
  discoveryPorts?: readonly number[];
  /** For tests: interval of the discovery while the demo model answers. */
  discoveryEveryMs?: number;
}

/** The interval of the health checks: one discovery is a small GET to each of the usual ports of loopback. */
const discoveryIntervalMsDefault = 15_000;

export async function openBackendPool(options: PoolOptions) {
  const { config, log } = options;
  const chosen = await chooseBackends(options);
  const { practice } = chosen;
  let { origin } = chosen;
  const opened: PoolMember[] = [];
  const open = (configs: readonly BackendConfig[]): PoolMember[] => {
    for (const { id, kind, model } of configs)
      log.info({ backend: id, kind, model }, `${origin} backend`);
    const all = configs.map((one) => openMember(one, options));
    for (const { health } of all) health.start();
    opened.push(...all);
    return all;
  };
  let members = open(chosen.configs);
  const take = (found: readonly BackendConfig[]): void => {
    origin = 'discovered';
    members = open(found);
    log.info('a model server was found: it answers from now on in place of the practice model');
  };
  const discovery = practice === null ? null : pollForServers(options, take);
  const find = (id: string): PoolMember | undefined => members.find((one) => one.config.id === id);

  return {
    /** Changes once, when discovered servers replace the demo model. */
    get members(): readonly PoolMember[] {
      return members;
    },
    /** The source of the backends. Changes with `members`. */
    get origin(): 'configured' | 'discovered' | 'practice' {
      return origin;
    },
    find,
    /** The configured backend of the role, else the first backend. */
    role: (role: Role): PoolMember => find(config.roles[role] ?? '') ?? members[0]!,
    async close(): Promise<void> {
      await discovery?.stop();
      for (const { gate } of opened) gate.stop();
      await Promise.all(
        opened.map(async ({ backend, health, probe }) => {
          await health.stop();
          await probe.close();
          await backend.close();
        }),
      );
      await practice?.close();
    },
  };
}
export type BackendPool = Awaited<ReturnType<typeof openBackendPool>>;

async function chooseBackends({ config, clock, discoveryPorts, tools }: PoolOptions): Promise<{
  origin: BackendPool['origin'];
  configs: readonly BackendConfig[];
  practice: DemoModel | null;
}> {
  if (config.backends.length > 0) {
    return { origin: 'configured', configs: config.backends, practice: null };
  }
  const found = await localServers({ discoveryPorts });
  if (found.length > 0) return { origin: 'discovered', configs: found, practice: null };
  const practice = await startDemoModel({ clock, tools: tools?.demoTools ?? [] });
  return { origin: 'practice', configs: [practice.config], practice };
}

async function localServers({
  discoveryPorts: ports,
}: {
  discoveryPorts?: readonly number[] | undefined;
}): Promise<BackendConfig[]> {
  const found = await discoverBackends(ports === undefined ? {} : { ports });
  return found.map((server) => server.config);
}

/** Repeats the discovery until it finds a server; `take` is called once. */
function pollForServers(
  options: PoolOptions,
  take: (found: readonly BackendConfig[]) => void,
): { stop(): Promise<void> } {
  const { discoveryEveryMs = discoveryIntervalMsDefault } = options;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const discoverNow = async (): Promise<void> => {
    const found = await localServers(options);
    if (isStopped) return;
    if (found.length > 0) take(found);
    else scheduleNext();
  };
  const scheduleNext = (): void => {
    timer = setTimeout(() => {
      running = discoverNow();
    }, discoveryEveryMs);
    timer.unref();
  };
  scheduleNext();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

function openMember(config: BackendConfig, options: PoolOptions): PoolMember {
  const { clock, log, observer } = options;
  const { gates } = options.config;
  const probe = createProbe(config);
  const createGate = options.createGate ?? ((own) => new GateActor(own));
  const gate = createGate({
    id: config.id,
    concurrency: config.concurrency,
    clock,
    maxQueue: gates.maxQueue,
    agingMs: gates.agingMs,
    preemptBackground: gates.preemptBackground,
    maxPreemptions: gates.maxPreemptions,
    leaseMs: deriveLeaseMs(config.timeoutsMs),
    probe: () => probe.isReachable(),
    onObserve: (observation) => observer?.observeGate?.(config.id, observation),
  });
  const health = createHealthMonitor({
    id: config.id,
    probe,
    clock,
    log,
    ownJobs() {
      return ownRequests(gate.view());
    },
  });
  const backend = withObserver(createBackend({ config, gate, clock, log }), config, observer);
  return { backend, config, gate, health, probe };
}

const withObserver = (
  backend: ClosableBackend,
  config: BackendConfig,
  observer: PoolOptions['observer'],
): ClosableBackend => ({
  ...backend,
  async run(request, options) {
    const watch = observer?.requestStarted?.(config, request, options);
    const sent = watch === undefined ? options : { ...options, traceparent: watch.traceparent };
    const { speculative } = options;
    let ended: ModelOutcome | null = null;
    let isCounted = speculative === undefined;
    const count = (): void => {
      if (isCounted && ended !== null) observer?.observeOutcome?.(options.kind, ended);
    };
    const granted = (adopt: () => void): void =>
      speculative?.granted(() => {
        isCounted = true;
        adopt();
        count();
      });
    ended = await backend.run(request, speculative ? { ...sent, speculative: { granted } } : sent);
    count();
    watch?.ended(ended);
    return ended;
  },
});

/**
 * The backend with this id; the backend of the role if the name is null.
 * @throws GH_BACKEND_UNKNOWN
 */
export function selectBackend(
  pool: Pick<BackendPool, 'members' | 'find' | 'role'>,
  name: string | null,
  role: Role,
): Backend {
  if (name === null) return pool.role(role).backend;
  const named = pool.find(name);
  if (named !== undefined) return named.backend;
  const known = pool.members.map(({ config }) => config.id).join(', ');
  throw new GatehouseError(
    'GH_BACKEND_UNKNOWN',
    `There is no backend ${JSON.stringify(name.slice(0, 64))}; there are: ${known}`,
  );
}
