/** The history of a growing conversation: within its limits, without gaps, with a start that seldom moves. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxExchanges, buildHistory, type HistoryLimits } from '#jobs/service/conversation-history';
import type { AnsweredMessage, ConversationMessage } from '#jobs/store/job-queries';

const limits: HistoryLimits = { messages: 10, chars: 6_000 };

const exchange = (place: number, chars = 40): AnsweredMessage => ({
  position: place,
  message: `m${place} `.padEnd(chars, '.'),
  reply: `r${place} `.padEnd(chars, '.'),
});

/** The history that is built after each exchange, from the exchanges that the store returns. */
const growing = (said: readonly AnsweredMessage[], bounds = limits): ConversationMessage[][] =>
  said.map((_, n) => {
    const last = maxExchanges(bounds);
    return buildHistory(said.slice(Math.max(0, n + 1 - last), n + 1), bounds);
  });

const numberOf = (turn: ConversationMessage | undefined): number =>
  Number(/\d+/.exec(turn?.content ?? '')?.[0]);
const moves = (histories: readonly ConversationMessage[][]): number =>
  new Set(histories.map(([first]) => numberOf(first))).size - 1;

describe('the history of a conversation', () => {
  test.each([
    ['short turns', 40, 0.25],
    ['turns of which eight fit', 750, 0.5],
    ['turns of which six fit', 1_000, 0.5],
  ])('of %s seldom changes its first message', (_what, chars, share) => {
    const turns = 64;
    const said = Array.from({ length: turns }, (_, n) => exchange(n, chars));
    expect(moves(growing(said))).toBeLessThanOrEqual(turns * share);
  });

  test('never moves its start back, has no gap, and keeps its limits', () => {
    const sizes = fc.array(fc.integer({ min: 8, max: 3_000 }), { minLength: 1, maxLength: 40 });
    const bounds = fc.record({
      messages: fc.integer({ min: 1, max: 30 }),
      chars: fc.integer({ min: 200, max: 10_000 }),
    });
    const from = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(sizes, bounds, from, (chars, bound, place) => {
        let begun = 0;
        for (const [n, turns] of growing(
          chars.map((size, at) => exchange(place + at, size)),
          bound,
        ).entries()) {
          const numbers = turns.map(numberOf);
          expect(numbers.at(-1)).toBe(place + n);
          expect(numbers.every((number, at) => number === numbers[0]! + (at >> 1))).toBe(true);
          expect(numbers[0]).toBeGreaterThanOrEqual(begun);
          begun = numbers[0]!;
          const size = turns.reduce((sum, { content }) => sum + content.length, 0);
          expect(size).toBeLessThanOrEqual(bound.chars);
          expect(turns.length).toBeLessThanOrEqual(2 * maxExchanges(bound));
          const isAll = turns.length === 2 * (n + 1);
          expect(isAll || turns.length >= bound.messages || 2 * size >= bound.chars).toBe(true);
        }
      }),
    );
  });

  test('marks cut texts, cuts between characters, and cuts a text the same way every time', () => {
    const said = [{ position: 0, message: '😀'.repeat(2_000), reply: 'short' }, exchange(1, 2_000)];
    const [first, later] = growing(said);
    const cut = first![0]!.content;
    expect(cut).toMatch(/😀 \[…\]$/u);
    expect(cut.isWellFormed()).toBe(true);
    expect(cut.length).toBeLessThanOrEqual(1_500);
    expect(first![1]!.content).toBe('short');
    expect(later!.slice(0, 2)).toEqual(first);
  });

  test('is empty if a limit is 0 or no message was exchanged', () => {
    expect(maxExchanges({ ...limits, messages: 0 })).toBe(0);
    expect(maxExchanges({ ...limits, chars: 0 })).toBe(0);
    expect(buildHistory([], limits)).toEqual([]);
  });
});
