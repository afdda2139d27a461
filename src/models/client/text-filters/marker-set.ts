/** Finds markers in streamed text. ASCII case is ignored. */
import { specialToken, specialTokenStart } from '#shared/text/special-tokens';

export interface MarkerMatch {
  at: number;
  /** As written in the text. */
  text: string;
  /** In lower case. */
  key: string;
}

/** Lowercases only A to Z, so that the length of the text stays the same. */
export const asciiLower = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** A special token of any name, at one position. */
const tokenPattern = new RegExp(specialToken.source, 'iy');
const tokenStarts = ['<', '['];

function tokenAt(text: string, at: number): string | null {
  tokenPattern.lastIndex = at;
  return tokenPattern.exec(text)?.[0] ?? null;
}

/** `withTokens`: special tokens of any name also match. */
export function createMarkerSet(markers: readonly string[], withTokens: boolean) {
  /** Markers by the code of their first character, longest first. */
  const byStart = new Map<number, string[]>();
  let longest = 0;
  for (const key of new Set(markers.map(asciiLower))) {
    if (key === '') continue;
    longest = Math.max(longest, key.length);
    const upper = key.charAt(0).toUpperCase().charCodeAt(0);
    for (const start of upper === key.charCodeAt(0) ? [upper] : [upper, key.charCodeAt(0)]) {
      const keys = byStart.get(start);
      if (keys) keys.push(key);
      else byStart.set(start, [key]);
    }
  }
  for (const keys of byStart.values()) keys.sort((one, other) => other.length - one.length);
  if (withTokens) {
    for (const start of tokenStarts) {
      if (!byStart.has(start.charCodeAt(0))) byStart.set(start.charCodeAt(0), []);
    }
  }

  function markerAt(text: string, at: number, keys: readonly string[]): MarkerMatch | null {
    const here = asciiLower(text.slice(at, at + longest));
    const key = keys.find((each) => here.startsWith(each));
    const token = withTokens ? tokenAt(text, at) : null;
    const length = Math.max(key?.length ?? 0, token?.length ?? 0);
    if (length === 0) return null;
    const found = text.slice(at, at + length);
    return { at, text: found, key: asciiLower(found) };
  }

  return {
    /** The earliest marker; of two at the same position, the longer. */
    find(text: string): MarkerMatch | null {
      for (let at = 0; at < text.length; at++) {
        const keys = byStart.get(text.charCodeAt(at));
        const found = keys && markerAt(text, at, keys);
        if (found) return found;
      }
      return null;
    },
    /** Start of the longest tail that could still grow into a marker; the length of the text when there is none. */
    possibleStart(text: string): number {
      for (let at = Math.max(0, text.length - Math.max(longest, 48)); at < text.length; at++) {
        const keys = byStart.get(text.charCodeAt(at));
        if (!keys) continue;
        const rest = asciiLower(text.slice(at));
        if (keys.some((key) => key.length > rest.length && key.startsWith(rest))) return at;
        if (withTokens && specialTokenStart.test(rest)) return at;
      }
      return text.length;
    },
  };
}
export type MarkerSet = ReturnType<typeof createMarkerSet>;
