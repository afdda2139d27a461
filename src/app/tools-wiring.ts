/** Wires the configured tools behind the registry, and the document library. */
import { readFileSync } from 'node:fs';
import type { Config } from './config/config.ts';
import { createLibrary, type Library } from '#library/library';
import type { Clock } from '#shared/clock';
import { GatehouseError, messageOf } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import type { Database } from '#storage/database';
import { createDocumentStore } from '#library/store/document-store';
import { createCaldavCalendar } from '#tools/calendar/caldav-calendar';
import type { CalendarSource } from '#tools/calendar/calendar-port';
import { createCalendarTool } from '#tools/calendar/calendar-tool';
import { createLocalCalendar } from '#tools/calendar/local-calendar';
import { createDocumentTool, type DocumentSearch } from '#tools/documents/document-tool';
import { createEmailTool } from '#tools/email/email-tool';
import { createImapMailbox } from '#tools/email/imap-mailbox';
import type { MailAccount } from '#tools/email/mail-port';
import { createToolRegistry, type ToolRegistry, type ToolRegistryOptions } from '#tools/registry';
import { createStatusTool, type StatusSource } from '#tools/status/status-tool';
import type { TlsTrust } from '#shared/tls-options';
import { createZones, type Zones } from '#shared/calendar/zoned-time';

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
