/**
 * The core of a soak, in a process of its own: `node --expose-gc core-child.ts CONFIG PACE`, both JSON. Says where it
 * is, and its figures whenever it is asked.
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
  /** Open files and sockets of the process; 0 where the system does not tell. */
  descriptors: number;
  /** The longest that the thread was busy in one piece since the last question. */
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
  // What is garbage is no leak; only what survives counts.
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
