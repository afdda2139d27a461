/** Doctor checks of the configured tools: each tool declares its own. */
import type { Config } from '#app/config/config';
import type { CheckResult } from '#shared/check-result';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';

export const checkTools = ({ tools }: Config): Promise<CheckResult[]> =>
  configureTools(toolList, tools).check();
