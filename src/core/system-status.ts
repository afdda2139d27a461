/** What the status tool tells of: each backend as this moment knows it, and the jobs of this core. */
import type { JournalStats } from '../journal/journal.ts';
import type { BackendStatus, Load, StatusSource } from '../tools/status/status-tool.ts';
import type { LoadLevel } from '../backends/load.ts';
import { isLearnt } from '../backends/load.ts';
import type { BackendPool, PoolMember } from './backend-pool.ts';

const words: Record<LoadLevel, Load> = {
  free: 'idle',
  normal: 'normal',
  busy: 'busy',
  very_busy: 'very_busy',
};

/** Looks at the backends first where nobody has looked yet; else costs nothing. */
export function createSystemStatus(parts: {
  pool: Pick<BackendPool, 'members'>;
  stats: () => JournalStats;
}): StatusSource {
  return {
    async read() {
      const { running, queued } = parts.stats();
      const backends = await Promise.all(parts.pool.members.map(backendStatus));
      return { backends, queue: { running, waiting: queued } };
    },
  };
}

async function backendStatus({ config, gate, health }: PoolMember): Promise<BackendStatus> {
  const seen = health.store.getSnapshot().context;
  const { healthy, errorReason, activeJobs, healthMs, baseline } =
    seen.checkedAt === null ? await health.check() : seen;
  const { circuit, running, waiting } = gate.view();
  const ownJobs = running.length + waiting.length;
  const isOpen = circuit !== 'closed';
  return {
    id: config.id,
    connected: healthy !== false && !isOpen,
    load: words[health.load()],
    // Of ours we know exactly; a server that says nothing of others is told by its latency when we ask nothing.
    activeJobs: activeJobs === null && ownJobs === 0 ? null : Math.max(activeJobs ?? 0, ownJobs),
    latencyMs: healthMs,
    baselineMs: isLearnt(baseline) ? baseline.ms : null,
    reason: errorReason ?? (isOpen ? 'breaker_open' : null),
  };
}
