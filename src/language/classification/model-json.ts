/** Finds JSON values in a model's output: after reasoning text, in code fences or prose, broken or repeated. */
import { findBalancedEnd, tryParseJson, tryRepairJson } from '#shared/text/json-text';
import { specialToken, thinkingDelimiters } from '#shared/text/special-tokens';
import { cleanText } from '../normalize-text.ts';

/** A classifier's answer has a few hundred characters; this limit bounds the cost of scanning. */
const scanCharsMax = 20_000;
const candidatesMax = 20;

const pattern = (marks: readonly string[]): RegExp =>
  new RegExp(marks.map((mark) => mark.replace(/[[\]|\\]/g, '\\$&')).join('|'), 'i');

/** Opening and closing marks of reasoning text, per model family. */
const reasoningMarks: readonly (readonly [RegExp, RegExp])[] = [
  ...thinkingDelimiters.map(({ open, closes }) => [pattern([open]), pattern(closes)] as const),
  [/<\|channel\|>analysis<\|message\|>/, /<\|end\|>|<\|channel\|>final<\|message\|>/],
];
const specialTokens = new RegExp(`(?:${specialToken.source})(?:assistant|final)?`, 'gi');

/**
 * Removes reasoning text: complete, without an opening mark (part of the prompt template), or cut off before its
 * closing mark. It counts only in front of the answer: an answer may quote the tag.
 */
export function stripReasoning(raw: string): string {
  if (typeof tryParseJson(raw) === 'object') return raw.trim();
  let text = raw;
  for (const [open, close] of reasoningMarks) {
    for (let start = open.exec(text); start !== null; start = open.exec(text)) {
      if (text.slice(0, start.index).trim() !== '') break;
      const rest = text.slice(start.index + start[0].length);
      const end = close.exec(rest);
      text = end === null ? '' : rest.slice(end.index + end[0].length);
    }
    const orphan = close.exec(text);
    if (orphan === null || open.test(text.slice(0, orphan.index))) continue;
    const [before, after] = [
      text.slice(0, orphan.index),
      text.slice(orphan.index + orphan[0].length),
    ];
    if (!/[{[]/.test(before) || /[{[]/.test(after)) text = after;
  }
  return text.replace(specialTokens, '').trim();
}

/** Contents of code fences and of single backticks. */
const fencedBodies = (text: string): string[] =>
  [...text.matchAll(/(?:```|~~~)[a-z]*\s*([\s\S]*?)(?:```|~~~|$)|`([^`\n]+)`/gi)]
    .map((match) => (match[1] ?? match[2] ?? '').trim())
    .filter((body) => /^[{[]/.test(body));

/**
 * The JSON values in a text, most likely first: the whole text, each balanced object or array in order, contents of
 * code fences, and last what can be repaired. Empty for text without JSON.
 */
export function* extractJsonValues(raw: string): Generator {
  const text = cleanText(raw).trim().slice(0, scanCharsMax);
  const whole = tryParseJson(text);
  if (whole !== undefined) {
    yield whole;
    return;
  }
  const broken: string[] = [];
  let count = 0;
  for (let at = text.search(/[{[]/); at >= 0 && count < candidatesMax; count += 1) {
    const end = findBalancedEnd(text, at);
    const candidate = end < 0 ? text.slice(at) : text.slice(at, end);
    const value = tryParseJson(candidate);
    if (value !== undefined) yield value;
    else broken.push(candidate);
    const from = value === undefined ? at + 1 : end;
    const next = text.slice(from).search(/[{[]/);
    at = next < 0 ? -1 : from + next;
  }
  for (const candidate of [...fencedBodies(text), ...broken.slice(0, 4)]) {
    const value = tryRepairJson(candidate);
    if (value !== undefined) yield value;
  }
}
