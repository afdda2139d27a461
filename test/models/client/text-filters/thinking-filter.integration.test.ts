import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createThinkingFilter } from '#models/client/text-filters/thinking-filter';
import { standardMarkup, toolResidue } from '#models/client/text-filters/thinking-markup';
import { textCollector } from '../backend-fixture.ts';

interface Options {
  expectOrphanClose?: boolean;
  cutByLength?: boolean;
  withResidue?: boolean;
}

/** Filters the chunks and gives what a reader has before his eyes at the end. */
function filtered(chunks: string[], options: Options = {}) {
  const seen = textCollector();
  const { pairs, literals } = standardMarkup;
  const filter = createThinkingFilter({
    markup: { pairs: options.withResidue ? [...pairs, ...toolResidue] : pairs, literals },
    expectOrphanClose: options.expectOrphanClose ?? false,
    onText: seen.onText,
  });
  for (const chunk of chunks) filter.push(chunk);
  const end = filter.end(options.cutByLength ?? false);
  return { text: seen.text, ...end, seen };
}

describe('thinking is taken out', () => {
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
  ])('%j shows as %j', (text, visible) => {
    expect(filtered([text])).toMatchObject({ text: visible, unclosed: false });
  });
});

describe('an answer stays whole', () => {
  test.each([
    '태그 <think> 는 생각을 연다',
    '태그 <think> 와 </think> 를 설명한다',
    '<think>a</think>태그 </think> 는 생각을 닫는다',
    'a < b, c <thin, [TH, ◁',
    '끝이 <',
    '끝이 <think',
    '  들여쓴 첫 줄\n  둘째 줄 ',
  ])('%j', (text) => {
    const visible = text.replace('<think>a</think>', '').trimStart();
    expect(filtered([text])).toMatchObject({ text: visible, unclosed: false });
  });
});

test('a block that is never closed is reported and shows nothing', () => {
  expect(filtered(['<think>음', ' 아직'])).toMatchObject({ text: '', unclosed: true });
});

test('a close without an opening takes back what was shown before', () => {
  const { seen, text, orphanClose } = filtered(['생각', ' 중</think>', '답']);
  expect({ text, orphanClose, replaced: seen.replaced }).toEqual({
    text: '답',
    orphanClose: true,
    replaced: 1,
  });
});

describe('where a close without an opening is expected', () => {
  test('nothing of the thinking is ever shown', () => {
    const { seen } = filtered(['생각', ' 중</think>', '답'], { expectOrphanClose: true });
    expect(seen.pieces).toEqual(['답']);
  });

  test('an answer without one is shown at the end', () => {
    expect(filtered(['그냥 ', '답'], { expectOrphanClose: true })).toMatchObject({
      text: '그냥 답',
      unclosed: false,
    });
  });

  test('text that the limit cut off is taken for thinking', () => {
    const options = { expectOrphanClose: true, cutByLength: true };
    expect(filtered(['생각 중'], options)).toMatchObject({ text: '', unclosed: true });
  });

  test('an ordinary block is taken out as always', () => {
    const { seen } = filtered(['<think>음</think>', '답', '!'], { expectOrphanClose: true });
    expect(seen.pieces).toEqual(['답', '!']);
  });
});

test('the residue of tool calls is dropped, an unclosed one too', () => {
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

/** Cut anywhere, also inside of a surrogate pair. */
function cutAt(text: string, points: number[]): string[] {
  const places = [0, ...points.map((point) => point % (text.length + 1)), text.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, at) => text.slice(places[at], end));
}

describe('for any text and any cuts', () => {
  test('what is seen in the end does not depend on the cuts', () => {
    fc.assert(
      fc.property(texts, cuts, options, (text, points, how) => {
        const { seen: _whole, ...whole } = filtered([text], how);
        const { seen: _parts, ...parts } = filtered(cutAt(text, points), how);
        expect(parts).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });

  test('nor where one marker is the beginning of another', () => {
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
      const filter = createThinkingFilter({ markup, expectOrphanClose: false, onText });
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

  test('no piece ends inside of a character', () => {
    fc.assert(
      fc.property(texts, cuts, (text, points) => {
        for (const shown of filtered(cutAt(text, points)).seen.pieces) {
          expect(shown.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('text without markup comes through unchanged but for space before it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), cuts, (text, points) => {
        fc.pre(!/[<[◁]/.test(text));
        expect(filtered(cutAt(text, points)).text).toBe(text.trimStart().toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  test('blocks of thinking before an answer leave nothing but the answer', () => {
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
