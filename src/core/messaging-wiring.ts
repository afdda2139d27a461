/** Wires NATS messaging to the core's journal, hub and job service. */
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { JobService } from '../contract/job-service.ts';
import type { EventLogStorage } from '../contract/event-log-storage.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { FaultInjector } from '../lib/fault-points.ts';
import type { Log } from '../lib/log.ts';
import { createMessaging } from '../messaging/messaging.ts';
import type { Messaging, MessagingStatus } from '../messaging/messaging-port.ts';
import type { Database } from '../store/database.ts';
import { createDeliveryStore } from '../store/event-log-store.ts';

export function wireMessaging(parts: {
  config: Config;
  database: Database;
  outbox: EventLogStorage;
  door: JobService;
  hub: LiveHub;
  log: Log;
  faults: FaultInjector;
}): Messaging {
  const { config, database, outbox, door, hub, log, faults } = parts;
  return createMessaging({
    config: config.nats,
    door,
    outbox,
    live: hub,
    deliveries: createDeliveryStore(database),
    log,
    faults,
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
