/** `parse_mode`: what becomes of a text with markup, and why one is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '#simulators/telegram/api-error';
import { formattedText } from '#simulators/telegram/entities';
import type { Entity } from '#simulators/telegram/entity-types';

const parse = (parseMode: string, text: string) => formattedText({ text, parseMode, entities: '' });

function refusalOf(parseMode: string, text: string): string {
  try {
    parse(parseMode, text);
  } catch (error) {
    return (error as Error).message.replace("Bad Request: can't parse entities: ", '');
  }
  return 'done';
}

/** `bold 0+3`. */
const short = ({ type, offset, length, url, language, custom_emoji_id, user_id }: Entity): string =>
  [type, `${offset}+${length}`, url ?? language ?? custom_emoji_id ?? user_id ?? '']
    .join(' ')
    .trim();

describe('parse_mode HTML', () => {
  test.each([
    ['plain &lt;b&gt; &amp; &quot;', 'plain <b> & "', []],
    ['<b>굵게</b> <i>a</i>', '굵게 a', ['bold 0+2', 'italic 3+1']],
    ['<strong>a</strong><em>b</em>', 'ab', ['bold 0+1', 'italic 1+1']],
    [
      '<u>a</u><ins>b</ins><s>c</s><del>d</del>',
      'abcd',
      ['underline 0+1', 'underline 1+1', 'strikethrough 2+1', 'strikethrough 3+1'],
    ],
    ['😀<b>😀</b>', '😀😀', ['bold 2+2']],
    ['<b>a<i>b</i></b>', 'ab', ['bold 0+2', 'italic 1+1']],
    [
      '<a href="https://example.org/?a=1&amp;b=2">x</a>',
      'x',
      ['text_link 0+1 https://example.org/?a=1&b=2'],
    ],
    ['<a href="example.org">x</a>', 'x', ['text_link 0+1 http://example.org/']],
    ['<a href="no address">x</a>', 'x', []],
    ['<a href="tg://user?id=501">x</a>', 'x', ['text_mention 0+1 501']],
    ['<pre><code class="language-ts">a</code></pre>', 'a', ['pre 0+1 ts']],
    ['<pre>a</pre><code>b</code>', 'ab', ['pre 0+1', 'code 1+1']],
    [
      '<blockquote>a</blockquote><blockquote expandable>b</blockquote>',
      'ab',
      ['blockquote 0+1', 'expandable_blockquote 1+1'],
    ],
    [
      '<span class="tg-spoiler">a</span><tg-spoiler>b</tg-spoiler>',
      'ab',
      ['spoiler 0+1', 'spoiler 1+1'],
    ],
    ['<b></b>a', 'a', []],
    ['&#48;&#x31;&nothing;&', '01&nothing;&', []],
    ['  <b> a </b>  ', 'a', ['bold 0+1']],
  ])('%j is the text %j with %j', (given, text, entities) => {
    const parsed = parse('HTML', given);
    expect(parsed.text).toBe(text);
    expect(parsed.entities.map(short)).toEqual(entities);
  });

  test.each([
    ['<b>a', 'Can\'t find end tag corresponding to start tag "b"'],
    ['가<x>a</x>', 'Unsupported start tag "x" at byte offset 3'],
    ['a < b', 'Unsupported start tag "" at byte offset 2'],
    ['a <b', 'Unclosed start tag at byte offset 2'],
    ['a</b>', 'Unexpected end tag at byte offset 1'],
    ['<b>a</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ['<b>a</b ', 'Unclosed end tag at byte offset 4'],
    ['<b =x>a</b>', 'Empty attribute name in the tag "b" at byte offset 0'],
    ['<a href="x>a</a>', 'Unclosed start tag at byte offset 0'],
    ['<span>a</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
  ])('%j is refused: %s', (given, reason) => {
    expect(refusalOf('html', given)).toBe(reason);
  });
});

describe('parse_mode MarkdownV2', () => {
  test.each([
    ['*굵게* _a_', '굵게 a', ['bold 0+2', 'italic 3+1']],
    ['__a__ ~b~ ||c||', 'a b c', ['underline 0+1', 'strikethrough 2+1', 'spoiler 4+1']],
    ['*a _b_*', 'a b', ['bold 0+3', 'italic 2+1']],
    ['_a __b___', 'a b', ['italic 0+3', 'underline 2+1']],
    ['`a*b`', 'a*b', ['code 0+3']],
    ['```ts\na\n```', 'a', ['pre 0+1 ts']],
    ['[x](https://example.org/a\\)b)', 'x', ['text_link 0+1 https://example.org/a)b']],
    ['[x](tg://user?id=501)', 'x', ['text_mention 0+1 501']],
    ['![👍](tg://emoji?id=5368324170671202286)', '👍', ['custom_emoji 0+2 5368324170671202286']],
    ['>a\n>b\nc', 'a\nb\nc', ['blockquote 0+4']],
    ['>a\n>b||\nc', 'a\nb\nc', ['expandable_blockquote 0+4']],
    ['1\\. a\\-b \\(c\\)\\!', '1. a-b (c)!', []],
    ['\\\\', '\\', []],
  ])('%j is the text %j with %j', (given, text, entities) => {
    const parsed = parse('MarkdownV2', given);
    expect(parsed.text).toBe(text);
    expect(parsed.entities.map(short)).toEqual(entities);
  });

  test.each([
    ['가 *a', "Can't find end of Bold entity at byte offset 4"],
    ['*a _b*', "Can't find end of Bold entity at byte offset 5"],
    ['`a', "Can't find end of Code entity at byte offset 0"],
    ['```a b', "Can't find end of PreCode entity at byte offset 0"],
    ['[a](b', "Can't find end of a URL at byte offset 4"],
    ['1. a', "Character '.' is reserved and must be escaped with the preceding '\\'"],
    ['a-b', "Character '-' is reserved and must be escaped with the preceding '\\'"],
    ['a>b', "Character '>' is reserved and must be escaped with the preceding '\\'"],
    ['hi!', "Character '!' is reserved and must be escaped with the preceding '\\'"],
    ['![a]', 'The entity must contain a tg://emoji or tg://time URL'],
    ['>*a\nb*', "Can't find end of Bold entity at byte offset 1"],
  ])('%j is refused: %s', (given, reason) => {
    expect(refusalOf('MarkdownV2', given)).toBe(reason);
  });
});

test('a text without parse mode keeps its markup, and gets the entities that Telegram finds', () => {
  const { text, entities } = parse(
    '',
    ' *a* /start@gatehouse_bot @ann see https://example.org/a. #tag',
  );
  expect(text).toBe('*a* /start@gatehouse_bot @ann see https://example.org/a. #tag');
  expect(entities.map((one) => `${one.type} ${text.substr(one.offset, one.length)}`)).toEqual([
    'bot_command /start@gatehouse_bot',
    'mention @ann',
    'url https://example.org/a',
    'hashtag #tag',
  ]);
});

test.each([
  ['x', 'Unsupported parse_mode'],
  ['html', 'Text is too long'],
])('with %s a text can be refused as a whole', (mode, reason) => {
  const text = mode === 'x' ? 'a' : '가'.repeat(11_000);
  expect(refusalOf(mode, text).toLowerCase()).toBe(`bad request: ${reason.toLowerCase()}`);
});

const marks = fc.constantFrom(
  ...'*_~`|[]()>!\\<&;=/"\'\n\r ab가😀'.split(''),
  '😀',
  '<b>',
  '</b>',
  '<pre>',
  '</',
  '<a href="',
  '```',
  '||',
  '&#',
  '&lt',
);
const hostile = fc.array(marks, { maxLength: 40 }).map((parts) => parts.join(''));

test.each(['HTML', 'MarkdownV2', ''])(
  'any text in mode "%s" is parsed or refused; entities lie within the text and on whole characters',
  (mode) => {
    fc.assert(
      fc.property(hostile, (given) => {
        let parsed;
        try {
          parsed = parse(mode, given);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          return;
        }
        for (const { offset, length } of parsed.entities) {
          expect(length).toBeGreaterThan(0);
          expect(offset + length).toBeLessThanOrEqual(parsed.text.length);
          if (given.isWellFormed()) {
            expect(parsed.text.slice(offset, offset + length).isWellFormed()).toBe(true);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  },
);
