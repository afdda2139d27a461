/** Refuses API keys that protect nothing or cannot be sent in a header; detects short keys for the doctor. */
import type { ApiKey } from '#shared/api-keys';

/** Shorter keys are accepted, but the doctor recommends a longer key: 16 characters resist brute force. */
export const recommendedKeyLength = 16;

const keyText = (key: ApiKey): string => (typeof key === 'string' ? key : key.key);

/** The first unusable key as a schema issue; null if all keys are usable. */
export function findInvalidApiKey(
  keys: readonly ApiKey[],
): { path: (number | string)[]; message: string } | null {
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const text = keyText(key);
    const problem = keyProblem(text, seen);
    const path = typeof key === 'string' ? [index] : [index, 'key'];
    if (problem !== null) return { path, message: problem };
    seen.add(text);
  }
  return null;
}

function keyProblem(text: string, seen: ReadonlySet<string>): string | null {
  // RFC 9110 5.5: header field values are visible ASCII.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return 'must be visible ASCII characters without blanks: nothing else can be sent in a header';
  }
  if (new Set(text).size < 2) return 'must have at least two different characters';
  return seen.has(text) ? 'must be a key of its own: the same key stands twice' : null;
}

export const hasShortKey = (keys: readonly ApiKey[]): boolean =>
  keys.some((key) => keyText(key).length < recommendedKeyLength);
