import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ThinkingFilter } from '#models/client/text-filters/thinking-filter';
import { standardMarkup, toolResidue } from '#models/client/text-filters/thinking-markup';
import { textCollector } from '../backend-fixture.ts';

interface Options {
  expectOrphanClose?: boolean;
  cutByLength?: boolean;
  withResidue?: boolean;
}

/** Filters the chunks and returns the text that is visible at the end. */
function filtered(chunks: string[], options: Options = {}) {
  const seen = textCollector();
  const { pairs, literals } = standardMarkup;
  const filter = new ThinkingFilter({
    markup: { pairs: options.withResidue ? [...pairs, ...toolResidue] : pairs, literals },
    expectOrphanClose: options.expectOrphanClose ?? false,
    onText: seen.onText,
  });
  for (const chunk of chunks) filter.push(chunk);
  const end = filter.end(options.cutByLength ?? false);
  return { text: seen.text, ...end, seen };
}

describe('the thinking filter', () => {
  test.each([
    ['<think>음</think>답', '답'],
    ['<think>\n\n</think>\n\n답', '답'],
    ['\n <think>a</think>\n<think>b</think> 답 끝', '답 끝'],
    ['<thinking>a <think> b</thinking>답', '답'],
    ['[THINK]x[/THINK]답', '답'],
    ['◁think▷x◁/think▷답', '답'],
    ['<|channel>thought x <channel|>답', '답'],
    ['<|START_THINKING|>x<|END_THINKING|><|START_TEXT|>답<|END_TEXT|>', '답'],
    [
      '<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>답<|return|>',
      '답',
    ],
    ['음 그러니까</think>\n답', '답'],
  ])('shows the text %j as %j', (text, visible) => {
    expect(filtered([text])).toMatchObject({ text: visible, unclosed: false });
  });
});

describe('an answer with tags in its text', () => {
  test.each([
    '태그 <think> 는 생각을 연다',
    '태그 <think> 와 </think> 를 설명한다',
    '<think>a</think>태그 </think> 는 생각을 닫는다',
    'a < b, c <thin, [TH, ◁',
    '끝이 <',
    '끝이 <think',
    '  들여쓴 첫 줄\n  둘째 줄 ',
  ])('is shown whole: %j', (text) => {
    const visible = text.replace('<think>a</think>', '').trimStart();
    expect(filtered([text])).toMatchObject({ text: visible, unclosed: false });
  });
});

test('a thinking block that is never closed is reported, and nothing is shown', () => {
  expect(filtered(['<think>음', ' 아직'])).toMatchObject({ text: '', unclosed: true });
});

test('a close tag without an open tag removes the text shown before it', () => {
  const { seen, text, orphanClose } = filtered(['생각', ' 중</think>', '답']);
  expect({ text, orphanClose, replaced: seen.replaced }).toEqual({
    text: '답',
    orphanClose: true,
    replaced: 1,
  });
});

describe('the thinking filter that expects a close tag without an open tag', () => {
  test('never shows any of the thinking', () => {
    const { seen } = filtered(['생각', ' 중</think>', '답'], { expectOrphanClose: true });
    expect(seen.pieces).toEqual(['답']);
  });

  test('shows an answer without a close tag at the end', () => {
    expect(filtered(['그냥 ', '답'], { expectOrphanClose: true })).toMatchObject({
      text: '그냥 답',
      unclosed: false,
    });
  });

  test('treats text that the token limit cut off as thinking', () => {
    const options = { expectOrphanClose: true, cutByLength: true };
    expect(filtered(['생각 중'], options)).toMatchObject({ text: '', unclosed: true });
  });

  test('removes an ordinary thinking block', () => {
    const { seen } = filtered(['<think>음</think>', '답', '!'], { expectOrphanClose: true });
    expect(seen.pieces).toEqual(['답', '!']);
  });
});

test('the residue of a tool call is removed, even if it is not closed', () => {
  const text = '답 <tool_call>{"name":"x"}</tool_call>끝<tool_call>{"na';
  expect(filtered([text], { withResidue: true })).toMatchObject({ text: '답 끝', unclosed: false });
});

/** Texts of words, spaces, emoji, markers and broken markers. */
const markers = [...standardMarkup.pairs, ...toolResidue].flatMap((pair) => [
  pair.open,
  ...pair.closes,
]);
const piece = fc.oneof(
  fc.constantFrom('답', ' ', '\n', '생각 ', '👋🏽', '<', '</', '<|', '[', '>', 'a'),
  fc.constantFrom(...markers, ...standardMarkup.literals),
  fc.constantFrom(...markers).map((marker) => marker.slice(0, -1)),
);
const texts = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const options = fc.record({
  expectOrphanClose: fc.boolean(),
  cutByLength: fc.boolean(),
  withResidue: fc.boolean(),
});

/** Cuts the text anywhere, also inside a surrogate pair. */
function cutAt(text: string, points: number[]): string[] {
  const places = [0, ...points.map((point) => point % (text.length + 1)), text.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, at) => text.slice(places[at], end));
}

describe('the thinking filter with any text and any cuts', () => {
  test('shows a text at the end that does not depend on the cuts', () => {
    fc.assert(
      fc.property(texts, cuts, options, (text, points, how) => {
        const { seen: _whole, ...whole } = filtered([text], how);
        const { seen: _parts, ...parts } = filtered(cutAt(text, points), how);
        expect(parts).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });

  test('shows the same text for all cuts if one marker is a prefix of another', () => {
    const pair = (open: string, ...closes: string[]) =>
      ({ open, closes, where: 'anywhere', kind: 'thinking' }) as const;
    const markup = {
      pairs: [pair('<a', '>'), pair('<a<b', 'b>', '>>'), pair('a<b>', '<')],
      literals: ['<b', '>>a', 'b'],
    };
    const letters = fc.string({ unit: fc.constantFrom('<', 'a', 'b', '>', ' '), maxLength: 14 });
    const shown = (chunks: string[]): unknown => {
      const seen = textCollector();
      const { onText } = seen;
      const filter = new ThinkingFilter({ markup, expectOrphanClose: false, onText });
      for (const chunk of chunks) filter.push(chunk);
      return [filter.end(false), seen.text];
    };
    fc.assert(
      fc.property(letters, cuts, (text, points) => {
        expect(shown(cutAt(text, points))).toEqual(shown([text]));
      }),
      { numRuns: 3000 },
    );
  });

  test('ends no piece inside a character', () => {
    fc.assert(
      fc.property(texts, cuts, (text, points) => {
        for (const shown of filtered(cutAt(text, points)).seen.pieces) {
          expect(shown.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('passes text without markup unchanged except for leading space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), cuts, (text, points) => {
        fc.pre(!/[<[◁]/.test(text));
        expect(filtered(cutAt(text, points)).text).toBe(text.trimStart().toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  test('shows only the answer after blocks of thinking', () => {
    const plain = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[<[◁|]/g, ''));
    const block = fc
      .tuple(fc.constantFrom(...standardMarkup.pairs), plain)
      .map(([pair, thought]) => `${pair.open}${thought}${pair.closes[0]}\n`);
    fc.assert(
      fc.property(fc.array(block, { maxLength: 3 }), plain, cuts, (blocks, answer, points) => {
        const { text, unclosed } = filtered(cutAt(blocks.join('') + answer, points));
        expect({ text, unclosed }).toEqual({
          text: answer.trimStart().toWellFormed(),
          unclosed: false,
        });
      }),
      { numRuns: 1000 },
    );
  });
});
