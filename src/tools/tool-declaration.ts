/**
 * What a tool says about itself. Everything else that names it derives from the declaration: the classifier's prompt,
 * its JSON schema and the parser of its answers, `describe()`, the checks of the doctor, the status, the table of
 * docs/tools.md and the demo model. A declaration loads no client of a server: `open` and `check` import them.
 */
import type { Locale } from '#machines/texts';
import type { ModelTool } from '#language/classification/operation-port';
import type { CheckResult } from '#shared/check-result';
import type { Log } from '#shared/log';
import type { DemoRule, DemoTool } from '#shared/model/demo-rule';
import type { Zones } from '#shared/calendar/zoned-time';
import type { Database } from '#storage/database';
import type { CalendarSettings } from './calendar/calendar-port.ts';
import type { DocumentSearch } from './documents/document-tool.ts';
import type { EmailSettings } from './email/mail-port.ts';
import { jsonSchemaOf } from './param-schemas.ts';
import type { StatusSource } from './status/status-tool.ts';
import type { OperationDeclaration, Tool, ToolIdentity } from './tool.ts';

/** The section `tools` of the configuration. */
export interface ToolSettings {
  calendar: CalendarSettings;
  email: EmailSettings;
}

/** What tools are made of. */
export interface ToolParts {
  settings: ToolSettings;
  database: Database;
  documents: DocumentSearch;
  status: StatusSource;
  zones: Zones;
  log: Log;
}

export interface ToolDeclaration extends ToolIdentity {
  operations: Readonly<Record<string, OperationDeclaration>>;
  /** Absent: the tool needs no configuration. */
  configuration?: {
    isSet(settings: ToolSettings): boolean;
    /** One sentence for the user that names the key to set. */
    missing: Record<Locale, string>;
  };
  open(parts: ToolParts): Promise<Tool>;
  /** For the doctor, if the tool is configured: its server is called as by a question. */
  check?(settings: ToolSettings): Promise<CheckResult[]>;
  /** Name of the tool in the doctor's output. Default: `name`. */
  checkName?: string;
  /** Absent: the demo model never uses the tool. */
  demo?: DemoRule;
}

export const isConfigured = (
  { configuration }: Pick<ToolDeclaration, 'configuration'>,
  settings: ToolSettings,
): boolean => configuration?.isSet(settings) ?? true;

/** The declarations in the form of the language's port, with the operations that a model may request. */
export const modelToolsOf = (
  declarations: readonly ToolDeclaration[],
  settings: ToolSettings,
): ModelTool[] =>
  declarations.map((declaration) => ({
    name: declaration.name,
    aliases: declaration.aliases ?? [],
    isConfigured: isConfigured(declaration, settings),
    operations: Object.entries(declaration.operations).flatMap(([operation, declared]) => {
      const { effect, classifier, schema } = declared;
      if (effect === 'writes' || classifier === undefined) return [];
      const { properties: params, required } = jsonSchemaOf(schema);
      return {
        tool: declaration.name,
        operation,
        effect,
        summary: classifier.summary,
        examples: classifier.examples ?? [],
        params,
        required,
        resolve: classifier.resolve ?? ((given) => ({ ok: true, params: given })),
      };
    }),
  }));

/** The tools that are not configured: their name, and the sentence that says what to configure. */
export const missingTools = (
  declarations: readonly ToolDeclaration[],
  settings: ToolSettings,
): Map<string, Record<Locale, string>> =>
  new Map(
    declarations.flatMap(({ name, configuration }) =>
      configuration === undefined || configuration.isSet(settings)
        ? []
        : [[name, configuration.missing] as const],
    ),
  );

/** Opens the configured tools. */
export async function openTools(
  declarations: readonly ToolDeclaration[],
  parts: ToolParts,
): Promise<Tool[]> {
  const configured = declarations.filter((one) => isConfigured(one, parts.settings));
  return Promise.all(configured.map((declaration) => declaration.open(parts)));
}

/** How the demo model answers for the configured tools. */
export const demoToolsOf = (
  declarations: readonly ToolDeclaration[],
  settings: ToolSettings,
): DemoTool[] =>
  declarations
    .filter((one) => isConfigured(one, settings))
    .flatMap(({ name, demo }) => (demo === undefined ? [] : [{ name, demo }]));
