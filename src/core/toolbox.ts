/** The tools that the configuration asks for, behind the registry. */
import type { Config } from '../config/config.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import { createToolRegistry, type ToolRegistry } from '../tools/registry.ts';

export function createToolbox(options: { config: Config; log: Log; faults: Faults }): ToolRegistry {
  const { config, log, faults } = options;
  return createToolRegistry({
    tools: [],
    log,
    faults,
    toolTimeoutMs: config.jobs.toolTimeoutMs,
  });
}
