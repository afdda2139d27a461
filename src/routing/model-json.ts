/**
 * Finds JSON values in what a model wrote: behind thoughts, inside fences and prose, broken or repeated.
 * It knows nothing of what the values mean.
 */
import { balancedEnd, parsedJson, repairedJson } from '../lib/json-text.ts';
import { specialToken, thoughtMarks } from '../lib/special-tokens.ts';
import { composedText } from './plain-text.ts';

/** An answer of a classifier is a few hundred characters; scanning stops here, so that cost stays bounded. */
const scanCharsMax = 20_000;
const candidatesMax = 20;

const pattern = (marks: readonly string[]): RegExp =>
  new RegExp(marks.map((mark) => mark.replace(/[[\]|\\]/g, '\\$&')).join('|'), 'i');

/** Opening and closing marks of a thought, per family of models. */
const thoughts: readonly (readonly [RegExp, RegExp])[] = [
  ...thoughtMarks.map(({ open, closes }) => [pattern([open]), pattern(closes)] as const),
  [/<\|channel\|>analysis<\|message\|>/, /<\|end\|>|<\|channel\|>final<\|message\|>/],
];
const specialTokens = new RegExp(`(?:${specialToken.source})(?:assistant|final)?`, 'gi');

/**
 * Removes complete thoughts, one whose beginning was swallowed by the prompt template, and one that was cut
 * off. A thought counts only in front of the answer: an answer may quote the tag.
 */
export function withoutThoughts(raw: string): string {
  if (typeof parsedJson(raw) === 'object') return raw.trim();
  let text = raw;
  for (const [open, close] of thoughts) {
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

/** Bodies of code fences, and what stands in single backticks. */
const fenced = (text: string): string[] =>
  [...text.matchAll(/(?:```|~~~)[a-z]*\s*([\s\S]*?)(?:```|~~~|$)|`([^`\n]+)`/gi)]
    .map((match) => (match[1] ?? match[2] ?? '').trim())
    .filter((body) => /^[{[]/.test(body));

/**
 * The JSON values in a text, most likely first: the whole text, each balanced object or array in order,
 * fenced bodies, and last what can be repaired. Empty for text without JSON.
 */
export function* jsonValues(raw: string): Generator {
  const text = composedText(raw).trim().slice(0, scanCharsMax);
  const whole = parsedJson(text);
  if (whole !== undefined) {
    yield whole;
    return;
  }
  const broken: string[] = [];
  let count = 0;
  for (let at = text.search(/[{[]/); at >= 0 && count < candidatesMax; count += 1) {
    const end = balancedEnd(text, at);
    const candidate = end < 0 ? text.slice(at) : text.slice(at, end);
    const value = parsedJson(candidate);
    if (value !== undefined) yield value;
    else broken.push(candidate);
    const from = value === undefined ? at + 1 : end;
    const next = text.slice(from).search(/[{[]/);
    at = next < 0 ? -1 : from + next;
  }
  for (const candidate of [...fenced(text), ...broken.slice(0, 4)]) {
    const value = repairedJson(candidate);
    if (value !== undefined) yield value;
  }
}
