/**
 * Limits the data of a tool result to the characters that a prompt has room for. The result is always valid JSON:
 * entries are omitted and counted, texts are shortened.
 */
import { truncate } from './sanitize-text.ts';

/**
 * Characters of the JSON that a model gets to summarize. More pushes the history out of a small model's context and
 * costs seconds of prompt processing; less loses the end of a full day.
 */
export const dataCharsMax = 2000;

/** Texts are shortened down to this length before whole entries are dropped. */
const textCharsFloor = 60;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** `data` itself if its JSON fits, else a smaller copy; `omitted` is the number of entries left out. */
export function truncateJson(data: unknown, charsMax: number = dataCharsMax): unknown {
  let json = JSON.stringify(data) ?? 'null';
  if (json.length <= charsMax) return data;
  for (let textMax = 320; textMax >= textCharsFloor; textMax = Math.floor(textMax / 2)) {
    const shorter = shortenStrings(JSON.parse(json) as Json, textMax);
    json = JSON.stringify(shorter);
    if (json.length <= charsMax) return shorter;
  }
  return dropTrailing(JSON.parse(json) as Json, charsMax);
}

function shortenStrings(value: Json, textMax: number): Json {
  if (typeof value === 'string') return truncate(value, textMax);
  if (Array.isArray(value)) return value.map((entry) => shortenStrings(entry, textMax));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, shortenStrings(entry, textMax)]),
  );
}

/** Drops entries from the end of the longest list until it fits; lists have the most important entries first. */
function dropTrailing(value: Json, charsMax: number): Json {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { omitted: Array.isArray(value) ? value.length : 1 };
  }
  const fields = { ...value };
  let omitted = 0;
  const size = (): number => JSON.stringify({ ...fields, omitted }).length;
  while (size() > charsMax) {
    const longest = Object.entries(fields)
      .filter((field): field is [string, Json[]] => Array.isArray(field[1]) && field[1].length > 0)
      .sort((a, b) => JSON.stringify(b[1]).length - JSON.stringify(a[1]).length)[0];
    if (longest === undefined) return { omitted: omitted + Object.keys(fields).length };
    fields[longest[0]] = longest[1].slice(0, -1);
    omitted += 1;
  }
  return { ...fields, omitted };
}
