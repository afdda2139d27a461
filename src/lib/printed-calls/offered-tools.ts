/** The tools that a model was offered, as calls in its text name them. */
import { isFields, parsedJson } from '../json-text.ts';

export interface OfferedTool {
  name: string;
  /** JSON schema of its arguments, where that is known. */
  parameters?: unknown;
}

export interface OfferedTools {
  readonly names: readonly string[];
  /** The tool that is meant by a name as models write it; null when none was offered under it. */
  find(name: string): OfferedTool | null;
}

/** What models put around a name: the namespace of a template, quotes, the number of the call. */
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

/** Names of the arguments in the order of the schema, the required ones first. */
export function argumentNames(tool: OfferedTool | null): string[] {
  const schema = isFields(tool?.parameters) ? tool.parameters : {};
  const properties = isFields(schema['properties']) ? Object.keys(schema['properties']) : [];
  const required = Array.isArray(schema['required'])
    ? schema['required'].filter((name): name is string => typeof name === 'string')
    : [];
  return [...new Set([...required, ...properties])];
}

function typesOf(tool: OfferedTool | null, argument: string): unknown[] {
  const schema = isFields(tool?.parameters) ? tool.parameters : {};
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  const property = properties[argument];
  if (!isFields(property)) return [];
  return [property['type']].flat().filter((type) => type !== undefined);
}

/** A value that stands as plain text between tags: text where the schema says so, else what it is as JSON. */
export function typedValue(tool: OfferedTool | null, argument: string, text: string): unknown {
  const types = typesOf(tool, argument);
  if (types.length > 0 && types.every((type) => type === 'string')) return text;
  const word = text.trim();
  if (/^(?:True|False|None)$/.test(word)) return { True: true, False: false, None: null }[word];
  const isJson = /^(?:[[{]|true$|false$|null$|-?\d)/.test(word);
  const value = isJson ? parsedJson(word) : undefined;
  return value === undefined ? text : value;
}

/** Arguments that came as one value without a name. */
export const unnamedArguments = (tool: OfferedTool | null, value: unknown): object =>
  isFields(value) ? value : { [argumentNames(tool)[0] ?? 'input']: value };
