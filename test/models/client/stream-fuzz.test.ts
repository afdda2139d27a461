/**
 * Streams in the forms of real servers, damaged at random. The reading always ends, shows no markup, and shows
 * every word in the frames.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunk, usageChunk } from '#test/support/fake-llm-replies';
import { readStream, type StreamReading } from '#test/support/read-stream';

/** The frames of one answer each. Words of the answer begin with 답, words of the thinking with 음. */
const answers: readonly (readonly string[])[] = [
  ['답가 ', '답나, ', '답다 👋🏽 ', '답라.\n\n', '답마'],
  ['답가 ', '답나.', '<|im_end|>'],
  ['답가', '<|eot_id|>', '<|start_header_id|>', 'assistant', '<|end_header_id|>', '\n\n답나'],
  ['<think>', '음가 ', '음나', '</think>', '\n\n답가 ', '답나 ', '답다'],
  ['<Thi', 'nk>음가</Th', 'ink>\n답가 ', '답나', '</s>'],
  ['[THINK]', '음가', '[/THINK]', '답가 ', '답나'],
  ['<|channel>thought\n', '음가', '<channel|>', '답가 ', '답나', '<turn|>'],
  [
    '<|channel|>',
    'analysis',
    '<|message|>',
    '음가 ',
    '<|end|>',
    '<|start|>',
    'assistant',
    '<|channel|>',
    'final',
    ' <|constrain|>',
    'json',
    '<|message|>',
    '답가 ',
    '답나',
    '<|return|>',
  ],
  [
    '<|begin_of_thought|>음가<|end_of_thought|>',
    '<|begin_of_solution|>',
    '답가 ',
    '답나',
    '<|end_of_solution|>',
  ],
  ['<|begin_of_box|>', '답가 ', '답나', '<|end_of_box|>', '<｜end▁of▁sentence｜>'],
  [
    '<|START_THINKING|>',
    '음가',
    '<|END_THINKING|>',
    '<|START_RESPONSE|>',
    '답가 ',
    '<|END_RESPONSE|>',
  ],
  ['<answer>', '답가 ', '답나', '</answer>', '[|endofturn|]'],
];

/** Answers whose frames hold only whole tags: fragments of tags in another order may form a new tag. */
const whole = answers.filter((answer) => !answer.some((content) => /<\/?[A-Za-z]+$/.test(content)));

/** An answer without markup: its frames are words in any order. */
const plain = answers[0]!;

const framesOf = (contents: readonly string[]): object[] => [
  chunk({ role: 'assistant', content: '' }),
  ...contents.map((content) => chunk({ content })),
  chunk({}, 'stop'),
  usageChunk(3, 4),
];

const ends = ['\n\n', '\n', '\r\n', '\r\n\r\n', '\r', '\r\r', '\n: ping\n', '\n\n\n'];
const prefixes = ['data: ', 'data:', '', 'event: message\ndata: ', 'id: 1\ndata: '];

interface Framing {
  prefix: string;
  end: string;
  done: boolean;
}

const framing: fc.Arbitrary<Framing> = fc.record({
  prefix: fc.constantFrom(...prefixes),
  end: fc.constantFrom(...ends),
  done: fc.boolean(),
});

const linesOf = (frames: readonly object[], { prefix, done }: Framing): string[] => [
  ...frames.map((frame) => prefix + JSON.stringify(frame)),
  ...(done ? [`${prefix}[DONE]`] : []),
];

const bytesOf = (frames: readonly object[], how: Framing): Uint8Array =>
  new TextEncoder().encode(linesOf(frames, how).join(how.end) + how.end);

function cutAt(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const places = [...points.map((point) => point % (bytes.length + 1)), bytes.length];
  places.sort((a, b) => a - b);
  return places.map((end, at) => bytes.subarray(at === 0 ? 0 : places[at - 1], end));
}

const contents = fc.constantFrom(...answers);
const points = fc.array(fc.nat(), { maxLength: 10 });

