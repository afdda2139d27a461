import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toEntities } from '#channels/telegram/markup';

/** The text with its entities written as `[type:text]`, the outer first. */
function shown(markdown: string): string {
  const { text, entities } = toEntities(markdown);
  const marks = entities.map((entity) => {
    const { type, offset, length } = entity;
    const more =
      'language' in entity ? `(${entity.language})` : 'url' in entity ? `(${entity.url})` : '';
    return `${type}${more}: ${text.slice(offset, offset + length)}`;
  });
  return [text, ...marks].join(' | ');
}

describe('markdown of a model', () => {
  test.each([
    ['plain text', 'plain text'],
    ['**굵게** and __bold__', '굵게 and bold | bold: 굵게 | bold: bold'],
    [
      '*slanted* _too_ snake_case_name 2*3*4',
      'slanted too snake_case_name 2*3*4 | italic: slanted | italic: too',
    ],
    ['~~gone~~', 'gone | strikethrough: gone'],
    ['**bold *both***', 'bold both | bold: bold both | italic: both'],
    ['**bold _both_**', 'bold both | bold: bold both | italic: both'],
    ['***both***', 'both | italic: both | bold: both'],
    ['```\n```', '```\n```'],
    ['~~~~', '~~~~'],
    ['`a*b*c` and ``a`b``', 'a*b*c and a`b | code: a*b*c | code: a`b'],
    ['**`code`**', 'code | code: code'],
    ['## Heading **x** ##', 'Heading x | bold: Heading x'],
    ['- one\n* two\n  - three', '• one\n• two\n  • three'],
    ['> quote **a**\n> b\nrest', 'quote a\nb\nrest | blockquote: quote a\nb | bold: a'],
    ['```ts title="x"\nlet *a* = 1;\n```\nend', 'let *a* = 1;\nend | pre(ts): let *a* = 1;'],
    ['```\nopen', 'open | pre: open'],
    [
      '| a | b |\n|---|---|\n| 1 | *2* |',
      '| a | b |\n|---|---|\n| 1 | *2* | | pre: | a | b |\n|---|---|\n| 1 | *2* |',
    ],
    ['[docs](https://a.example/x_(y))', 'docs | text_link(https://a.example/x_(y)): docs'],
    ['<https://a.example>', 'https://a.example'],
    ['[paypal.com](https://evil.example)', 'paypal.com (https://evil.example)'],
    ['[확인](https://evil.example)', '확인 (https://evil.example)'],
    ['[x](javascript:alert(1))', '[x](javascript:alert(1))'],
    ['[x](tg://user?id=1)', '[x](tg://user?id=1)'],
    ['\\*not\\* 1 < 2 & <b>x</b>', '*not* 1 < 2 & <b>x</b>'],
    ['😀 **굵게**', '😀 굵게 | bold: 굵게'],
    ['**not closed', '**not closed'],
  ])('%j', (markdown, expected) => {
    expect(shown(markdown)).toBe(expected);
  });

  test('becomes a text that is never longer, with entities within it, at most 100', () => {
    const piece = fc.constantFrom(
      '**',
      '*',
      '_',
      '`',
      '```',
      '\n',
      '[a](https://x.example)',
      '😀',
      '> ',
      '# ',
      '- ',
      '|',
      '|-|',
      '가',
      ' ',
      'a',
      '\\',
      '~~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const markdown = pieces.join('');
        const { text, entities } = toEntities(markdown);
        expect(text.length).toBeLessThanOrEqual(markdown.length);
        expect(entities.length).toBeLessThanOrEqual(100);
        for (const { offset, length } of entities) {
          expect(length).toBeGreaterThan(0);
          expect(offset + length).toBeLessThanOrEqual(text.length);
        }
      }),
    );
    const many = toEntities('**a** '.repeat(600));
    expect(many.entities.length).toBeLessThanOrEqual(100);
    expect(many.text).toContain('**a**');
  });

  test('costs no more than its length, however it is built', () => {
    for (const evil of ['**', '[', '`', '_a', '~~', '|', '*a ', '\\']) {
      const { text } = toEntities(evil.repeat(8_000 / evil.length));
      expect(text.length).toBeGreaterThan(0);
    }
  });
});
