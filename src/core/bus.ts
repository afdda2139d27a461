/** The bus of this core: messaging over the core's own journal, hub and door. */
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { JobDoor } from '../contract/door.ts';
import type { OutboxStorage } from '../contract/outbox-storage.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import { createMessaging } from '../messaging/messaging.ts';
import type { Messaging, MessagingStatus } from '../messaging/ports.ts';
import type { Database } from '../store/database.ts';
import { createDeliveryStore } from '../store/outbox-store.ts';

export function createBus(parts: {
  config: Config;
  database: Database;
  outbox: OutboxStorage;
  door: JobDoor;
  hub: LiveHub;
  log: Log;
  faults: Faults;
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

/** What readiness says of the bus; null when there is nothing to say. Jobs go on without it either way. */
export function busProblem({ bus, backlog, lastError }: MessagingStatus): string | null {
  if (bus === 'connecting') {
    const why = lastError === null ? '' : ` (${lastError.message})`;
    return `nats: not connected${why}; ${backlog} rows wait to be published, jobs go on`;
  }
  return lastError === null ? null : `nats: ${lastError.message}`;
}
