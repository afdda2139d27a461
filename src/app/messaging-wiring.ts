/** Wires NATS messaging to the core's journal, hub and job service. */
import { dirname } from 'node:path';
import type { Config } from './config/config.ts';
import type { JobService } from '#shared/wire/job-service';
import type { EventLogStorage } from '#events/event-log-port';
import type { LiveHub } from '#jobs/runtime/live-hub';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { createMessaging } from '#events/messaging';
import type { Messaging, MessagingStatus } from '#events/messaging-port';
import { channels } from './channels.ts';
import type { Database } from '#storage/database';
import { createDeliveryStore } from '#events/store/event-log-store';

export function wireMessaging(parts: {
  config: Config;
  database: Database;
  outbox: EventLogStorage;
  jobService: JobService;
  hub: LiveHub;
  log: Log;
  faults: FaultInjector;
  /** Default: all that src/app/channels.ts names. */
  channels?: readonly string[] | undefined;
}): Messaging {
  const { config, database, outbox, jobService, hub, log, faults } = parts;
  return createMessaging({
    config: config.nats,
    jobService,
    outbox,
    live: hub,
    deliveries: createDeliveryStore(database),
    log,
    faults,
    channels: parts.channels ?? channels.map(({ name }) => name),
    dataFolder: dirname(config.database),
  });
}

/** The readiness reason for NATS; null if there is no problem. Jobs continue without NATS either way. */
export function messagingProblem({ bus, backlog, lastError }: MessagingStatus): string | null {
  if (bus === 'connecting') {
    const why = lastError === null ? '' : ` (${lastError.message})`;
    return `nats: not connected${why}; ${backlog} rows wait to be published, jobs go on`;
  }
  return lastError === null ? null : `nats: ${lastError.message}`;
}
