/** Data of the status tool: the current state of each backend, and the jobs of this core. */
import type { JournalStats } from '#jobs/runtime/journal';
import type { BackendStatus, ReportedLoad, StatusSource } from '#tools/status/status-tool';
import type { ScheduleStorage } from '#schedules/schedule-port';
import type { Clock } from '#shared/clock';
import type { LoadLevel } from '#models/gate/load-level';
import { isCalibrated } from '#models/gate/load-level';
import { ownRequests } from '#models/gate/gate-view';
import type { BackendPool, PoolMember } from '#models/backend-pool';

const toReportedLoad: Record<LoadLevel, ReportedLoad> = {
  free: 'idle',
  normal: 'normal',
  busy: 'busy',
  very_busy: 'very_busy',
};

/** Runs a backend's first health check if there was none yet; otherwise uses the last result. */
export function createSystemStatus(parts: {
  pool: Pick<BackendPool, 'members'>;
  stats: () => JournalStats;
  schedules: Pick<ScheduleStorage, 'overview'>;
  clock: Clock;
}): StatusSource {
  return {
    async read(userId) {
      const { running, queued } = parts.stats();
      const backends = await Promise.all(parts.pool.members.map(backendStatus));
      const { active, paused, nextAt } = await parts.schedules.overview(parts.clock.now(), userId);
      const schedules = { active, paused, nextAt };
      return { backends, queue: { running, waiting: queued }, schedules };
    },
  };
}

async function backendStatus({ config, gate, health }: PoolMember): Promise<BackendStatus> {
  const seen = health.store.getSnapshot().context;
  const { healthy, errorReason, activeJobs, healthMs, baseline } =
    seen.checkedAt === null ? await health.check() : seen;
  const view = gate.view();
  const ownJobs = ownRequests(view);
  const isOpen = view.circuit !== 'closed';
  return {
    id: config.id,
    connected: healthy !== false && !isOpen,
    load: toReportedLoad[health.load()],
    // The number of our own jobs is exact. A server that does not report its jobs is judged by its latency while it
    // runs none of ours.
    activeJobs: activeJobs === null && ownJobs === 0 ? null : Math.max(activeJobs ?? 0, ownJobs),
    latencyMs: healthMs,
    baselineMs: isCalibrated(baseline) ? baseline.ms : null,
    reason: errorReason ?? (isOpen ? 'breaker_open' : null),
  };
}
