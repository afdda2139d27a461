/** JSON inside other text: finds the end of a value, and repairs JSON that a model wrote almost correctly. */
import { jsonrepair } from 'jsonrepair';

export type JsonObject = Record<string, unknown>;

/** Keys in lower case; of keys that differ only in case the last wins, as with duplicate keys in JSON. */
export const lowerKeys = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key.trim().toLowerCase(), item]));

/** The match of a sticky pattern at an index. */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The repaired object or list. Undefined also for text that would only become a string. */
export function tryRepairJson(text: string): unknown {
  try {
    const value = JSON.parse(jsonrepair(text)) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The index after the object or list at `start`; brackets in strings are skipped. -1 when it never closes. */
export function findBalancedEnd(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** Tool schemas of chat clients nest about twenty levels. */
export const jsonDepthMax = 100;

/** Whether objects and lists are nested more than `jsonDepthMax` levels. Walks level by level, without recursion. */
export function isTooDeep(value: unknown): boolean {
  let level: object[] = isContainer(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= jsonDepthMax) return true;
    const below: object[] = [];
    for (const nest of level)
      for (const one of Object.values(nest)) if (isContainer(one)) below.push(one);
    level = below;
  }
  return false;
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;
