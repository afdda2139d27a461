/**
 * What a tool says about itself. Everything else that names it derives from the declaration: the classifier's prompt,
 * its JSON schema and the parser of its answers, `describe()`, the checks of the doctor, the status, the table of
 * docs/tools.md and the demo model. A declaration loads no client of a server: `open` and `check` import them.
 */
import type { Locale } from '#machines/texts';
import type { ModelTool, Resolver } from '#language/classification/operation-port';
import type { CheckResult } from '#shared/check-result';
import type { Log } from '#shared/log';
import type { DemoRule, DemoTool } from '#shared/model/demo-rule';
import type { Zones } from '#shared/calendar/zoned-time';
import type { CalendarSettings, EventStorage } from './calendar/calendar-port.ts';
import type { DocumentSearch, OpenDrafts } from './documents/document-tool.ts';
import type { EmailSettings } from './email/mail-port.ts';
import type { FactBook } from './memory/fact-book.ts';
import type { MemorySettings } from './memory/memory-settings.ts';
import type { ReminderBook } from './schedule/reminder-book.ts';
import type { ScheduleSettings } from './schedule/schedule-settings.ts';
import { jsonSchemaOf } from './param-schemas.ts';
import type { StatusSource } from './status/status-tool.ts';
import type { OperationDeclaration, Tool, ToolIdentity } from './tool.ts';

/** The section `tools` of the configuration, and what the tools take of others. */
export interface ToolSettings {
  calendar: CalendarSettings;
  email: EmailSettings;
  /** Omitted: no reminders in chat. */
  schedules?: ScheduleSettings;
  /** Omitted: no memory in chat. */
  memory?: MemorySettings;
}

/** What tools are made of. */
export interface ToolParts {
  settings: ToolSettings;
  /** Of the local calendar. */
  calendar: EventStorage;
  documents: DocumentSearch;
  openDrafts: OpenDrafts;
  reminders: ReminderBook;
  facts: FactBook;
  status: StatusSource;
  labels: readonly Record<Locale, string>[];
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

/** The tools of one installation: what each part of the program gets of their declarations. */
export interface ToolSet {
  /** For the prompt, the schema and the parser of the classifier; also the tools that are not configured. */
  modelTools: ModelTool[];
  /** Tools that are not configured: their name, and the sentence that says what to configure. */
  notConfigured: Map<string, Record<Locale, string>>;
  /** In order of precedence. */
  demoTools: DemoTool[];
  open(parts: Omit<ToolParts, 'settings' | 'labels'>): Promise<Tool[]>;
  check(): Promise<CheckResult[]>;
}

export function configureTools(
  declarations: readonly ToolDeclaration[],
  settings: ToolSettings,
): ToolSet {
  const missing = (one: ToolDeclaration): boolean => one.configuration?.isSet(settings) === false;
  const configured = declarations.filter((one) => !missing(one));
  const absent = declarations.filter(missing);
  const labels = configured.map(({ name, label }) => label ?? { ko: name, en: name });
  return {
    modelTools: declarations.map((one) => toModelTool(one, !missing(one))),
    notConfigured: new Map(absent.map((one) => [one.name, one.configuration!.missing])),
    demoTools: configured.flatMap(({ name, demo }) => (demo === undefined ? [] : { name, demo })),
    open: (parts) => Promise.all(configured.map((one) => one.open({ ...parts, settings, labels }))),
    async check() {
      const found = await Promise.all(
        configured.map(async (one) => (await one.check?.(settings)) ?? []),
      );
      const none = absent.map(({ name, checkName: part = name }) => ({
        part,
        ok: true,
        what: 'none configured',
      }));
      return [...found.flat(), ...none];
    },
  };
}

/** The operations that a model may request, in the form of the language's port. */
const toModelTool = (
  { name, aliases = [], operations }: ToolDeclaration,
  isConfigured: boolean,
): ModelTool => ({
  name,
  aliases,
  isConfigured,
  operations: Object.entries(operations).flatMap(([operation, { effect, classifier, schema }]) => {
    if (effect === 'writes' || classifier === undefined) return [];
    const { summary, examples = [], words = schema, resolve = asWritten } = classifier;
    const { properties: params, required } = jsonSchemaOf(words);
    const kind = effect === 'reads' ? 'reads' : 'drafts';
    return { tool: name, operation, effect: kind, summary, examples, params, required, resolve };
  }),
});

const asWritten: Resolver = (params) => ({ ok: true, params });
