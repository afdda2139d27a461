/** Texts for the contract tests of storages. */

/** More than the free pages of a new database hold. */
export const largeText = '가나다라 마바사 '.repeat(120_000);

/** A text of each kind that databases or drivers are known to damage; none has U+0000, which no door lets in. */
export const unusualTexts = [
  '',
  ' ',
  "'; drop table document; --",
  '\u0001\u001f\u007f\u2028\ufeff',
  'é e\u0301 한글 \u1112\u1161\u11ab 日本 👩‍👩‍👧 𝒳',
  '{"a":1,"a":2}',
  '\\x00 \\u0000 %00 $1 ? :name @name',
  'a\r\nb\nc\r',
];
