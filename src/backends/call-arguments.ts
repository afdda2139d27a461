/**
 * The arguments of one tool call, from the pieces in which a server sent them. Most servers send increments; some
 * send all so far in every piece, send pieces twice, or repeat the whole at the end.
 *
 * The pieces in a row are the arguments wherever that is JSON: a repetition is assumed only where it is not.
 */
import { balancedEnd, isFields, parsedJson } from '../lib/json-text.ts';

/** Whether the text is one complete JSON value. */
export const parsesAsJson = (text: string): boolean => parsedJson(text) !== undefined;

/** Whether the text is a complete JSON object. Cheap for the beginning of one. */
export const isWholeObject = (text: string): boolean =>
  text.trimEnd().endsWith('}') && isFields(parsedJson(text));

/** Every piece that begins with all before it takes its place. */
const cumulated = (pieces: readonly string[]): string =>
  pieces.reduce((all, piece) =>
    all !== '' && piece.length > all.length && piece.startsWith(all) ? piece : all + piece,
  );

/** A piece that equals the one before it is left out. */
const withoutRepeats = (pieces: readonly string[]): string[] =>
  pieces.filter((piece, at) => piece !== pieces[at - 1]);

/**
 * The objects that stand in a row, without what a server put around them (`null`, `""`, a bracket too many).
 * Null when something else stands there.
 */
function objectsIn(text: string): string[] | null {
  const objects: string[] = [];
  let at = /^(?:\s|null|"")*/.exec(text)?.[0].length ?? 0;
  while (text[at] === '{') {
    const end = balancedEnd(text, at);
    if (end < 0 || !isWholeObject(text.slice(at, end))) return null;
    objects.push(text.slice(at, end));
    at = end + (/^[\s,]*/.exec(text.slice(end))?.[0].length ?? 0);
  }
  return objects.length > 0 && /^[\s"\]}]*$/.test(text.slice(at)) ? objects : null;
}

/** Whether `later` is the same value further written: every text may have grown, and keys may have come. */
function extendsValue(earlier: unknown, later: unknown): boolean {
  if (typeof earlier === 'string' && typeof later === 'string') return later.startsWith(earlier);
  if (Array.isArray(earlier) && Array.isArray(later)) {
    return earlier.every((item, at) => at < later.length && extendsValue(item, later[at]));
  }
  if (isFields(earlier) && isFields(later)) {
    return Object.entries(earlier).every(
      ([key, item]) => Object.hasOwn(later, key) && extendsValue(item, later[key]),
    );
  }
  return earlier === null || earlier === later;
}

/** Of objects in a row, those that are not a state of the next one, nor a repetition of one before. */
function distinct(objects: readonly string[]): string[] {
  const kept: string[] = [];
  for (const object of objects) {
    const value = parsedJson(object);
    const last = kept.at(-1);
    if (last !== undefined && extendsValue(parsedJson(last), value)) kept.pop();
    const repeats = kept.some((each) => extendsValue(value, parsedJson(each)));
    if (!repeats) kept.push(object);
  }
  return kept;
}

/** No arguments, in the ways in which servers say so. */
const isNothing = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** A text that holds an object is that object: some servers encode twice. */
function unwrapped(text: string): string {
  const value = parsedJson(text);
  if (isNothing(value)) return '{}';
  return typeof value === 'string' && isFields(parsedJson(value)) ? value : text;
}

/**
 * JSON text of the arguments. More than one where the server sent several different objects for one call, which are
 * then several calls. What never became JSON is returned as it came.
 */
export function argumentsOf(pieces: readonly string[]): string[] {
  const said = pieces.filter((piece) => piece !== '');
  if (said.length === 0) return ['{}'];
  const once = withoutRepeats(said);
  const readings = [said.join(''), cumulated(said), once.join(''), cumulated(once)];
  const whole = readings.find(parsesAsJson);
  if (whole !== undefined) return [unwrapped(whole)];
  for (const reading of readings) {
    const objects = objectsIn(reading);
    if (objects !== null) return distinct(objects);
  }
  const isCumulative = said.every((piece, at) => at === 0 || piece.startsWith(said[at - 1]!));
  return [(isCumulative ? said.at(-1) : undefined) ?? said.join('')];
}
