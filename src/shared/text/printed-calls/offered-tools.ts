/** The tools offered to a model, found by the names that calls in its text use. */
import { isJsonObject, tryParseJson } from '../json-text.ts';

interface OfferedTool {
  name: string;
  /** JSON schema of the arguments, where it is known. */
  parameters?: unknown;
}

export interface OfferedTools {
  readonly names: readonly string[];
  /** Finds a tool by its name in a model's spelling; null when no such tool was offered. */
  find(name: string): OfferedTool | null;
}

/** Strips what models add to a name: the namespace of a template, quotes, the number of the call. */
export const bareName = (name: string): string =>
  name
    .trim()
    .replace(/^(?:to=)?["'`*]+|["'`*:]+$/g, '')
    .replace(/^(?:to=)?(?:call:)?(?:functions?|tools?|default_api|multi_tool_use)[.:/]/, '')
    .replace(/^(?:to=|call:)/, '')
    .replace(/:\d+$|\.call$/, '');

export function offeredTools(tools: readonly OfferedTool[]): OfferedTools {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const byLowerName = new Map(tools.map((tool) => [tool.name.toLowerCase(), tool]));
  return {
    names: [...byName.keys()],
    find(name) {
      const exact = byName.get(name);
      if (exact) return exact;
      const bare = bareName(name);
      return byName.get(bare) ?? byLowerName.get(bare.toLowerCase()) ?? null;
    },
  };
}

/** Names of the arguments in the order of the schema, the required arguments first. */
export function argumentNames(tool: OfferedTool | null): string[] {
  const schema = isJsonObject(tool?.parameters) ? tool.parameters : {};
  const properties = isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : [];
  const required = Array.isArray(schema['required'])
    ? schema['required'].filter((name): name is string => typeof name === 'string')
    : [];
  return [...new Set([...required, ...properties])];
}

function typesOf(tool: OfferedTool | null, argument: string): unknown[] {
  const schema = isJsonObject(tool?.parameters) ? tool.parameters : {};
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const property = properties[argument];
  if (!isJsonObject(property)) return [];
  return [property['type']].flat().filter((type) => type !== undefined);
}

/** A value written as text between tags: a string where the schema says so, else its value as JSON. */
export function typedValue(tool: OfferedTool | null, argument: string, text: string): unknown {
  const types = typesOf(tool, argument);
  if (types.length > 0 && types.every((type) => type === 'string')) return text;
  const word = text.trim();
  if (/^(?:True|False|None)$/.test(word)) return { True: true, False: false, None: null }[word];
  const isJson = /^(?:[[{]|true$|false$|null$|-?\d)/.test(word);
  const value = isJson ? tryParseJson(word) : undefined;
  return value === undefined ? text : value;
}

/** Arguments given as a single value without a name. */
export const unnamedArguments = (tool: OfferedTool | null, value: unknown): object =>
  isJsonObject(value) ? value : { [argumentNames(tool)[0] ?? 'input']: value };

export interface PrintedCall {
  /** The name of the offered tool, else the name as the model wrote it. */
  name: string;
  /** JSON text; incomplete where the text was cut off. */
  arguments: string;
  isOffered: boolean;
}

/** One or more consecutive calls, and their end in the text. */
export interface ParsedCalls {
  calls: PrintedCall[];
  end: number;
  isOpen: boolean;
}

export function createPrintedCall(
  name: string,
  args: object | string,
  offers: OfferedTools,
): PrintedCall {
  const tool: OfferedTool | null = offers.find(name);
  const text = typeof args === 'string' ? args : JSON.stringify(args);
  return { name: tool?.name ?? bareName(name), arguments: text, isOffered: tool !== null };
}

export const oneCall = (
  name: string,
  args: object | string,
  offers: OfferedTools,
  end: number,
  isOpen = false,
): ParsedCalls => ({ calls: [createPrintedCall(name, args, offers)], end, isOpen });
