/**
 * The text without U+0000. PostgreSQL refuses this character and SQLite's own functions end a text at it, so no stored
 * text has one: every text passes through here before it is stored.
 */
export const removeNul = (text: string): string =>
  text.includes('\0') ? text.replaceAll('\0', '') : text;
