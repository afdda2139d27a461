/** The markup that models wrap around what is not their answer, as the thinking filter takes it. */
import { callMarks, thoughtMarks, type Marks } from '../lib/special-tokens.ts';

export interface MarkupPair {
  open: string;
  /** The first of these that comes ends the block. */
  closes: readonly string[];
  /**
   * `lead`: a tag that people write as well. It counts before the first visible character, later only where no
   * sentence speaks of it. `anywhere`: a special token that no answer contains by chance.
   */
  where: 'lead' | 'anywhere';
  /**
   * `thinking` is hidden. `residue` is the markup of tool calls that leaks into the text: hidden, and an unclosed one
   * is no sign of a cut thought. `call` is a printed call that stays in the text as it is, for the reader of calls.
   */
  kind: 'thinking' | 'residue' | 'call';
}

export interface Markup {
  pairs: readonly MarkupPair[];
  /** Dropped wherever they stand, outside of blocks; besides all special tokens. */
  literals: readonly string[];
}

const pairOf = ({ open, closes, special }: Marks, kind: MarkupPair['kind']): MarkupPair => ({
  open,
  closes,
  where: special ? 'anywhere' : 'lead',
  kind,
});

export const standardMarkup: Markup = {
  pairs: thoughtMarks.map((marks) => pairOf(marks, 'thinking')),
  literals: ['<|START_TEXT|>', '<|END_TEXT|>'],
};

/**
 * Added when tools were offered but must not be called (`toolChoice: 'none'`): servers that ignore the
 * choice, and models that call anyhow, print the call into the text.
 */
export const toolResidue: readonly MarkupPair[] = callMarks.map((marks) =>
  pairOf(marks, 'residue'),
);

/** Added when tools were offered. */
export const printedCalls: readonly MarkupPair[] = callMarks.map((marks) => pairOf(marks, 'call'));

/** Added when no tools were offered: without special tokens, which a model then prints by mistake only. */
export const strayCalls: readonly MarkupPair[] = toolResidue.filter(
  ({ where }) => where === 'anywhere',
);

const joined = new WeakMap<Markup, Map<readonly MarkupPair[], Markup>>();

/** A markup with the pairs of calls; the same object each time, for what is worked out from it. */
export function withCalls(markup: Markup, calls: readonly MarkupPair[]): Markup {
  const known = joined.get(markup) ?? new Map<readonly MarkupPair[], Markup>();
  joined.set(markup, known);
  const found = known.get(calls) ?? { ...markup, pairs: [...markup.pairs, ...calls] };
  known.set(calls, found);
  return found;
}
