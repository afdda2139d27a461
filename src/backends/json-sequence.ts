/**
 * Reads JSON values that stand one after another in a text: objects without anything between them, elements of an
 * array that was cut, events that lost the newline between them.
 */

/** What may stand between two values: space, commas, brackets of an array, `data:`, newlines written as `\n`. */
const separators = /(?:[\s,]|(?:data|event): ?|\\[rn]|\[DONE\])*/iy;
/** Around the elements of an array. */
const brackets = /[\s,[\]]*/y;

/** The end of the object that begins at `start`, strings respected; -1 when it does not close. */
function objectEnd(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b) depth++;
    else if (char === 0x7d && --depth === 0) return at + 1;
  }
  return -1;
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  pattern.exec(text);
  return pattern.lastIndex;
}

/**
 * The objects of a text that consists of nothing else, and whether `[DONE]` stood behind or between them. Null where
 * anything else stands in it, and where no object does.
 */
export function jsonSequence(text: string): { values: unknown[]; done: boolean } | null {
  const values: unknown[] = [];
  const between =
    text.trimStart().startsWith('[') && !text.includes('[DONE]') ? brackets : separators;
  for (let at = skip(between, text, 0); at < text.length; at = skip(between, text, at)) {
    const end = text[at] === '{' ? objectEnd(text, at) : -1;
    if (end < 0) return null;
    try {
      values.push(JSON.parse(text.slice(at, end)));
    } catch {
      return null;
    }
    at = end;
  }
  return values.length > 0 ? { values, done: text.trimEnd().endsWith('[DONE]') } : null;
}
