/**
 * An answer in words, from a model that has learnt to answer in JSON: small models give the classifier's object, or
 * a tool call, where a sentence was asked for. The object is never shown; its `response` is the answer.
 */
import { balancedEnd, isFields, parsedJson, repairedJson } from '../lib/json-text.ts';
import { offeredTools } from '../lib/printed-calls/offered-tools.ts';
import {
  readPrintedCalls,
  shownEnd,
  type PrintedCallOptions,
} from '../lib/printed-calls/printed-calls.ts';
import { isClassification, readClassification } from './classification.ts';

/** Keys of the classifier's object. An object with another key is an answer in JSON. */
const keys = ['action', 'response', 'prompt', 'tool', 'operation', 'params', 'calls'];
/** The object begins the answer, or a line of it; in a fence or bare. */
const beginning = /(?:^|\n)[ \t]*(?:(?:```|~~~)[a-z]*\s*)?(?=[[{])/gi;
/** What may still become one. */
const begun = /(?:^|\n)[ \t]*(?:`{1,3}(?:[a-z]*)?\s*)?(?:[[{][[{\s]*(?:["'][a-z_]*["']?\s*)?)?$/i;
const firstKey = /^[[{\s]*["']?([a-z_]+)["']?\s*:/i;
/** Held for no longer: by then the first keys are there. */
const heldMax = 4_000;

/** No tool may be called in such an answer. */
const anyCall: PrintedCallOptions = { offers: offeredTools([]), unknown: 'call' };

/**
 * Where the classifier's object begins in an answer; -1 where none does. Between two sentences it is what these
 * speak of.
 */
function classificationStart(text: string): number {
  for (const found of text.matchAll(beginning)) {
    const at = found.index + found[0].length;
    const end = balancedEnd(text, at);
    const candidate = end < 0 ? text.slice(at) : text.slice(at, end);
    const value = parsedJson(candidate) ?? repairedJson(candidate);
    const object: unknown = Array.isArray(value) ? value[0] : value;
    if (!isFields(object)) continue;
    const own = Object.keys(object).map((key) => key.trim().toLowerCase());
    const isFirst = text.slice(0, found.index).trim() === '';
    const isLast = end < 0 || /^[\s`~]*$/.test(text.slice(end));
    if (!isFirst && !isLast) continue;
    if (own.every((key) => keys.includes(key)) && isClassification(object)) return found.index;
  }
  return -1;
}

/**
 * What of an answer is shown: all of it where it is words, also words about JSON. Null where nothing of it is for a
 * person.
 */
export function plainAnswer(raw: string): string | null {
  const start = classificationStart(raw);
  if (start >= 0) {
    const before = raw.slice(0, start).trim();
    return readClassification(raw.slice(start))?.response ?? (before === '' ? null : before);
  }
  const { calls, before } = readPrintedCalls(raw, anyCall);
  return calls.length > 0 && before.trim() === '' ? null : raw;
}

/** How much of an answer that is being written may be shown. `from`: what was shown before. */
export function plainAnswerEnd(text: string, from: number): number {
  // Only an answer that is a call as a whole is none.
  const end = from === 0 ? shownEnd(text, 0, anyCall) : text.length;
  if (end === 0 && text.length < heldMax) return 0;
  beginning.lastIndex = 0;
  for (const found of text.matchAll(beginning)) {
    const at = found.index + found[0].length;
    const key = firstKey.exec(text.slice(at, at + 200))?.[1]?.toLowerCase();
    if (at < from) continue;
    const isOpen = key !== undefined && keys.includes(key) && text.length - at < heldMax;
    if (isOpen) return Math.max(from, found.index);
  }
  const open = begun.exec(text.slice(from));
  return open && /[`[{]/.test(open[0]) ? from + open.index : text.length;
}
