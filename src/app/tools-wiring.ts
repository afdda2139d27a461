/** Wires the configured tools behind the registry, and the document library. */
import type { Config } from './config/config.ts';
import { createLibrary, type Library } from '#library/library';
import type { Clock } from '#shared/clock';
import type { FaultInjector } from '#shared/fault-points';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import type { Database } from '#storage/database';
import { createDocumentStore } from '#library/store/document-store';
import type { DocumentSearch } from '#tools/documents/document-tool';
import { createToolRegistry, type ToolRegistry, type ToolRegistryOptions } from '#tools/registry';
import type { StatusSource } from '#tools/status/status-tool';
import { missingTools, openTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';
import { createZones } from '#shared/calendar/zoned-time';

interface ToolsParts {
  config: Config;
  database: Database;
  search: DocumentSearch;
  log: Log;
  faults: FaultInjector;
  status: StatusSource;
  onCall: ToolRegistryOptions['onCallFinished'];
}

export async function wireTools(parts: ToolsParts): Promise<ToolRegistry> {
  const { config, search, log, faults } = parts;
  const { tools: settings, jobs } = config;
  return createToolRegistry({
    tools: await openTools(toolList, {
      ...parts,
      settings,
      documents: search,
      zones: createZones(),
    }),
    notConfigured: missingTools(toolList, settings),
    log,
    faults,
    toolTimeoutMs: jobs.toolTimeoutMs,
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
