/**
 * Keeps the data of a tool's result within the characters that a prompt has room for. The result is always
 * whole JSON: entries are left out and counted, texts are shortened, nothing is cut in the middle.
 */
import { cut } from './plain-text.ts';

/**
 * Characters of the JSON that a model is given to put into words. More pushes the history out of a small
 * model's context and costs seconds of reading; less loses the end of a full day.
 */
export const dataCharsMax = 2000;

/** Texts are shortened to this before whole entries are dropped. */
const textCharsFloor = 60;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** `data` itself if its JSON fits, else a smaller copy with `omitted` counting the entries left out. */
export function boundedData(data: unknown, charsMax: number = dataCharsMax): unknown {
  let json = JSON.stringify(data) ?? 'null';
  if (json.length <= charsMax) return data;
  for (let textMax = 320; textMax >= textCharsFloor; textMax = Math.floor(textMax / 2)) {
    const shorter = shortened(JSON.parse(json) as Json, textMax);
    json = JSON.stringify(shorter);
    if (json.length <= charsMax) return shorter;
  }
  return withoutTails(JSON.parse(json) as Json, charsMax);
}

function shortened(value: Json, textMax: number): Json {
  if (typeof value === 'string') return cut(value, textMax);
  if (Array.isArray(value)) return value.map((entry) => shortened(entry, textMax));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, shortened(entry, textMax)]),
  );
}

/** Drops entries from the end of the longest list until it fits; the lists are in order of importance. */
function withoutTails(value: Json, charsMax: number): Json {
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
