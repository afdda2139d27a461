/** The place of a text that answers a question, for people to look at. */
import { folded, piecesOf, type QueryWords } from './search-words.ts';

/** Characters of the text that are looked through: enough for a long report, bounded for a log of a year. */
const lookedAtMax = 200_000;

/**
 * About `charsMax` characters around the first place where the words of the question stand, as one line.
 * The beginning of the text where they do not.
 */
export function snippetOf(text: string, words: QueryWords, charsMax = 160): string {
  const shown = text.slice(0, lookedAtMax).normalize('NFC');
  const at = placeOf(shown, words);
  const before = Math.floor(charsMax / 4);
  let start = Math.max(0, at - before);
  // Not in the middle of a word, if one begins soon.
  const space = start === 0 ? -1 : shown.slice(start, at).search(/\s/);
  if (space > 0 && space < 20) start += space;
  if (/[\udc00-\udfff]/.test(shown[start] ?? '')) start += 1;
  let end = Math.min(shown.length, start + charsMax);
  if (/[\udc00-\udfff]/.test(shown[end] ?? '')) end -= 1;
  const line = shown
    .slice(start, end)
    .replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const isCut = end < shown.length || text.length > lookedAtMax;
  return `${start > 0 ? '…' : ''}${line}${isCut ? '…' : ''}`;
}

function placeOf(shown: string, words: QueryWords): number {
  const lower = sameLength(shown);
  const wanted = [...words.runs.map((run) => run.text).sort((a, b) => b.length - a.length)];
  for (const word of [...wanted, ...piecesOf(words)]) {
    const at = lower.indexOf(word);
    if (at >= 0) return at;
  }
  return 0;
}

/** Folded, but with every character at its place: those that would grow or shrink stay as they are. */
function sameLength(text: string): string {
  const whole = folded(text);
  if (whole.length === text.length) return whole;
  let out = '';
  for (const character of text) {
    const one = folded(character);
    out += one.length === character.length ? one : character;
  }
  return out;
}
