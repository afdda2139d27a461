/** The form of invite codes. */
import { expect, test } from 'vitest';
import { createInviteCode, hashInviteCode, normalizeInviteCode } from '#sessions/invite-code';

test('a code has ten letters and digits in two groups, none of which looks like another', () => {
  const codes = Array.from({ length: 500 }, createInviteCode);
  for (const code of codes) expect(code).toMatch(/^[A-Z\d]{5}-[A-Z\d]{5}$/);
  expect(new Set(codes).size).toBe(codes.length);
  const used = new Set(codes.join('').replaceAll('-', ''));
  expect([...used].filter((letter) => '01258BILOSVZ'.includes(letter))).toEqual([]);
  expect(used.size).toBe(24);
});

test.each([
  ['K7XQ4-M9DTA'],
  ['k7xq4m9dta'],
  [' k7 xq4 - m9d ta\n'],
  ['K7XQ4–M9DTA'],
  ['K7XQ4—M9DTA'],
  ['Ｋ７ＸＱ４－Ｍ９ＤＴＡ'],
  ['k7xq4_m9dta.'],
])('%j is the code K7XQ4M9DTA', (given) => {
  expect(normalizeInviteCode(given)).toBe('K7XQ4M9DTA');
});

test.each([
  '',
  '-',
  'K7XQ4-M9DT',
  'K7XQ4-M9DTAA',
  'K7XQ4-M9DT0',
  'K7XQ4-M9DTI',
  '한글코드입니다열자요',
  '\0'.repeat(10),
])('%j is no code', (given) => {
  expect(normalizeInviteCode(given)).toBeNull();
});

test('the hash of a code does not contain it, and differs from that of another', () => {
  const hash = hashInviteCode('K7XQ4M9DTA');
  expect(hash).toMatch(/^[\da-f]{64}$/);
  expect(hash).not.toBe(hashInviteCode('K7XQ4M9DTC'));
});
