/**
 * All model servers of this core, each with its one gate and its health, and who plays which role. Where
 * none is configured it looks for local ones, and where none is found it starts the practice model.
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
  readonly members: readonly PoolMember[];
  /** Where the backends come from. */
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
}

export async function openBackendPool(options: PoolOptions): Promise<BackendPool> {
  const { config, log } = options;
  const { origin, configs, practice } = await chooseBackends(options);
  for (const { id, kind, model } of configs)
    log.info({ backend: id, kind, model }, `${origin} backend`);
  const members = configs.map((one) => openMember(one, options));
  for (const member of members) member.health.start();
  const find = (id: string): PoolMember | undefined => members.find((one) => one.config.id === id);

  return {
    members,
    origin,
    find,
    role: (role) => find(config.roles[role] ?? '') ?? members[0]!,
    async close() {
      for (const { gate } of members) gate.stop();
      await Promise.all(
        members.map(async ({ backend, health, probe }) => {
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
  const found = await discoverBackends(
    discoveryPorts === undefined ? {} : { ports: discoveryPorts },
  );
  if (found.length > 0) {
    return { origin: 'discovered', configs: found.map((server) => server.config), practice: null };
  }
  const practice = await startPracticeModel({ clock });
  return { origin: 'practice', configs: [practice.config], practice };
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
