/** Prometheus metrics of schedules: their stored events, and what is next. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '#shared/clock';
import type { MaybePromise } from '#shared/maybe-promise';
import { oncePerScrape } from './once-per-scrape.ts';
import { addReadGauge } from './read-gauge.ts';

/** Times are epoch ms. */
interface Overview {
  active: number;
  paused: number;
  due: number;
  nextAt: number | null;
}

export interface ScheduleSources {
  schedules: () => MaybePromise<Overview>;
  clock: Clock;
}

export type ScheduleObserver = (
  kind: string,
  event: { type: string; data: Record<string, unknown> },
) => void;

/** A reminder fires within a second; one that was missed overnight is hours late. */
const latenessBuckets = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200, 43_200, 172_800,
];

/** Returns the observer of stored events: each type of the catalogue of events is one value of a label. */
export function addScheduleMetrics(
  registry: Registry,
  { schedules, clock }: ScheduleSources,
): ScheduleObserver {
  const registers = [registry];
  const events = new Counter({
    name: 'gatehouse_schedule_events_total',
    help: 'Events of schedules by type (fired, late, missed, skipped, failed, undelivered and more)',
    labelNames: ['kind', 'type'],
    registers,
  });
  const lateness = new Histogram({
    name: 'gatehouse_schedule_late_seconds',
    help: 'From the time of an occurrence to its run',
    labelNames: ['kind'],
    buckets: latenessBuckets,
    registers,
  });
  const overview = oncePerScrape(schedules);
  registry.registerMetric(
    new Gauge({
      name: 'gatehouse_schedules',
      help: 'Schedules that are active or paused, alarms of the calendar included',
      labelNames: ['state'],
      registers: [],
      async collect() {
        const read = await overview();
        this.reset();
        if (read === null) return;
        for (const state of ['active', 'paused'] as const) this.set({ state }, read[state]);
      },
    }),
  );
  const gauge = addReadGauge.bind(null, registry);
  gauge(
    'gatehouse_schedules_due',
    'Schedules whose time has come, and that have not fired yet',
    async () => (await overview())?.due ?? null,
  );
  gauge(
    'gatehouse_schedule_next_seconds',
    'Until the next occurrence; negative: it is due',
    async () => {
      const nextAt = (await overview())?.nextAt ?? null;
      return nextAt === null ? null : (nextAt - clock.now()) / 1_000;
    },
  );
  return (kind, { type, data }) => {
    events.inc({ kind, type });
    const { late_ms: lateMs, outcome } = data;
    const isRun = outcome === 'fired' || outcome === 'late';
    if (isRun && typeof lateMs === 'number') lateness.observe({ kind }, lateMs / 1_000);
  };
}
