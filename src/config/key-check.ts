/** API keys that protect nothing, or that no client can send: refused at start, named by the doctor. */

type Key = string | { key: string; user: string };

/** Shorter keys are taken, but the doctor advises a longer one: 16 characters cannot be tried out. */
export const keyCharsAdvised = 16;

const textOf = (key: Key): string => (typeof key === 'string' ? key : key.key);

/** The first key that cannot be used, as an issue of the schema; null where all can. */
export function findUselessKey(
  keys: readonly Key[],
): { path: (number | string)[]; message: string } | null {
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const text = textOf(key);
    const fault = faultOf(text, seen);
    const path = typeof key === 'string' ? [index] : [index, 'key'];
    if (fault !== null) return { path, message: fault };
    seen.add(text);
  }
  return null;
}

function faultOf(text: string, seen: ReadonlySet<string>): string | null {
  // RFC 9110 5.5: what stands in a header field is visible ASCII.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return 'must be visible ASCII characters without blanks: nothing else can be sent in a header';
  }
  if (new Set(text).size < 2) return 'must have at least two different characters';
  return seen.has(text) ? 'must be a key of its own: the same key stands twice' : null;
}

export const hasShortKey = (keys: readonly Key[]): boolean =>
  keys.some((key) => textOf(key).length < keyCharsAdvised);
