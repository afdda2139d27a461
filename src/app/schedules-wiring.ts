/** Wires the schedules to the doors, the metrics and the channels. */
import type { StoredEventFeed } from '#http/routes/stored-event-stream';
import type { LiveHub } from '#jobs/runtime/live-hub';
import type { Messaging } from '#events/messaging-port';
import type { Metrics } from '#observability/metrics/metrics';
import type { ScheduleService as ScheduleApi } from '#shared/wire/schedule-service';
import { createScheduleApi } from './api/schedule-api-adapter.ts';
import type { Assistant } from './assistant.ts';
import { channelFault } from './channels.ts';
import type { CoreParts } from './core-parts.ts';
import { scheduleReach } from './schedule-reach.ts';
import { createScheduleService, toldSchedules, type ScheduleService } from './schedule-service.ts';
import type { Stores } from './stores/stores.ts';

/** After a message, others are expected for this long. */
const busyMs = 2_000;

type OpenedSchedules = ScheduleService & { api: ScheduleApi };

export function openSchedules(
  {
    stores,
    config,
    persons,
    hub,
    tools,
    clock,
    log,
    faults,
    metrics,
    sources,
  }: Omit<CoreParts, 'library' | 'search'> & {
    metrics: Metrics;
    /** Read at each call: messaging is opened after the schedules. */
    sources: { messaging(): Pick<Messaging, 'hasBridge'> };
  },
  { commands, limits }: Pick<Assistant, 'commands' | 'limits'>,
): OpenedSchedules {
  const { schedules, jobs: jobStorage } = stores;
  const storage = toldSchedules(schedules, (events, kind) => {
    for (const event of events) metrics.observeScheduleEvent(kind, event);
    hub.schedule();
  });
  let writtenAt = Number.NEGATIVE_INFINITY;
  const hasBridge: Messaging['hasBridge'] = (channel) => sources.messaging().hasBridge(channel);
  const reach = scheduleReach({ config, stores, persons, hasBridge });
  const service = createScheduleService({
    storage,
    jobStorage,
    journal: commands,
    limits,
    clock,
    log,
    faults,
    perUserMax: config.schedules.perUserMax,
    persons,
    isConfigured: (tool) => !tools.notConfigured.has(tool),
    reach,
    isBusy: () => performance.now() - writtenAt < busyMs,
  });
  hub.subscribe(null, {
    event({ type, job_id: jobId, data }) {
      if (type === 'ack' && data['schedule'] === undefined) writtenAt = performance.now();
      if (type === 'done' && data['outcome'] === 'failed') void service.runFailed(jobId);
    },
    token: () => undefined,
  });
  const api = createScheduleApi({
    ...service,
    zone: config.timezone,
    clock,
    persons,
    channelFault: async (channel) =>
      (await reach.isGone(channel)) ? channelFault(channel, config) : null,
  });
  return { ...service, api };
}

/** Events of a schedule per read. */
const feedPage = 100;

export const scheduleFeed = (
  { schedules }: ScheduleService,
  stores: Stores,
  hub: LiveHub,
): StoredEventFeed => ({
  events: (id, afterSeq) => schedules.events(id, afterSeq, feedPage),
  subscribe: (_id, onNews) => {
    const nothing = (): void => undefined;
    // The hub says so when they are stored; on PostgreSQL also another worker may have stored them.
    const ends = [
      hub.subscribe(null, { event: nothing, token: nothing, schedule: onNews }),
      stores.onAppended?.(onNews),
    ];
    return () => ends.forEach((end) => end?.());
  },
});
