/**
 * Joins the argument deltas of one tool call. Most servers send increments; some send the whole text so far in every
 * delta, send deltas twice, or repeat the whole text at the end.
 *
 * The concatenated deltas are the arguments whenever they are JSON: a repetition is assumed only if they are not.
 */
import { findBalancedEnd, isJsonObject, tryParseJson } from '#shared/text/json-text';

/** Whether the text is one complete JSON value. */
export const parsesAsJson = (text: string): boolean => tryParseJson(text) !== undefined;

/** Whether the text is a complete JSON object. Cheap for an incomplete one. */
export const isWholeObject = (text: string): boolean =>
  text.trimEnd().endsWith('}') && isJsonObject(tryParseJson(text));

/** A piece that starts with all earlier text replaces it. */
const resolveCumulative = (pieces: readonly string[]): string =>
  pieces.reduce((all, piece) =>
    all !== '' && piece.length > all.length && piece.startsWith(all) ? piece : all + piece,
  );

/** Drops a piece that equals the previous piece. */
const withoutConsecutiveRepeats = (pieces: readonly string[]): string[] =>
  pieces.filter((piece, at) => piece !== pieces[at - 1]);

/**
 * Consecutive JSON objects in the text, without what servers put around them (`null`, `""`, an extra bracket). Null
 * when the text contains anything else.
 */
function objectsIn(text: string): string[] | null {
  const objects: string[] = [];
  let at = /^(?:\s|null|"")*/.exec(text)?.[0].length ?? 0;
  while (text[at] === '{') {
    const end = findBalancedEnd(text, at);
    if (end < 0 || !isWholeObject(text.slice(at, end))) return null;
    objects.push(text.slice(at, end));
    at = end + (/^[\s,]*/.exec(text.slice(end))?.[0].length ?? 0);
  }
  return objects.length > 0 && /^[\s"\]}]*$/.test(text.slice(at)) ? objects : null;
}

/** Whether `later` continues the value `earlier`: strings may have grown, and keys may have been added. */
function extendsValue(earlier: unknown, later: unknown): boolean {
  if (typeof earlier === 'string' && typeof later === 'string') return later.startsWith(earlier);
  if (Array.isArray(earlier) && Array.isArray(later)) {
    return earlier.every((item, at) => at < later.length && extendsValue(item, later[at]));
  }
  if (isJsonObject(earlier) && isJsonObject(later)) {
    return Object.entries(earlier).every(
      ([key, item]) => Object.hasOwn(later, key) && extendsValue(item, later[key]),
    );
  }
  return earlier === null || earlier === later;
}

/** Drops the objects that are an earlier state of the next object, or a repetition of an earlier object. */
function distinctObjects(objects: readonly string[]): string[] {
  const kept: string[] = [];
  for (const object of objects) {
    const value = tryParseJson(object);
    const last = kept.at(-1);
    if (last !== undefined && extendsValue(tryParseJson(last), value)) kept.pop();
    const repeats = kept.some((each) => extendsValue(value, tryParseJson(each)));
    if (!repeats) kept.push(object);
  }
  return kept;
}

/** Whether the value is one of the forms in which servers send "no arguments". */
const isEmptyArguments = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Decodes a JSON string that contains an object: some servers encode twice. */
function unwrapEncodedObject(text: string): string {
  const value = tryParseJson(text);
  if (isEmptyArguments(value)) return '{}';
  return typeof value === 'string' && isJsonObject(tryParseJson(value)) ? value : text;
}

/**
 * JSON text of the arguments. More than one element when the server sent several different objects for one call: these
 * are several calls. Text that never became JSON is returned unchanged.
 */
export function joinArguments(pieces: readonly string[]): string[] {
  const nonEmpty = pieces.filter((piece) => piece !== '');
  if (nonEmpty.length === 0) return ['{}'];
  const once = withoutConsecutiveRepeats(nonEmpty);
  const candidates = [
    nonEmpty.join(''),
    resolveCumulative(nonEmpty),
    once.join(''),
    resolveCumulative(once),
  ];
  const whole = candidates.find(parsesAsJson);
  if (whole !== undefined) return [unwrapEncodedObject(whole)];
  for (const candidate of candidates) {
    const objects = objectsIn(candidate);
    if (objects !== null) return distinctObjects(objects);
  }
  const isCumulative = nonEmpty.every(
    (piece, at) => at === 0 || piece.startsWith(nonEmpty[at - 1]!),
  );
  return [(isCumulative ? nonEmpty.at(-1) : undefined) ?? nonEmpty.join('')];
}
