/**
 * The table of the operations that a model may request, from the tools' declarations. Strings are trimmed and cut to
 * the limit of their parameter, numbers may come as strings, unknown keys are dropped. Dates and times stay as written:
 * the operation's `resolve` replaces words such as 내일.
 *
 * Operations that write are not in the table: they run after the user's consent, never on a model's request.
 */
import { cleanText } from '../normalize-text.ts';
import type { ModelOperation, ModelParam, ModelTool } from './operation-port.ts';

export interface OperationTable {
  readonly offered: readonly ModelOperation[];
  /** `calendar` + `today`; also `calendar.today` or `calendar_today` in one field. Null if unknown. */
  find(tool: unknown, operation: unknown): ModelOperation | null;
  /** False only for a known tool that is not configured. */
  isConfigured(tool: string): boolean;
}

const spelling = (value: unknown): string =>
  typeof value === 'string' ? value.trim().toLowerCase() : '';

export function createOperationTable(tools: readonly ModelTool[]): OperationTable {
  /** Names before the other names: a model that says "schedule" may mean the calendar. */
  const named = [
    ...tools.map((tool) => ({ name: tool.name, tool })),
    ...tools.flatMap((tool) => tool.aliases.map((name) => ({ name, tool }))),
  ];
  /** The longest name first: `mcp:files-work` is not the operation "work" of `mcp:files`. */
  const candidates = (text: string): { tool: ModelTool; rest: string }[] =>
    named
      .filter(
        ({ name }) =>
          text === name || (text.startsWith(name) && /^[._/:-]\w/.test(text.slice(name.length))),
      )
      .toSorted((a, b) => b.name.length - a.name.length)
      .map(({ name, tool }) => ({ tool, rest: text.slice(name.length + 1) }));
  const operationIn = (
    { tool: { operations }, rest }: { tool: ModelTool; rest: string },
    operation: unknown,
  ): ModelOperation | null => {
    const asked = spelling(operation) || rest;
    if (asked === '') return operations.length === 1 ? operations[0]! : null;
    const names = [asked, asked.replace(/^[\w-]+[./:]/, '')];
    return operations.find((one) => names.includes(one.operation.toLowerCase())) ?? null;
  };
  return {
    offered: tools.filter((tool) => tool.isConfigured).flatMap((tool) => tool.operations),
    find(tool, operation) {
      for (const candidate of candidates(spelling(tool))) {
        const found = operationIn(candidate, operation);
        if (found !== null) return found;
      }
      return null;
    },
    isConfigured: (name) => tools.find((tool) => tool.name === name)?.isConfigured !== false,
  };
}

/** No tool: for text in which a call is never executed. */
export const noOperations: OperationTable = createOperationTable([]);

function cleanString(value: unknown, { maxLength }: ModelParam): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = cleanText(value).trim().slice(0, maxLength);
  return text === '' || /^(?:null|none|undefined|n\/a)$/i.test(text) ? undefined : text;
}

function cleanNumber(value: unknown, param: ModelParam): number | undefined {
  const { minimum = -Infinity, maximum = Infinity } = param;
  const number = typeof value === 'string' ? Number.parseFloat(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < minimum) return undefined;
  return Math.min(maximum, param.type === 'integer' ? Math.round(number) : number);
}

function cleanValue(value: unknown, param: ModelParam): unknown {
  switch (param.type) {
    case 'string':
      return cleanString(value, param);
    case 'integer':
    case 'number':
      return cleanNumber(value, param);
    default:
      return value ?? undefined;
  }
}

/** The known parameters of an operation, cleaned; null if the value is no parameter object. */
export function parseModelParams(
  { params }: ModelOperation,
  value: unknown,
): Record<string, unknown> | null {
  const given = value ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return null;
  const known = Object.entries(params).map(([name, param]): [string, unknown] => [
    name,
    Object.hasOwn(given, name)
      ? cleanValue((given as Record<string, unknown>)[name], param)
      : undefined,
  ]);
  return Object.fromEntries(known.filter(([, item]) => item !== undefined));
}
