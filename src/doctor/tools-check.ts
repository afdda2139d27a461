/** Doctor checks of the configured tools: each tool declares its own. */
import type { Config } from '#app/config/config';
import type { CheckResult } from '#shared/check-result';
import { isConfigured, type ToolDeclaration } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';

export async function checkTools(
  { tools: settings }: Pick<Config, 'tools'>,
  declarations: readonly ToolDeclaration[] = toolList,
): Promise<CheckResult[]> {
  const checks = declarations.map(async (declaration): Promise<CheckResult[]> => {
    const { name, checkName: part = name, check } = declaration;
    if (isConfigured(declaration, settings)) return (await check?.(settings)) ?? [];
    return [{ part, ok: true, what: 'none configured' }];
  });
  return (await Promise.all(checks)).flat();
}
