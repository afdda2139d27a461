/** One-time codes: short enough to type on a phone, long enough that nobody guesses one within its minutes. */
import { createHash, randomInt } from 'node:crypto';

/** Without letters and digits that look like others in some font: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V. */
const alphabet = 'ACDEFGHJKMNPQRTUWXY34679';
const length = 10;
const groupLength = 5;
const codeForm = new RegExp(`^[${alphabet}]{${length}}$`);

/** Such as `K7XQ4-M9DTA`: 45 bits. */
export function createInviteCode(): string {
  const letters = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]);
  return `${letters.slice(0, groupLength).join('')}-${letters.slice(groupLength).join('')}`;
}

/**
 * The code as it is compared: case, blanks, dashes and the wide letters of some keyboards do not matter. Null: no code has
 * this form, so it need not be looked up.
 */
export function normalizeInviteCode(given: string): string | null {
  const code = given
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}_.]/gu, '');
  return codeForm.test(code) ? code : null;
}

/** @param code normalized */
export const hashInviteCode = (code: string): string =>
  createHash('sha256').update(`invite ${code}`).digest('hex');
