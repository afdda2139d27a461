/**
 * The core of a soak, in a process of its own: `node --expose-gc core-child.ts CONFIG PACE`, both JSON. Sends its
 * address, and its figures at each request.
 */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import type { RetentionSchedule } from '#storage/retention-job';
import { silentLog } from '#shared/log';

export interface Figures {
  heapBytes: number;
  rssBytes: number;
  /** Timers, sockets and requests that Node holds. */
  resources: number;
  /** Open files and sockets of the process; 0 if the system does not report them. */
  descriptors: number;
  /** The longest time that the event loop was blocked since the last request for figures. */
  stallMs: number;
  loadedJobs: number;
}

const [config = '{}', pace = '{}'] = process.argv.slice(2);
const core = await startCore({
  config: configSchema.parse(JSON.parse(config)),
  log: silentLog(),
  retentionSchedule: JSON.parse(pace) as RetentionSchedule,
});
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

function figures(): Figures {
  const stallMs = delay.max / 1e6;
  // Collects garbage first: only surviving objects count as a leak.
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  delay.reset();
  return {
    heapBytes: heapUsed,
    rssBytes: rss,
    resources: process.getActiveResourcesInfo().length,
    descriptors: descriptors(),
    stallMs,
    loadedJobs: core.journal.stats.loaded,
  };
}

function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

process.on('message', () => process.send!(figures()));
process.once('disconnect', () => void core.stop());
process.send!({ url: core.url });
