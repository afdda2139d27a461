/** The settings of the tools: their section of the configuration, and that of the schedules. */
import type { ToolSettings } from '#tools/tool-declaration';
import type { Config } from './config.ts';

export const toolSettingsOf = ({ tools, schedules }: Config): ToolSettings => ({
  ...tools,
  schedules,
});
