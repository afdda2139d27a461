/** The tools that the configuration asks for, behind the registry. */
import type { Config } from '../config/config.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import { createToolRegistry, type ToolRegistry } from '../tools/registry.ts';
import { createStatusTool, type StatusSource } from '../tools/status/status-tool.ts';

export function createToolbox(options: {
  config: Config;
  log: Log;
  faults: Faults;
  status: StatusSource;
}): ToolRegistry {
  const { config, log, faults, status } = options;
  return createToolRegistry({
    tools: [createStatusTool(status)],
    log,
    faults,
    toolTimeoutMs: config.jobs.toolTimeoutMs,
  });
}
