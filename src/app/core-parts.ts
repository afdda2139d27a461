/** The parts of the core that the wiring of the others takes. core.ts creates them. */
import type { Cluster } from './cluster/cluster.ts';
import type { Library } from '#library/library';
import type { DocumentSearch } from '#library/document-search';
import type { BackendPool } from '#models/backend-pool';
import type { LiveHub } from '#jobs/runtime/live-hub';
import type { Clock } from '#shared/clock';
import type { FairSlices } from '#shared/fair-slices';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import type { Persons } from '#shared/persons';
import type { Mcp } from '#mcp/mcp-port';
import type { ToolSet } from '#tools/tool-declaration';
import type { Config } from './config/config.ts';
import type { Stores } from './stores/stores.ts';

export interface CoreParts {
  /** Null: this process is alone. */
  cluster: Cluster | null;
  config: Config;
  persons: Persons;
  stores: Stores;
  tools: ToolSet;
  mcp: Mcp;
  pool: BackendPool;
  hub: LiveHub;
  slices: FairSlices;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
  library: Library;
  search: DocumentSearch;
}
