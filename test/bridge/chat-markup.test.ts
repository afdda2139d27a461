/** How a text looks in the chat, and that nothing in it becomes a link that we did not make (M1). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatText } from '../../src/bridge/chat-markup.ts';

const linkOfChat = /<([a-z][a-z0-9+.-]*:[^>|\n]*)\|([^>\n]*)>/gi;

describe('a text for the chat', () => {
  test.each([
    ['[문서](https://nas.example/a_(b)?x=1&y=2)', '<https://nas.example/a_(b)?x=1&y=2|문서>'],
    ['![그림](https://a.example/p.png "제목")', '<https://a.example/p.png|그림>'],
    ['<https://a.example>', 'https://a.example'],
    ['[https://a.example](https://a.example)', 'https://a.example'],
    ['[a|b>c](https://a.example/x|y)', '<https://a.example/x%7Cy|a b c>'],
    ['[글](javascript:alert(1))', '[글](javascript:alert(1))'],
    ['**굵게** _기울임_ # 제목', '**굵게** _기울임_ # 제목'],
    ['a < b && c > d, List<A|B>', 'a < b && c > d, List<A|B>'],
    ['`[x](https://a.example)`', '`[x](https://a.example)`'],
    ['```\n[x](https://a.example)\n```', '```\n[x](https://a.example)\n```'],
  ])('%s', (markdown, shown) => {
    expect(chatText(markdown)).toBe(shown);
  });

  test('has no link that leads elsewhere than it says, whatever stood in it', () => {
    const bad = [
      '<https://evil.example|https://bank.example>',
      '<mailto:x@y|관리자>',
      '<@4>',
      '<!all>',
    ];
    const around = fc.constantFrom('', '`', '```\n', ' ', '\n', '[', '](https://a.example)', '글');
    const texts = fc.array(fc.oneof(fc.constantFrom(...bad), around), { maxLength: 12 });
    fc.assert(
      fc.property(texts, (pieces) => {
        const shown = chatText(pieces.join(''));
        expect(shown).not.toMatch(/<[@!]/);
        for (const [, url = ''] of shown.matchAll(linkOfChat)) {
          expect(url).toBe('https://a.example');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of very many backticks does not hold up everything else', () => {
    const run = `${'`'.repeat(300_000)} [글](https://a.example)`;
    expect(chatText(run).endsWith(' <https://a.example|글>')).toBe(true);
  });

  test('without links stays as it is, to the last character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (any) => {
        fc.pre(!/[<[]/.test(any));
        expect(chatText(any)).toBe(any);
      }),
    );
  });
});
