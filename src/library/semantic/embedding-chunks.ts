/**
 * Splits a text into chunks of one subject each: the unit of a vector. Cuts at paragraphs, lines or sentences where
 * possible; neighbours overlap, so that text at a cut is whole in one of them.
 */
export interface Chunk {
  /** Start in the text, in UTF-16 code units. */
  start: number;
  length: number;
  text: string;
}

/**
 * About 440 tokens of Korean, 200 of English: small models take 512 and silently drop the rest. Shorter chunks lose
 * their context, longer chunks mix too many subjects.
 */
export const chunkCharsMax = 800;
/** Share of a chunk that is in its neighbour too. */
const overlapShare = 1 / 8;
/** The length of a book. A longer text is a log of a year, and full-text search finds its words all the same. */
const textCharsMax = 160_000;

/** From the strongest boundary to the weakest; a match ends where the next chunk may begin. */
const boundaries = [/\n\s*\n/g, /\n/g, /[.!?。…]["')\]」』]?\s/g, /\s/g];

/** The chunks of a text, of `charsMax` characters at most; empty for a text without a letter or digit. */
export function splitIntoChunks(whole: string, charsMax: number = chunkCharsMax): Chunk[] {
  const text = whole.slice(0, textCharsMax);
  const chunks: Chunk[] = [];
  for (let start = 0; start < text.length;) {
    const end = chunkEnd(text, start, charsMax);
    const piece = text.slice(start, end);
    if (/[\p{L}\p{N}]/u.test(piece)) {
      chunks.push({ start, length: end - start, text: piece.toWellFormed().trim() });
    }
    if (end >= text.length) break;
    start = overlapStart(text, end, Math.floor(charsMax * overlapShare));
  }
  return chunks;
}

function chunkEnd(text: string, start: number, charsMax: number): number {
  if (text.length - start <= charsMax) return text.length;
  const window = text.slice(start, start + charsMax);
  for (const boundary of boundaries) {
    let end = 0;
    for (const match of window.matchAll(boundary)) end = match.index + match[0].length;
    // A boundary near the beginning would leave a tiny chunk.
    if (end >= charsMax / 2) return start + end;
  }
  return start + wholeCharacters(window);
}

/** Start of the next chunk: some way back, at a word. Always after the start of the previous chunk. */
function overlapStart(text: string, end: number, overlap: number): number {
  const from = end - overlap;
  const space = text.slice(from, end).search(/\s/);
  const begin = space < 0 ? from : from + space + 1;
  return /[\udc00-\udfff]/.test(text.charAt(begin)) ? begin + 1 : begin;
}

const wholeCharacters = (window: string): number =>
  /[\ud800-\udbff]$/.test(window) ? window.length - 1 : window.length;
