/** Wires NATS messaging to the core's journal, hub and job service. */
import type { Config } from './config/config.ts';
import { dataFolderOf } from './config/database-settings.ts';
import type { Persons } from '#shared/persons';
import { isToPlaceOfJob } from '#events/channel-link/reply-routes';
import type { JobService } from '#shared/wire/job-service';
import type { ScheduleService as ScheduleApi } from '#shared/wire/schedule-service';
import type { LiveSource } from '#shared/wire/live-source';
import type { LiveHub } from '#jobs/runtime/live-hub';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { createMessaging } from '#events/messaging';
import type { Messaging, MessagingBacklog, MessagingStatus } from '#events/messaging-port';
import type { Cluster } from './cluster/cluster.ts';
import { channels } from './channels.ts';
import type { ScheduleService } from './schedule-service.ts';
import type { Stores } from './stores/stores.ts';

export function wireMessaging(parts: {
  config: Config;
  stores: Pick<Stores, 'events' | 'deliveries' | 'onAppended'>;
  jobService: JobService;
  persons: Persons;
  schedules: Pick<ScheduleService, 'followDelivery'> & { api: ScheduleApi };
  hub: LiveHub;
  live: LiveSource;
  cluster?: Cluster | null;
  log: Log;
  faults: FaultInjector;
  /** Default: all that src/app/channels.ts names. */
  channels?: readonly string[] | undefined;
}): Messaging {
  const { config, stores, jobService, persons, schedules, hub, live, cluster, log, faults } = parts;
  return createMessaging({
    config: config.nats,
    jobService,
    schedules: schedules.api,
    outbox: stores.events,
    live: hub,
    liveOfAll: live,
    onAppended: stores.onAppended,
    deliveries: stores.deliveries,
    persons,
    async onReport({ job_id: jobId, reply_id: replyId, status, error }) {
      if (!isToPlaceOfJob(replyId)) return;
      const seq = Number(replyId.slice(replyId.lastIndexOf(':') + 1));
      await schedules.followDelivery({ jobId, seq, status, error });
    },
    log,
    faults,
    channels: parts.channels ?? channels.map(({ name }) => name),
    dataFolder: dataFolderOf(config),
    replicas: config.cluster?.replicas,
    switches: cluster?.switches,
    transport: cluster?.transport,
  });
}

/** The readiness reason for NATS; null if there is no problem. Jobs continue without NATS either way. */
export function messagingProblem({
  bus,
  backlog,
  lastError,
}: MessagingStatus & MessagingBacklog): string | null {
  if (bus === 'connecting') {
    const why = lastError === null ? '' : ` (${lastError.message})`;
    return `nats: not connected${why}; ${backlog} rows wait to be published, jobs go on`;
  }
  return lastError === null ? null : `nats: ${lastError.message}`;
}
