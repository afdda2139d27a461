/** Wires the configured tools behind the registry, and the document library. */
import { createLibrary, type Library } from '#library/library';
import { createIdSource } from '#shared/ids';
import { createToolRegistry, type ToolRegistry, type ToolRegistryOptions } from '#tools/registry';
import type { StatusSource } from '#tools/status/status-tool';
import type { ReminderBook } from '#tools/schedule/reminder-book';
import type { CoreParts } from './core-parts.ts';
import { createFactBook } from './fact-book.ts';
import type { OpenedMemory } from './memory-wiring.ts';
import { createZones } from '#shared/calendar/zoned-time';

type ToolsParts = Omit<CoreParts, 'pool' | 'hub' | 'slices' | 'clock' | 'library'> & {
  status: StatusSource;
  library: Pick<Library, 'ownerOf'>;
  reminders: ReminderBook;
  memory: OpenedMemory;
  onCall: ToolRegistryOptions['onCallFinished'];
};

export async function wireTools(parts: ToolsParts): Promise<ToolRegistry> {
  const { config, stores, tools, search, library, log, faults } = parts;
  return createToolRegistry({
    tools: [
      ...(await tools.open({
        ...parts,
        calendar: stores.calendar,
        documents: search,
        openDrafts: (userId, limit) =>
          stores.documents.drafts.undecided(library.ownerOf(userId), limit),
        facts: createFactBook(parts.memory.memories, parts.persons),
        zones: createZones(),
      })),
      ...parts.mcp.tools,
    ],
    notConfigured: tools.notConfigured,
    log,
    faults,
    toolTimeoutMs: config.jobs.toolTimeoutMs,
    onCallFinished: parts.onCall,
  });
}

export const wireLibrary = (
  parts: Pick<CoreParts, 'config' | 'stores' | 'hub' | 'clock'>,
): Library =>
  createLibrary({
    storage: parts.stores.documents,
    ids: createIdSource(),
    clock: parts.clock,
    shared: parts.config.tools.documents.shared,
    publish: (event) => parts.hub.document(event),
  });
