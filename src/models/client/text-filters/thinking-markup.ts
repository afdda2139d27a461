/** The markup that models put around thinking and tool calls, as input of the thinking filter. */
import {
  toolCallDelimiters,
  thinkingDelimiters,
  type Delimiters,
} from '#shared/text/special-tokens';

export interface MarkupPair {
  open: string;
  /** The first of these that occurs ends the block. */
  closes: readonly string[];
  /**
   * `lead`: a tag that normal text may contain. It counts before the first visible character, later only where no
   * sentence mentions it. `anywhere`: a special token that no answer contains by chance.
   */
  where: 'lead' | 'anywhere';
  /**
   * `thinking` is hidden. `residue` is the markup of tool calls that leaks into the text: hidden, and without a close
   * it is no sign of truncated thinking. `call` is a printed call that stays in the text unchanged, for the call
   * parser.
   */
  kind: 'thinking' | 'residue' | 'call';
}

export interface Markup {
  pairs: readonly MarkupPair[];
  /** Dropped anywhere outside of blocks, in addition to all special tokens. */
  literals: readonly string[];
}

const pairOf = ({ open, closes, special }: Delimiters, kind: MarkupPair['kind']): MarkupPair => ({
  open,
  closes,
  where: special ? 'anywhere' : 'lead',
  kind,
});

export const standardMarkup: Markup = {
  pairs: thinkingDelimiters.map((marks) => pairOf(marks, 'thinking')),
  literals: ['<|START_TEXT|>', '<|END_TEXT|>'],
};

/**
 * Added when tools were offered but must not be called (`toolChoice: 'none'`): servers that ignore the choice, and
 * models that call anyway, print the call into the text.
 */
export const toolResidue: readonly MarkupPair[] = toolCallDelimiters.map((marks) =>
  pairOf(marks, 'residue'),
);

/** Added when tools were offered. */
export const printedCalls: readonly MarkupPair[] = toolCallDelimiters.map((marks) =>
  pairOf(marks, 'call'),
);

/** Added when no tools were offered: only special tokens, which a model then prints by mistake. */
export const strayCalls: readonly MarkupPair[] = toolResidue.filter(
  ({ where }) => where === 'anywhere',
);

const markupWithCalls = new WeakMap<Markup, Map<readonly MarkupPair[], Markup>>();

/** A markup with the call pairs added; the same object each time, so that data derived from it can be cached. */
export function withCalls(markup: Markup, calls: readonly MarkupPair[]): Markup {
  const known = markupWithCalls.get(markup) ?? new Map<readonly MarkupPair[], Markup>();
  markupWithCalls.set(markup, known);
  const found = known.get(calls) ?? { ...markup, pairs: [...markup.pairs, ...calls] };
  known.set(calls, found);
  return found;
}
