/** The backends as `GET /backends` and the inspector show them. */
import type { GateArbiterView } from './gate/gate-view.ts';
import { loadLabels } from './gate/load-level.ts';
import type { SpeculationFigures } from '#shared/model/speculation';
import type { BackendView } from '#shared/wire/backend-view';
import { roles, type BackendPool, type PoolMember } from './backend-pool.ts';

export function backendViews(pool: BackendPool, speculation: SpeculationFigures): BackendView[] {
  const reasoner = pool.role('reasoner');
  return pool.members.map((member) => ({
    ...backendView(member, pool),
    ...(member === reasoner ? { speculation: speculationView(speculation) } : {}),
  }));
}

const speculationView = ({ ends, savedMs, wastedMs, routedShare }: SpeculationFigures) => ({
  ...ends,
  saved_ms: Math.round(savedMs),
  wasted_ms: Math.round(wastedMs),
  routed_share: routedShare,
});

/** The backends as the model list of the OpenAI API shows them. */
export function modelListing(pool: BackendPool): { id: string; [field: string]: unknown }[] {
  return pool.members.map(({ config, health }) => ({
    id: config.id,
    kind: config.kind,
    model: config.model,
    vision: config.vision,
    healthy: health.store.getSnapshot().context.healthy,
    load: health.load(),
  }));
}

const arbiterView = (arbiter: GateArbiterView | null): BackendView['gate']['arbiter'] => {
  if (arbiter === null) return null;
  const { isSelf, ...rest } = arbiter;
  return { ...rest, is_self: isSelf };
};

function backendView(member: PoolMember, pool: BackendPool): BackendView {
  const { config, gate, health } = member;
  const { healthy, errorReason, healthMs, checkedAt, activeJobs } =
    health.store.getSnapshot().context;
  const view = gate.view();
  const load = health.load();
  return {
    id: config.id,
    kind: config.kind,
    model: config.model,
    vision: config.vision,
    origin: pool.origin,
    roles: roles.filter((role) => pool.role(role) === member),
    healthy,
    error_reason: errorReason,
    health_ms: healthMs,
    checked_at: checkedAt === null ? null : new Date(checkedAt).toISOString(),
    active_jobs: activeJobs,
    load,
    load_word: loadLabels[load],
    gate: {
      state: view.state,
      circuit: view.circuit,
      next_probe_at: view.nextProbeAt === null ? null : new Date(view.nextProbeAt).toISOString(),
      concurrency: view.concurrency,
      max_queue: view.maxQueue,
      running: view.running.map(({ kind, priority, user, jobId, heldMs, phase, speculative }) => ({
        kind,
        priority,
        user,
        job_id: jobId ?? null,
        phase,
        held_ms: heldMs,
        ...(speculative === undefined ? {} : { speculative }),
      })),
      waiting: view.waiting.map(
        ({ kind, priority, user, jobId, waitedMs, position, ahead, etaMs }) => ({
          kind,
          priority,
          user,
          job_id: jobId ?? null,
          waited_ms: waitedMs,
          position,
          ahead,
          eta_ms: etaMs,
        }),
      ),
      service_ms: view.serviceMs,
      drain_ms: view.drainMs,
      counters: { ...view.counters },
      ...(view.arbiter === undefined ? {} : { arbiter: arbiterView(view.arbiter) }),
    },
  };
}
