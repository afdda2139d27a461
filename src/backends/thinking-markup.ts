/**
 * The markup that models wrap around what is not their answer, as data. A new model means a new row here,
 * never new code. The rows were collected from the chat templates and parsers of the servers.
 */

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

const lead = (open: string, close: string): MarkupPair => ({
  open,
  closes: [close],
  where: 'lead',
  kind: 'thinking',
});

const special = (open: string, ...closes: string[]): MarkupPair => ({
  open,
  closes,
  where: 'anywhere',
  kind: 'thinking',
});

export const standardMarkup: Markup = {
  pairs: [
    lead('<think>', '</think>'), // Qwen 3, DeepSeek R1, GLM, MiniMax, Nemotron, EXAONE 4
    lead('<thinking>', '</thinking>'),
    lead('<thought>', '</thought>'), // EXAONE Deep
    lead('<reasoning>', '</reasoning>'),
    lead('<seed:think>', '</seed:think>'),
    lead('<longcat_think>', '</longcat_think>'),
    lead('[THINK]', '[/THINK]'), // Mistral
    lead('◁think▷', '◁/think▷'), // Kimi
    special('<|channel>thought', '<channel|>'), // Gemma 4
    special('<|START_THINKING|>', '<|END_THINKING|>'), // Cohere
    special('<|channel|>analysis<|message|>', '<|end|>', '<|channel|>final<|message|>'), // gpt-oss
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

const residue = (open: string, close: string): MarkupPair => ({
  open,
  closes: [close],
  where: 'anywhere',
  kind: 'residue',
});

/**
 * Added when tools were offered but must not be called (`toolChoice: 'none'`): servers that ignore the
 * choice, and models that call anyhow, print the call into the text.
 */
export const toolResidue: readonly MarkupPair[] = [
  residue('<tool_call>', '</tool_call>'),
  residue('[TOOL_REQUEST]', '[END_TOOL_REQUEST]'),
];
