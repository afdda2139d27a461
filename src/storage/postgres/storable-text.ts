/**
 * PostgreSQL cannot store U+0000. It becomes U+FFFD, as a lone surrogate does in UTF-8; otherwise one such message would
 * make every batch fail that it is part of. Used for what is written and for what is looked up. JSON has escapes for both
 * and is stored as it is.
 */
export const storableText = (text: string): string =>
  text.toWellFormed().replaceAll('\0', '\u{FFFD}');