const markup =
  /<\|[a-z_]+\|?>|<｜|\[\|endofturn|<\/?think>|\[\/?THINK\]|<channel\||<\|channel|<turn\||<\/?answer>|<\/s>|constrain|to=functions/i;
const answerWords = (text: string): string[] => text.match(/답[가-힣]/g) ?? [];

const meaning = ({ end, text, finish, calls }: StreamReading): object => ({
  end,
  text,
  finish,
  calls,
});

/** Damage that keeps the order of the frames. */
type Damage = { kind: 'double' | 'drop'; at: number } | { kind: 'cut'; at: number };

function damaged(frames: readonly object[], damages: readonly Damage[]): object[] {
  const result = [...frames];
  for (const { kind, at } of damages) {
    const place = at % result.length;
    if (kind === 'double') result.splice(place, 0, result[place]!);
    else if (kind === 'drop' && result.length > 1) result.splice(place, 1);
    else if (kind === 'cut') result.length = Math.max(1, place);
  }
  return result;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('double', 'drop', 'cut'),
  at: fc.nat(),
});

const textOf = (frames: readonly object[]): string =>
  frames.map((frame) => /"content":"(답.)/.exec(JSON.stringify(frame))?.[1] ?? '').join('');

describe('the reading of a stream', () => {
  test('returns the same answer for any framing and any cuts of the bytes', () => {
    fc.assert(
      fc.property(contents, framing, points, (answer, how, cuts) => {
        const frames = framesOf(answer);
        const reading = readStream(cutAt(bytesOf(frames, how), cuts));
        const usual = readStream([bytesOf(frames, { prefix: 'data: ', end: '\n\n', done: true })]);
        expect(meaning(reading)).toEqual(meaning(usual));
        expect(answerWords(reading.text)).toEqual(answerWords(answer.join('')));
        expect(reading.end).toBe('ok');
        expect(reading.text).not.toMatch(/음/);
      }),
      { numRuns: 3_000 },
    );
  });

  test('shows no markup if frames are doubled, dropped, cut off or reordered', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...whole)
          .chain((answer) =>
            fc.tuple(
              fc.shuffledSubarray(framesOf(answer), { minLength: 1 }),
              fc.array(damage, { maxLength: 3 }),
            ),
          ),
        framing,
        points,
        ([frames, damages], how, cuts) => {
          const bytes = bytesOf(damaged(frames, damages), how);
          const reading = readStream(cutAt(bytes, cuts));
          expect(reading.text).not.toMatch(markup);
          expect(meaning(readStream([bytes]))).toEqual(meaning(reading));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('loses no word if frames are doubled, dropped, cut off or reordered', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(framesOf(plain), { minLength: 1 }),
        fc.array(damage, { maxLength: 3 }),
        framing,
        points,
        (some, damages, how, cuts) => {
          const frames = damaged(some, damages);
          const reading = readStream(cutAt(bytesOf(frames, how), cuts));
          // A failed reading shows the words up to its failure.
          if (reading.end === 'ok') expect(answerWords(reading.text).join('')).toBe(textOf(frames));
          else expect(textOf(frames).startsWith(answerWords(reading.text).join(''))).toBe(true);
          if (how.done && textOf(frames) !== '') expect(reading.end).toBe('ok');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('ends for any flipped bytes, and shows no whole special token', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(contents, framing, flips, points, (answer, how, places, cuts) => {
        const bytes = bytesOf(framesOf(answer), how);
        for (const [at, mask] of places) bytes[at % bytes.length]! ^= mask;
        const reading = readStream(cutAt(bytes, cuts));
        expect(meaning(readStream([bytes]))).toEqual(meaning(reading));
        // A flip can make a backtick: tokens and tags in code are text, and are shown.
        if (!reading.text.includes('`'))
          expect(reading.text).not.toMatch(/<\|[a-z_]{3,}\|>|<\/?think>/i);
        expect(reading.text.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
