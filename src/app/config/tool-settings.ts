/** The settings of the tools: their section of the configuration, and those of schedules and memory. */
import type { ToolSettings } from '#tools/tool-declaration';
import type { Config } from './config.ts';

export const toolSettingsOf = ({ tools, schedules, memory }: Config): ToolSettings => ({
  ...tools,
  schedules,
  memory,
});
