/** How chats count the length of a post. */

export type CharUnit = 'code-points' | 'utf-16' | 'utf-8';

/** The length of one code point. */
const lengthOf: Readonly<Record<CharUnit, (codePoint: number) => number>> = {
  'code-points': () => 1,
  'utf-16': (codePoint) => (codePoint > 0xffff ? 2 : 1),
  'utf-8': (codePoint) =>
    codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint <= 0xffff ? 3 : 4,
};

export function countChars(text: string, unit: CharUnit): number {
  let count = 0;
  for (const character of text) count += lengthOf[unit](character.codePointAt(0)!);
  return count;
}

/** The last position at most `count` after `offset`, at least one code point further, or the end of the text. */
export function advance(text: string, offset: number, count: number, unit: CharUnit): number {
  let at = offset;
  for (let left = count; at < text.length;) {
    const codePoint = text.codePointAt(at)!;
    left -= lengthOf[unit](codePoint);
    if (left < 0 && at > offset) break;
    at += codePoint > 0xffff ? 2 : 1;
    if (left <= 0) break;
  }
  return at;
}
