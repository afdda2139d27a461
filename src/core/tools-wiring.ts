/** Wires the configured tools behind the registry, and the document library. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { createLibrary, type Library } from '../documents/library.ts';
import type { Clock } from '../lib/clock.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { FaultInjector } from '../lib/fault-points.ts';
import { createIdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { createCalendarStore } from '../store/calendar-store.ts';
import type { Database } from '../store/database.ts';
import { createDocumentStore } from '../store/document-store.ts';
import { createCaldavCalendar } from '../tools/calendar/caldav-calendar.ts';
import type { CalendarSource } from '../tools/calendar/calendar-port.ts';
import { createCalendarTool } from '../tools/calendar/calendar-tool.ts';
import { createLocalCalendar } from '../tools/calendar/local-calendar.ts';
import { createDocumentTool, type DocumentSearch } from '../tools/documents/document-tool.ts';
import { createEmailTool } from '../tools/email/email-tool.ts';
import { createImapMailbox } from '../tools/email/imap-mailbox.ts';
import type { MailAccount } from '../tools/email/mail-port.ts';
import {
  createToolRegistry,
  type ToolRegistry,
  type ToolRegistryOptions,
} from '../tools/registry.ts';
import { createStatusTool, type StatusSource } from '../tools/status/status-tool.ts';
import type { TlsTrust } from '../lib/tls-options.ts';
import { createZones, type Zones } from '../tools/zoned-time.ts';

interface TrustSettings {
  caFile?: string | undefined;
  fingerprint256?: string | undefined;
}

interface ToolsParts {
  config: Config;
  database: Database;
  search: DocumentSearch;
  log: Log;
  faults: FaultInjector;
  status: StatusSource;
  onCall: ToolRegistryOptions['onCallFinished'];
}

export function wireTools(parts: ToolsParts): ToolRegistry {
  const { config, search, log, faults, status } = parts;
  const zones = createZones();
  return createToolRegistry({
    tools: [
      createCalendarTool({ source: calendarSource(parts, zones), zones, log }),
      createEmailTool({ mailboxes: mailAccounts(config).map(createImapMailbox), zones, log }),
      createDocumentTool(search),
      createStatusTool(status),
    ],
    log,
    faults,
    toolTimeoutMs: config.jobs.toolTimeoutMs,
    onCallFinished: parts.onCall,
  });
}

export function wireLibrary(parts: { config: Config; database: Database; clock: Clock }): Library {
  const { config, database, clock } = parts;
  return createLibrary({
    storage: createDocumentStore(database),
    ids: createIdSource(),
    clock,
    shared: config.tools.documents.shared,
  });
}

function calendarSource({ config, database, log }: ToolsParts, zones: Zones): CalendarSource {
  const { calendar } = config.tools;
  if (calendar.provider === 'caldav') {
    return createCaldavCalendar({ ...calendar, ...readTlsTrust(calendar), zones, log });
  }
  const storage = createCalendarStore(database);
  return createLocalCalendar({ storage, zones, shared: calendar.shared });
}

/** All configured mail accounts. @throws GH_CONFIG_INVALID when a certificate cannot be read. */
export function mailAccounts(config: Config): MailAccount[] {
  const { email } = config.tools;
  if (email.provider === 'none') return [];
  return [email, ...email.accounts].map((account) => ({
    ...account,
    ...readTlsTrust(account),
    name: account.name ?? account.username,
  }));
}

/** @throws GH_CONFIG_INVALID when the file cannot be read. */
export function readTlsTrust({ caFile, fingerprint256 }: TrustSettings): TlsTrust {
  try {
    return { ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'), fingerprint256 };
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `caFile: ${messageOf(error)}`, { cause: error });
  }
}
