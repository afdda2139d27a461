/**
 * Parses consecutive JSON values in a text: objects without separators, elements of a truncated array, events that lost
 * the newline between them.
 */
import { parseJsonWithoutNul } from '#shared/text/remove-nul';
import { findBalancedEnd } from '#shared/text/json-text';

/** Separators between two values: space, commas, brackets of an array, `data:`, newlines written as `\n`. */
const separators = /(?:[\s,]|(?:data|event): ?|\\[rn]|\[DONE\])*/iy;
/** Punctuation around the elements of an array. */
const brackets = /[\s,[\]]*/y;

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  pattern.exec(text);
  return pattern.lastIndex;
}

/**
 * The objects of a text that contains only objects and separators; `done`: the text ends with `[DONE]`. Null when the
 * text contains anything else, or no object.
 */
export function parseJsonSequence(text: string): { values: unknown[]; done: boolean } | null {
  const values: unknown[] = [];
  const between =
    text.trimStart().startsWith('[') && !text.includes('[DONE]') ? brackets : separators;
  for (let at = skip(between, text, 0); at < text.length; at = skip(between, text, at)) {
    const end = text[at] === '{' ? findBalancedEnd(text, at) : -1;
    if (end < 0) return null;
    try {
      values.push(parseJsonWithoutNul(text.slice(at, end)));
    } catch {
      return null;
    }
    at = end;
  }
  return values.length > 0 ? { values, done: text.trimEnd().endsWith('[DONE]') } : null;
}
