/**
 * Extracts the text of an answer from a model that was trained to answer in JSON: small models write the classifier's
 * object, or a tool call, where a sentence was requested. The object is never shown; its `response` is the answer.
 */
import { findBalancedEnd, isJsonObject, tryParseJson, tryRepairJson } from '#shared/text/json-text';
import { offeredTools } from '#shared/text/printed-calls/offered-tools';
import {
  parsePrintedCalls,
  safeTextEnd,
  type PrintedCallOptions,
} from '#shared/text/printed-calls/printed-calls';
import { noOperations } from '../classification/model-operations.ts';
import { isClassification, parseClassification } from '../classification/parse-classification.ts';

/** Keys of the classifier's object. An object with any other key is an answer in JSON. */
const keys = ['action', 'response', 'prompt', 'tool', 'operation', 'params', 'calls'];
/** An object or array at the start of the answer or of a line, in a code fence or bare. */
const objectStart = /(?:^|\n)[ \t]*(?:(?:```|~~~)[a-z]*\s*)?(?=[[{])/gi;
/** Text at the end that may still become an `objectStart`. */
const partialObjectStart =
  /(?:^|\n)[ \t]*(?:`{1,3}(?:[a-z]*)?\s*)?(?:[[{][[{\s]*(?:["'][a-z_]*["']?\s*)?)?$/i;
const firstKey = /^[[{\s]*["']?([a-z_]+)["']?\s*:/i;
/** Characters held back at most: by then the first keys have arrived. */
const heldMax = 4_000;

/** No tool is offered here, so every printed call counts. */
const anyCall: PrintedCallOptions = { offers: offeredTools([]), unknown: 'call' };

/** Offset of the classifier's object in an answer; -1 if there is none. An object between two sentences is content. */
function classificationStart(text: string): number {
  for (const found of text.matchAll(objectStart)) {
    const at = found.index + found[0].length;
    const end = findBalancedEnd(text, at);
    const candidate = end < 0 ? text.slice(at) : text.slice(at, end);
    const value = tryParseJson(candidate) ?? tryRepairJson(candidate);
    const object: unknown = Array.isArray(value) ? value[0] : value;
    if (!isJsonObject(object)) continue;
    const own = Object.keys(object).map((key) => key.trim().toLowerCase());
    const isFirst = text.slice(0, found.index).trim() === '';
    const isLast = end < 0 || /^[\s`~]*$/.test(text.slice(end));
    if (!isFirst && !isLast) continue;
    if (own.every((key) => keys.includes(key)) && isClassification(object)) return found.index;
  }
  return -1;
}

/** The part of an answer to show: all of it if it is text, also about JSON; null if nothing of it is for the user. */
export function displayableAnswer(raw: string): string | null {
  const start = classificationStart(raw);
  if (start >= 0) {
    const before = raw.slice(0, start).trim();
    return (
      parseClassification(raw.slice(start), noOperations)?.response ??
      (before === '' ? null : before)
    );
  }
  const { calls, before } = parsePrintedCalls(raw, anyCall);
  return calls.length > 0 && before.trim() === '' ? null : raw;
}

/** How many characters of a streamed answer may be shown. `from`: characters already shown. */
export function displayablePrefixLength(text: string, from: number): number {
  // Printed calls are held back only at the start: an answer is dropped only if the whole of it is calls.
  const end = from === 0 ? safeTextEnd(text, 0, anyCall) : text.length;
  if (end === 0 && text.length < heldMax) return 0;
  objectStart.lastIndex = 0;
  for (const found of text.matchAll(objectStart)) {
    const at = found.index + found[0].length;
    const key = firstKey.exec(text.slice(at, at + 200))?.[1]?.toLowerCase();
    if (at < from) continue;
    const isOpen = key !== undefined && keys.includes(key) && text.length - at < heldMax;
    if (isOpen) return Math.max(from, found.index);
  }
  const open = partialObjectStart.exec(text.slice(from));
  return open && /[`[{]/.test(open[0]) ? from + open.index : text.length;
}
