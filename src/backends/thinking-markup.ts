/** The markup that models wrap around what is not their answer, as the thinking filter takes it. */
import { callMarks, thoughtMarks, type Marks } from '../lib/special-tokens.ts';

export interface MarkupPair {
  open: string;
  /** The first of these that comes ends the block. */
  closes: readonly string[];
  /**
   * `lead`: counts only before the first visible character, so that an answer which talks about the tag
   * stays whole. `anywhere`: a special token that no answer contains by chance.
   */
  where: 'lead' | 'anywhere';
  /** `residue` is markup of tool calls that leaks into the text; an unclosed one is no sign of a cut thought. */
  kind: 'thinking' | 'residue';
}

export interface Markup {
  pairs: readonly MarkupPair[];
  /** Dropped wherever they stand, outside of blocks. */
  literals: readonly string[];
}

const thinking = ({ open, closes, special }: Marks): MarkupPair => ({
  open,
  closes,
  where: special ? 'anywhere' : 'lead',
  kind: 'thinking',
});

export const standardMarkup: Markup = {
  pairs: [
    ...thoughtMarks.map(thinking),
    {
      open: '<|channel|>analysis<|message|>',
      closes: ['<|end|>', '<|channel|>final<|message|>'],
      where: 'anywhere',
      kind: 'thinking',
    },
  ],
  literals: [
    '<|start|>assistant',
    '<|channel|>final<|message|>',
    '<|end|>',
    '<|return|>',
    '<|START_TEXT|>',
    '<|END_TEXT|>',
  ],
};

/**
 * Added when tools were offered but must not be called (`toolChoice: 'none'`): servers that ignore the
 * choice, and models that call anyhow, print the call into the text.
 */
export const toolResidue: readonly MarkupPair[] = callMarks
  .filter(({ closes }) => closes.length > 0)
  .map(({ open, closes }) => ({ open, closes, where: 'anywhere', kind: 'residue' }));
