/**
 * A value without U+0000 in its texts. PostgreSQL refuses this character and SQLite's own functions end a text at it, so no
 * stored text has one: everything from outside passes through here where it comes in.
 */

/** Texts, lists and plain objects, also their keys; a value without this character is returned as it is. */
export function removeNul<Value>(value: Value): Value {
  if (typeof value === 'string') {
    return (value.includes('\0') ? value.replaceAll('\0', '') : value) as Value;
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return (items.some(hasNul) ? items.map(removeNul) : items) as Value;
  }
  if (!isPlainObject(value) || !hasNul(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [removeNul(key), removeNul(item)]);
  return Object.fromEntries(entries) as Value;
}

function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (Array.isArray(value)) return value.some(hasNul);
  if (!isPlainObject(value)) return false;
  return Object.entries(value).some(([key, item]) => key.includes('\0') || hasNul(item));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Readers of query strings make objects whose prototype has none itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** As `JSON.parse`, without U+0000 in texts. */
export function parseJsonWithoutNul(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  // JSON can have the character only as an escape.
  return text.includes('\\u0000') ? removeNul(value) : value;
}
