/**
 * A text cut into pieces that each say one thing: what a vector stands for. Cut at paragraphs, lines or
 * sentences where one ends in time; neighbours overlap, so that what stands on the cut is whole in one of them.
 */
export interface Chunk {
  /** In the text, in UTF-16 code units. */
  start: number;
  length: number;
  text: string;
}

/**
 * About 440 tokens of Korean, 200 of English: small models take 512 and drop the rest without a word. Shorter
 * pieces lose what they are about, longer ones say too many things at once.
 */
export const chunkCharsMax = 800;
/** Share of a piece that is in its neighbour too. */
const overlapShare = 1 / 8;
/** A book. What is longer is a log of a year, and its words are found all the same. */
const textCharsMax = 160_000;

/** From the strongest boundary to the weakest; each matches up to where the next piece may begin. */
const boundaries = [/\n\s*\n/g, /\n/g, /[.!?。…]["')\]」』]?\s/g, /\s/g];

/** The pieces of a text, of `charsMax` characters at most; empty for one without a letter or digit. */
export function chunksOf(whole: string, charsMax: number = chunkCharsMax): Chunk[] {
  const text = whole.slice(0, textCharsMax);
  const chunks: Chunk[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOf(text, start, charsMax);
    const piece = text.slice(start, end);
    if (/[\p{L}\p{N}]/u.test(piece)) {
      chunks.push({ start, length: end - start, text: piece.toWellFormed().trim() });
    }
    if (end >= text.length) break;
    start = beginningOf(text, end, Math.floor(charsMax * overlapShare));
  }
  return chunks;
}

function endOf(text: string, start: number, charsMax: number): number {
  if (text.length - start <= charsMax) return text.length;
  const window = text.slice(start, start + charsMax);
  for (const boundary of boundaries) {
    let end = 0;
    for (const match of window.matchAll(boundary)) end = match.index + match[0].length;
    // A boundary right at the beginning would leave a scrap.
    if (end >= charsMax / 2) return start + end;
  }
  return start + wholeCharacters(window);
}

/** Where the next piece begins: some way back, at a word. Always after the beginning of the one before. */
function beginningOf(text: string, end: number, overlap: number): number {
  const from = end - overlap;
  const space = text.slice(from, end).search(/\s/);
  const begin = space < 0 ? from : from + space + 1;
  return /[\udc00-\udfff]/.test(text.charAt(begin)) ? begin + 1 : begin;
}

const wholeCharacters = (window: string): number =>
  /[\ud800-\udbff]$/.test(window) ? window.length - 1 : window.length;
