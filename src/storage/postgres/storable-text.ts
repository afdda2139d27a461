/**
 * PostgreSQL cannot store U+0000. It becomes U+FFFD, as a lone surrogate does in UTF-8; otherwise one such message would
 * make every batch fail that it is part of. Used for what is written and for what is looked up. JSON has escapes for both
 * and is stored as it is.
 */
export const storableText = (text: string): string =>
  text.toWellFormed().replaceAll('\0', '\u{FFFD}');

/** Escapes of U+0000 and of lone surrogates: JSON.stringify writes no others of surrogates. */
const unstorableEscapes = /(?<=(?<!\\)(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON that PostgreSQL reads itself: it refuses these escapes in every text that it looks into. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(unstorableEscapes, '\u{FFFD}');
