/** Long texts are split into posts: nothing is lost, and no cut is in a wrong place (K1 to K4). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countChars, type CharUnit } from '#channels/outbox/char-units';
import { nextPart } from '#channels/outbox/split-post';

interface Cut {
  /** The posts, with added code fences. */
  posts: string[];
  /** The pieces of the text themselves. */
  pieces: string[];
  ends: number[];
}

function cut(text: string, limit: number, unit?: CharUnit): Cut {
  const made: Cut = { posts: [], pieces: [], ends: [] };
  for (let at = 0; at < text.length;) {
    const { post, end } = nextPart(text, at, limit, unit);
    if (end <= at) throw new Error(`no progress at ${at}`);
    made.posts.push(post);
    made.pieces.push(text.slice(at, end));
    made.ends.push(end);
    at = end;
  }
  return made;
}

const piece = fc.constantFrom(
  '안녕하세요. ',
  '하다',
  '각', // conjoining jamo
  '👨‍👩‍👧‍👦',
  '🇰🇷',
  '👍🏽',
  'é',
  '& + % # "',
  'word ',
  '\n',
  '\r\n',
  '\n\n',
  '```ts\nconst a = 1;\nconst b = `x`;\n```\n',
  '```\n',
  '~~~\n',
  '<https://a.example/x?y=1|링크>',
  '  - item\n',
  'x'.repeat(70),
);
const text = fc.array(piece, { minLength: 1, maxLength: 120 }).map((pieces) => pieces.join(''));
const limit = fc.integer({ min: 60, max: 400 });

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' });
const edgesOf = (whole: string): Set<number> =>
  new Set([...segmenter.segment(whole)].map(({ index, segment }) => index + segment.length));

describe('a long text', () => {
  test('is posted completely: its joined pieces are the text, and each post contains its piece', () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const { posts, pieces } = cut(whole, max);
        expect(pieces.join('')).toBe(whole);
        for (const [index, post] of posts.entries()) expect(post).toContain(pieces[index]);
      }),
      { numRuns: 300 },
    );
  });

  test('has no post that exceeds the limit', () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        for (const post of cut(whole, max).posts)
          expect(countChars(post, 'code-points')).toBeLessThanOrEqual(max);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[CharUnit, (post: string) => number]>([
    ['utf-16', (post) => post.length],
    ['utf-8', (post) => Buffer.byteLength(post)],
  ])('is cut by the unit of the chat: %s', (unit, lengthOf) => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const { posts, pieces, ends } = cut(whole, max, unit);
        expect(pieces.join('')).toBe(whole);
        const edges = edgesOf(whole);
        for (const end of ends) expect(edges.has(end)).toBe(true);
        for (const post of posts) {
          expect(lengthOf(post)).toBeLessThanOrEqual(max);
          expect(countChars(post, unit)).toBe(lengthOf(post));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('keeps a link of markdown whole where the chat has no markup for links', () => {
    const link = `[여러 단어로 된 견적서](https://a.example/${'x'.repeat(40)})`;
    const whole = `${'단어 '.repeat(20)}${link} ${'단어 '.repeat(20)}`;
    const { posts } = cut(whole, 90);
    expect(posts.filter((post) => post.includes(link))).toHaveLength(1);
  });

  test('is cut between graphemes, and never within a link', () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const { ends, pieces } = cut(whole, max);
        const edges = edgesOf(whole);
        for (const end of ends) expect(edges.has(end)).toBe(true);
        for (const one of pieces) {
          expect(one.match(/<https:[^>]*$/)).toBeNull();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('with code opens and closes each fence within one post', () => {
    const opening = ['ts', '', `python title="${'x'.repeat(60)}"`];
    const code = ([indent, info, lines]: [number, string, number]): string =>
      ['```' + info, ...Array.from({ length: lines }, () => 'const x = 1;'), '```', '']
        .map((line) => ' '.repeat(indent) + line)
        .join('\n');
    const block = fc.oneof(
      fc.constantFrom('글 한 줄.\n', '문단입니다. 또 한 문장.\n\n', '긴 줄 '.repeat(30)),
      fc
        .tuple(
          fc.constantFrom(0, 3, 6),
          fc.constantFrom(...opening),
          fc.integer({ min: 1, max: 60 }),
        )
        .map(code),
    );
    const blocks = fc.array(block, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(blocks, fc.integer({ min: 100, max: 500 }), (all, max) => {
        for (const post of cut(all.join('\n'), max).posts) {
          const fences = post.match(/^ *```/gm) ?? [];
          expect(fences.length % 2).toBe(0);
          // All code is between two fences.
          const prose = post.replaceAll(/^ *```[^]*?^ *```$/gm, '');
          expect(prose).not.toContain('const');
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is cut at paragraphs first, then at lines, at sentences and at words', () => {
    const words = 'word '.repeat(16);
    expect(cut(`${words}\n\n${words}\n${words}`, 150).pieces[0]).toBe(`${words}\n\n`);
    expect(cut(`${words}\n${words}. ${words}`, 150).pieces[0]).toBe(`${words}\n`);
    expect(cut(`${words}. ${words} ${words}`, 130).pieces[0]).toBe(`${words}. `);
    expect(cut(`${'가'.repeat(80)}. ${'나'.repeat(80)}`, 100).pieces[0]).toBe(
      `${'가'.repeat(80)}. `,
    );
    expect(cut('가'.repeat(250), 100).pieces.map((one) => one.length)).toEqual([100, 100, 50]);
  });

  test('with 40,000 lines of code is split without blocking the process for minutes', () => {
    // A search for the fences from the beginning for each line would take minutes.
    const whole = `\`\`\`\n${'x\n'.repeat(40_000)}\`\`\`\n`;
    const { post, end } = nextPart(whole, 0, 60_000);
    expect(post).toBe(`${whole.slice(0, end)}\`\`\``);
  });

  test('with a grapheme longer than the limit is cut between code points', () => {
    const zalgo = `a${'́'.repeat(500)}`;
    expect(cut(zalgo, 100).pieces.join('')).toBe(zalgo);
    const family = Array.from({ length: 200 }, () => '👩').join('‍');
    const { pieces } = cut(family, 100);
    expect(pieces.join('')).toBe(family);
    for (const one of pieces) expect(one.isWellFormed()).toBe(true);
  });
});
