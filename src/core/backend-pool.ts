/**
 * All model servers of this core, each with its one gate and its health, and who plays which role. Where
 * none is configured it looks for local ones, and where none is found it starts the practice model and goes on looking:
 * a server that is started later takes over.
 *
 * B1 Each server has one gate from the moment it is a member (P6). What runs at the practice model when a server is found
 *    ends there: the practice model stays open until the pool is closed, and only new requests go to the server.
 * B2 A server that was found is not given up for the practice model: its loss is reported by health, log and readiness.
 */
import { createBackend, type OwnedBackend } from '../backends/backend.ts';
import type { BackendConfig } from '../backends/backend-config.ts';
import { discoverBackends } from '../backends/discovery.ts';
import type { GateObservation } from '../backends/gate-options.ts';
import { createGate, type GateActor } from '../backends/gate.ts';
import { createHealthMonitor, type HealthMonitor } from '../backends/health.ts';
import { startPracticeModel, type PracticeModel } from '../backends/practice-model.ts';
import { createProbe, type Probe } from '../backends/probe.ts';
import type { Config } from '../config/config.ts';
import type { ModelOutcome, ModelRequest, RequestKind, RunOptions } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { leaseMsOf } from './time-limits.ts';

export type Role = keyof Config['roles'];
export const roles: readonly Role[] = ['classifier', 'reasoner', 'drafter', 'ask', 'react'];

export interface PoolMember {
  backend: OwnedBackend;
  config: BackendConfig;
  gate: GateActor;
  health: HealthMonitor;
  probe: Probe;
}

export interface BackendPool {
  /** Changes once where the practice model gives way to servers that were found. */
  readonly members: readonly PoolMember[];
  /** Where the backends come from. Changes with `members`. */
  readonly origin: 'configured' | 'discovered' | 'practice';
  /** The configured backend of the role, else the first. */
  role(role: Role): PoolMember;
  find(id: string): PoolMember | undefined;
  close(): Promise<void>;
}

/** Who measures: told of each wait, service and drain at a gate, and of what became of each request. */
export interface PoolObserver {
  observeGate?(backendId: string, observation: GateObservation): void;
  observeOutcome?(kind: RequestKind, outcome: ModelOutcome): void;
  requestStarted?(config: BackendConfig, request: ModelRequest, options: RunOptions): RequestWatch;
}

export interface RequestWatch {
  /** What goes to the model server in place of the caller's. */
  traceparent: string;
  ended(outcome: ModelOutcome): void;
}

export interface PoolOptions {
  config: Config;
  clock: Clock;
  log: Log;
  observer?: PoolObserver;
  /** For tests: where to look for local servers. */
  discoveryPorts?: readonly number[];
  /** For tests: between two looks for local servers while the practice model answers. */
  discoveryEveryMs?: number;
}

/** As often as the health of a server is looked at: a look is one small GET to each of the usual ports of loopback. */
const discoveryEveryMsUsual = 15_000;

export async function openBackendPool(options: PoolOptions): Promise<BackendPool> {
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
  const looking = practice === null ? null : lookForServers(options, take);
  const find = (id: string): PoolMember | undefined => members.find((one) => one.config.id === id);

  return {
    get members() {
      return members;
    },
    get origin() {
      return origin;
    },
    find,
    role: (role) => find(config.roles[role] ?? '') ?? members[0]!,
    async close() {
      await looking?.stop();
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

async function chooseBackends({ config, clock, discoveryPorts }: PoolOptions): Promise<{
  origin: BackendPool['origin'];
  configs: BackendConfig[];
  practice: PracticeModel | null;
}> {
  if (config.backends.length > 0) {
    return { origin: 'configured', configs: config.backends, practice: null };
  }
  const found = await localServers({ discoveryPorts });
  if (found.length > 0) return { origin: 'discovered', configs: found, practice: null };
  const practice = await startPracticeModel({ clock });
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

/** One look after the other until there is a server; `take` is called once. */
function lookForServers(
  options: PoolOptions,
  take: (found: readonly BackendConfig[]) => void,
): { stop(): Promise<void> } {
  const { discoveryEveryMs = discoveryEveryMsUsual } = options;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const found = await localServers(options);
    if (isStopped) return;
    if (found.length > 0) take(found);
    else later();
  };
  const later = (): void => {
    timer = setTimeout(() => {
      running = look();
    }, discoveryEveryMs);
    timer.unref();
  };
  later();
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
  const gate = createGate({
    id: config.id,
    concurrency: config.concurrency,
    clock,
    maxQueue: gates.maxQueue,
    agingMs: gates.agingMs,
    preemptBackground: gates.preemptBackground,
    maxPreemptions: gates.maxPreemptions,
    leaseMs: leaseMsOf(config.timeoutsMs),
    probe: () => probe.reaches(),
    onObserve: (observation) => observer?.observeGate?.(config.id, observation),
  });
  const health = createHealthMonitor({
    id: config.id,
    probe,
    clock,
    log,
    ownJobs() {
      const { running, waiting } = gate.view();
      return running.length + waiting.length;
    },
  });
  const backend = observed(createBackend({ config, gate, clock, log }), config, observer);
  return { backend, config, gate, health, probe };
}

const observed = (
  backend: OwnedBackend,
  config: BackendConfig,
  observer: PoolOptions['observer'],
): OwnedBackend => ({
  ...backend,
  async run(request, options) {
    const watch = observer?.requestStarted?.(config, request, options);
    const sent = watch === undefined ? options : { ...options, traceparent: watch.traceparent };
    const outcome = await backend.run(request, sent);
    observer?.observeOutcome?.(options.kind, outcome);
    watch?.ended(outcome);
    return outcome;
  },
});
