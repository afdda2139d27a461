/**
 * The other spellings of a name of letters and digits: ISO9001, ISO 9001, ISO-9001; KS-B-6750, KSB6750; 010-1234-5678,
 * 01012345678; TCP/IP, TCPIP; 1,500,000. The index keeps the written form; a query asks for all forms, as phrases. A
 * form costs a look-up or two of a word that no document has.
 */
import { digraphs } from './text-folding.ts';

/** One word of letters and digits in a query. */
export interface NamePart {
  text: string;
  /** The separator between this word and the one before; `none`: more than a sign, a comma or a space. */
  gap: Gap;
}

export type Gap = 'sign' | 'comma' | 'space' | 'none';

/** Signs that people leave out, or write in place of each other. */
const signs = String.raw`\-‐-―−./_·:'’()&`;
const signGap = new RegExp(`^[${signs}]{1,3}$`, 'u');
const spacedGap = new RegExp(`^[\\s${signs}]{1,3}$`, 'u');

export function classifyGap(between: string): Gap {
  if (signGap.test(between)) return 'sign';
  if (between === ',') return 'comma';
  return spacedGap.test(between) ? 'space' : 'none';
}

/** A longer name is data, and has too many forms. */
const nameCharsMax = 24;
/** Letters of a name without digits that may be split: longer words are rarely written in two. */
const letterCharsMax = 12;
/** Letters of a name with digits that may be split: KSBISO9712. Longer ones are words. */
const standardCharsMax = 6;
/** Digits of phone and account numbers; a shorter number is a quantity, and 12-34 is not 1234. */
const numberDigitsMin = 7;
const partsMax = 4;
const formsMax = 60;

/** Whether two words may be one name: always over a sign; over a space only beside a digit, or when both are short. */
function mayJoin(before: string, { text, gap }: NamePart): boolean {
  const digits = /\d$/.test(before) && /^\d/.test(text);
  if (gap === 'comma') return digits && text.length === 3;
  if (gap !== 'space') return gap === 'sign';
  return /\d$/.test(before) || /^\d/.test(text) || before.length + text.length <= 6;
}

/** Groups consecutive words of a query that may be one name. */
export function groupNames<Part extends NamePart>(parts: readonly Part[]): Part[][] {
  const names: Part[][] = [];
  for (const part of parts) {
    const name = names.at(-1);
    const before = name?.at(-1);
    const length = (name ?? []).reduce((sum, { text }) => sum + text.length, part.text.length);
    if (before !== undefined && length <= nameCharsMax && mayJoin(before.text, part)) {
      name!.push(part);
    } else names.push([part]);
  }
  return names;
}

/** Each form as the words that it has in the index; without the written form. */
export function spellingVariants(name: readonly NamePart[]): string[][] {
  const written = name.map(({ text }) => text);
  const joined = written.join('');
  if (joined.length > nameCharsMax || joined.length < 2) return [];
  const isNumber = /^\p{N}+$/u.test(joined);
  const cutLists = isNumber ? numberCuts(joined, name) : nameCuts(joined, written);
  if (cutLists.length === 0) return [];
  const forms = new Map([[joined, [joined]]]);
  for (const cuts of cutLists.slice(0, formsMax)) {
    const words = partsAt(joined, cuts);
    forms.set(words.join(' '), words);
  }
  forms.delete(written.join(' '));
  return [...forms.values()];
}

const partsAt = (text: string, cuts: readonly number[]): string[] =>
  [0, ...cuts].map((from, index) => text.slice(from, cuts[index]));

/** Cut positions: where letters meet digits, where the name was cut, and between the letters of a short group. */
function nameCuts(joined: string, written: readonly string[]): number[][] {
  const hasDigit = /\p{N}/u.test(joined);
  const groupMax = hasDigit ? standardCharsMax : letterCharsMax;
  const cuts = new Set<number>();
  let length = 0;
  for (const text of written.slice(0, -1)) cuts.add((length += text.length));
  for (const { 0: group, index } of joined.matchAll(/\p{N}+|[^\p{N}]+/gu)) {
    if (index > 0) cuts.add(index);
    if (/\p{N}/u.test(group) || group.length > groupMax) continue;
    for (let at = 1; at < group.length; at += 1) cuts.add(index + at);
  }
  // Letters alone are cut only once: island is "is land" rather than "is la nd".
  return choices([...cuts], hasDigit || joined.length <= 4 ? partsMax : 2);
}

/** All selections of the cuts, those with fewer parts first. */
function choices(cuts: readonly number[], parts: number): number[][] {
  const chosen: number[][] = [];
  let last: number[][] = [[]];
  for (let count = 2; count <= parts && chosen.length < formsMax; count += 1) {
    last = last.flatMap((before) =>
      cuts.filter((cut) => cut > (before.at(-1) ?? 0)).map((cut) => [...before, cut]),
    );
    chosen.push(...last);
  }
  return chosen;
}

/** 01012345678 in two or three groups, 16 digits in four; 1500000 in thousands. */
function numberCuts(digits: string, name: readonly NamePart[]): number[][] {
  const { length } = digits;
  const thousands: number[] = [];
  for (let at = length - 3; at > 0; at -= 3) thousands.unshift(at);
  const found = length >= 4 && !digits.startsWith('0') ? [thousands] : [];
  if (name.length > 1 && name.slice(1).every(({ gap }) => gap === 'comma')) return found;
  if (length < numberDigitsMin) return name.length === 1 ? found : [];
  const shortest = length >= numberDigitsMin + 5 ? 3 : 2;
  for (let first = shortest; first <= length - shortest; first += 1) {
    found.push([first]);
    for (let second = first + shortest; second <= length - shortest; second += 1) {
      found.push([first, second]);
    }
  }
  if (length === 16) found.unshift([4, 8, 12]);
  if (length === 12) found.unshift([2, 4, 8]);
  return found;
}

/** Matches any form of the name in a folded text. */
export function namePattern(name: readonly NamePart[]): RegExp {
  const gap = `[\\s${signs},\u00ad\u200b-\u200d]{0,3}`;
  const characters = Array.from(name.map(({ text }) => text).join(''));
  let source = '';
  for (let at = 0; at < characters.length; at += 1) {
    const [one = '', two = ''] = characters.slice(at, at + 2);
    const letter = digraphs.get(one + two);
    const pair = letter === undefined ? null : `(?:${one}${gap}${two}|${letter})`;
    source += `${source === '' ? '' : gap}${pair ?? one}`;
    if (pair !== null) at += 1;
  }
  return new RegExp(`(?<![\\p{L}\\p{N}])${source}`, 'giu');
}
