/** The chat's markup of a text, and that no text becomes a link that the bridge did not make (M1). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toChatMarkup } from '#channels/synology/chat-markup';

const linkOfChat = /<([a-z][a-z0-9+.-]*:[^>|\n]*)\|([^>\n]*)>/gi;

describe('toChatMarkup', () => {
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
    ['[a.example 안내](https://www.a.example/x)', '<https://www.a.example/x|a.example 안내>'],
    ['[**굵게** 1.2.3](https://a.example)', '<https://a.example|**굵게** 1.2.3>'],
  ])('converts the links of the text: %s', (markdown, shown) => {
    expect(toChatMarkup(markdown)).toBe(shown);
  });

  test.each([
    '```cpp\nstd::vector<std::string> v; Result<http::Response> r;\n```',
    '```html\n<!DOCTYPE html>\n<!-- x -->\n<xsl:template match="/">\n```',
    '`Map<Int, List<@NonNull String>>` <#1234> <@hana> <svg:g/> a <b: c>',
  ])('does not change code: %s', (code) => {
    expect(toChatMarkup(code)).toBe(code);
  });

  test.each([
    '```python title="src/gatehouse/tools/calendar_provider.py"\n[a](https://a.example)\n```\n',
    '1. 단계:\n\n      ```bash\n      [a](https://a.example)\n      ```\n',
    '````md\n```js\n[a](https://a.example)\n```\n````\n',
    '~~~\n```\n[a](https://a.example)\n~~~  \n',
  ])('recognizes the beginning and the end of code: %j', (code) => {
    const link = '[글](https://a.example)';
    expect(toChatMarkup(`${code}${link}`)).toBe(`${code}<https://a.example|글>`);
  });

  test.each([
    'https://bank.example/login',
    'bank.example',
    'www.bank.example 로그인',
    '로그인 BANK.example!',
    'ｂａｎｋ．ｅｘａｍｐｌｅ',
    'bank\u200b.exam\u00adple',
    '은행.한국',
    '192.168.0.1',
    'a.example/bank.example',
    'https://a.example@bank.example',
    'help@bank.example',
    '...bank..example...',
    'a.example,(bank.example)',
  ])('shows the address of a link whose label names another address: %s', (label) => {
    expect(toChatMarkup(`[${label}](https://a.example/x)`)).toBe(`${label} (https://a.example/x)`);
  });

  test.each([
    'bank%2Eexample',
    'bank[.]example',
    'bank (dot) example',
    'bank .example',
    'bank&period;example',
    'bank·example',
    'bank.\u034fexample',
    'bank.\ufe0fexample',
    'bаnk.example',
    '[::1] bank.example',
    'https:bank.example',
  ])(
    'shows the address of a link whose label names another address in a masked form: %s',
    (label) => {
      const shown = toChatMarkup(`[${label.replaceAll(/[[\]]/g, '\\$&')}](https://a.example/x)`);
      expect(shown).toBe(`${label} (https://a.example/x)`);
    },
  );

  test.each([
    ['확인'],
    ['네'],
    ['취소'],
    ['승인하기'],
    ['**확인**'],
    ['확 인'],
    ['ＹＥＳ'],
    ['Yes!'],
    ['ok'],
    ['Confirm'],
    ['Go ahead'],
    ['아니요'],
    ['✅'],
    ['👍'],
    ['...'],
    ['확\u200b인'],
    ['예 👍'],
    ['등록해줘'],
  ])('shows the address of a link whose label looks like an answer to a draft: %s', (label) => {
    expect(toChatMarkup(`[${label}](https://a.example/x)`)).toBe(`${label} (https://a.example/x)`);
  });

  test('shows an address with a login before its host, and no right-to-left label', () => {
    const url = 'https://bank.example@a.example/x';
    expect(toChatMarkup(`[문서](${url})`)).toBe(`문서 (${url})`);
    expect(toChatMarkup('[\u202eelpmaxe.knab](https://a.example)')).toBe(
      'elpmaxe.knab (https://a.example)',
    );
    expect(toChatMarkup('[\u202e문서](https://a.example)')).toBe('<https://a.example|문서>');
  });

  test('keeps the link of a label that only begins like an answer to a draft', () => {
    expect(toChatMarkup('[확인된 버그와 해결 방법을 모아 놓은 문서](https://a.example)')).toBe(
      '<https://a.example|확인된 버그와 해결 방법을 모아 놓은 문서>',
    );
  });

  test('returns no link with a label of another address, for any combination of harmful texts', () => {
    const bad = [
      '<https://evil.example|https://bank.example>',
      '<mailto:x@y|관리자>',
      '<smb://evil.example/x|문서>',
      '[bank.example](https://a.example)',
      '[https://bank.example/x](https://a.example)',
    ];
    const around = fc.constantFrom('', '`', '```\n', ' ', '\n', '[', '](https://a.example)', '글');
    const texts = fc.array(fc.oneof(fc.constantFrom(...bad), around), { maxLength: 12 });
    fc.assert(
      fc.property(texts, (pieces) => {
        const shown = toChatMarkup(pieces.join(''));
        for (const [, url = '', label = ''] of shown.matchAll(linkOfChat)) {
          expect(url).toBe('https://a.example');
          expect(label).not.toContain('bank');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('converts a text of 300,000 backticks without blocking the process', () => {
    const run = `${'`'.repeat(300_000)} [글](https://a.example)`;
    expect(toChatMarkup(run).endsWith(' <https://a.example|글>')).toBe(true);
  });

  test('does not change a text without links', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (any) => {
        fc.pre(!/[<[]/.test(any));
        expect(toChatMarkup(any)).toBe(any);
      }),
    );
  });
});
