/**
 * The text of an HTML mail: what a person sees. Hidden preheaders and the invisible characters behind them are removed,
 * and nothing else is.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { htmlToText } from '#tools/email/html-text';
import { parseMail } from '#tools/email/parse-mail';
import { oneLine } from '#tools/sanitize-text';

const seen = (html: string): string => oneLine(htmlToText(html), 1000);
const body = '<p>본문입니다.</p>';

describe('invisible characters', () => {
  test.each([
    ['zero-width non-joiners between spaces', '&zwnj;&nbsp;'],
    ['grapheme joiners', '&#847; '],
    ['grapheme joiners, joiners and marks', '&#847;&zwnj;&nbsp;&#8199;&#65279;'],
    ['soft hyphens', '&shy; '],
    ['soft hyphens without spaces', '&#173;'],
    ['hexadecimal references', '&#x200C;&#xA0;'],
    ['zero-width spaces', '&#8203;'],
    ['word joiners', '&#8288;'],
    ['the characters themselves', '\u034f \u200c\u00a0\u200d\ufeff\u00ad'],
    ['fillers of Hangul', '\u3164'],
    ['blank Braille', '\u2800'],
    ['references without a semicolon', '&nbsp &#8204'],
    ['variation selectors', '\ufe0f'],
    ['invisible tags', '\u{e0020}\u{e0041}'],
  ])('are removed from the text: %s, 150 times', (_name, filler) => {
    expect(seen(`<div>${filler.repeat(150)}</div>${body}`)).toBe('본문입니다.');
    expect(seen(`<div>미리 보기${filler.repeat(150)}</div>${body}`)).toBe('미리 보기 본문입니다.');
    expect(oneLine(`${filler.replace(/&.*/, '').repeat(150)} 글`, 1000)).toBe('글');
  });

  test.each(['👨‍👩‍👧 가족', '❤️ 1️⃣', 'می‌خواهم', 'क्‍ष', 'e\u0301', '한글'])(
    'that belong to a visible text stay: %j',
    (text) => {
      expect(oneLine(text, 100)).toBe(text.normalize('NFC'));
    },
  );

  test('inside a word do not split it', () => {
    expect(oneLine('견\u00ad적\u034f서\u200c를', 100)).toBe('견적서를');
  });
});

describe('hidden content', () => {
  test.each([
    'display:none',
    'display: none;',
    'DISPLAY : NONE !important',
    'color:#fff;display:none!important;mso-hide:all',
    'mso-hide:all',
    'visibility:hidden',
    'font-size:0',
    'font-size:0px;line-height:0',
    'font-size:1px;color:#ffffff',
    'font-size: 0.0em',
    'opacity:0',
    'opacity: 0.0;',
    'max-height:0;overflow:hidden',
    'max-height:0px',
    'max-width:0',
    'height:0;overflow:hidden',
    'overflow:hidden;width:0px',
    'text-indent:-9999px',
    'position:absolute;left:-10000px',
    'color:transparent',
  ])('is removed with the style %s', (style) => {
    for (const tag of ['div', 'span', 'td', 'p']) {
      const hidden = `<${tag} class="x" style="${style}">몰래 <b>쓴</b> 글<img src=x></${tag}>`;
      expect(seen(`${hidden}${body}`)).toBe('본문입니다.');
    }
    expect(seen(`<div style='${style}'>몰래<div>안쪽</div></div>${body}`)).toBe('본문입니다.');
  });

  test.each([
    ['a comment', '<!-- 몰래 -->'],
    ['a condition of Outlook', '<!--[if mso]><p>몰래</p><![endif]-->'],
    ['a style sheet', '<style>p{color:red} /* 몰래 */</style>'],
    ['a script', '<script>if (1 < 2) document.write("<p>몰래</p>")</script>'],
    ['a title', '<title>몰래</title>'],
    ['a head', '<html><head><title>a</title><meta name=x></head><body>'],
    ['a head that is not closed', '<html><head><title>a</title><body>'],
    ['the attribute hidden', '<div hidden>몰래</div>'],
    ['the attribute hidden with a value', '<div class=a hidden="hidden">몰래</div>'],
    ['a class', '<style>.preheader { display: none }</style><div class="a preheader">몰래</div>'],
    ['an id', '<style>a{} #pre, .x {max-height:0;}</style><span id=pre>몰래</span>'],
    [
      'a class of an element',
      '<style>span.pre{display:none !important}</style><span class=pre>몰래</span>',
    ],
    ['a doctype', '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://x">'],
    ['instructions', '<?xml version="1.0"?><o:p></o:p>'],
    [
      'a preheader of 500 fillers',
      `<div style="display:none">몰래${'&zwnj;&nbsp;'.repeat(500)}</div>`,
    ],
  ])('is removed: %s', (_name, hidden) => {
    expect(seen(`${hidden}${body}`)).toBe('본문입니다.');
  });
});

describe('visible content', () => {
  test.each([
    [
      'a font that is set again inside',
      '<td style="font-size:0px"><div style="font-size:13px">글</div></td>',
    ],
    ['a small font', '<p style="font-size:10px">글</p>'],
    ['a part of a font size', '<p style="font-size:0.8em">글</p>'],
    [
      'a class that only some screens hide',
      '<style>@media (max-width:600px){.a{display:none}}</style><p class=a>글</p>',
    ],
    ['opacity', '<p style="opacity:0.9">글</p>'],
    ['a height', '<p style="max-height:100px;line-height:0">글</p>'],
    ['a spacer', '<td style="height:0">글</td>'],
    ['a word about styles', '<p title="display:none">글</p>'],
    ['a name', '<p data-style="display:none" aria-hidden="true">글</p>'],
    ['what follows a hidden image', '<img style="display:none" src="x">글'],
    ['what follows a hidden line that closes itself', '<br style="display:none"/>글'],
    ['what follows a hidden element that is never closed', '<div style="display:none">글'],
    ['a condition that Outlook alone does not see', '<!--[if !mso]><!-->글<!--<![endif]-->'],
    ['a tag without an end', '글 <a href="x'],
    ['a text without HTML', '글'],
  ])('is kept: %s', (_name, html) => {
    expect(seen(html)).toBe('글');
  });

  test('has a space only at elements that break lines', () => {
    expect(
      seen('견<b>적</b><span>서</span><br>보냄<table><tr><td>1</td><td>2</td></tr></table>'),
    ).toBe('견적서 보냄 1 2');
    expect(seen('a &lt; b &amp;&amp; c &#44032;&#xAC01; &eacute;&copy; &unknown; 1 < 2 & 3')).toBe(
      'a < b && c 가각 é© &unknown; 1 < 2 & 3',
    );
  });

  test('that precedes any HTML is kept', () => {
    const pieces =
      '<div>|</div>|<p style="display:none">|</p>|<|>|<!--|-->|"|<style>|</style>|<a href="x">|글|&zwnj;|<br/>|<td style=font-size:0>|</td>|<body>';
    const piece = fc.constantFrom(...pieces.split('|'), "'");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (list) => {
        expect(seen(`<p>앞</p>${list.join('')}`)).toMatch(/^앞/);
      }),
      { numRuns: 1000 },
    );
  });

  test('and a tag whose end is far away are converted in linear time', () => {
    for (const piece of [
      '<',
      '<a "',
      '<div style="display:none">',
      '<!--',
      '<style>',
      '<td style=font-size:0>',
      '<a<a',
      '"<a ',
      '<style></style',
      `<${'a'.repeat(500)}`,
    ]) {
      // 64 KB is the part of a mail that is fetched.
      expect(typeof htmlToText(`${piece.repeat(65_000 / piece.length)}>`)).toBe('string');
    }
  });
});

describe('the preview of a mail', () => {
  const mail = (type: string, text: string): Buffer =>
    Buffer.from(`Subject: s\r\nContent-Type: ${type}; charset=utf-8\r\n\r\n${text}`);

  test('begins with the first visible words of a newsletter', () => {
    const filler = '&zwnj;&nbsp;'.repeat(150);
    const hidden = `<div style="display:none;max-height:0;mso-hide:all">특가 안내${filler}</div>`;
    expect(parseMail(mail('text/html', `<html><body>${hidden}${body}</body></html>`)).text).toBe(
      '본문입니다.',
    );
  });

  test('has the text of an HTML page that is labelled as plain text', () => {
    expect(parseMail(mail('text/plain', `<!DOCTYPE html><html>${body}</html>`)).text).toBe(
      '본문입니다.',
    );
  });

  test('has plain text with angle brackets unchanged', () => {
    expect(parseMail(mail('text/plain', 'a <b> & c &amp; d')).text).toBe('a <b> & c &amp; d');
  });
});
