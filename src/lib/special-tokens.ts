/**
 * The special tokens and tags of all known model families: what a chat template or a tokenizer puts around the
 * words of an answer. The only list of them; a new model means a new row here, never new code. Collected from
 * chat templates and from the parsers of vLLM, SGLang, llama.cpp, mlx-lm and Ollama.
 *
 * Everything is compared without regard to ASCII case: small models write `<Think>`.
 */

export interface Marks {
  open: string;
  /** The first of these that comes ends the block. */
  closes: readonly string[];
  /** A special token of a tokenizer, which no text contains by chance; else a tag that people write as well. */
  special: boolean;
}

const tag = (open: string, close: string): Marks => ({ open, closes: [close], special: false });
const special = (open: string, ...closes: string[]): Marks => ({ open, closes, special: true });

/** Around thinking. */
export const thoughtMarks: readonly Marks[] = [
  tag('<think>', '</think>'), // Qwen 3, DeepSeek R1, GLM, MiniMax, Nemotron, EXAONE 4
  tag('<thinking>', '</thinking>'),
  tag('<thought>', '</thought>'), // EXAONE Deep
  tag('<reasoning>', '</reasoning>'),
  tag('<seed:think>', '</seed:think>'), // Seed-OSS
  tag('<longcat_think>', '</longcat_think>'), // LongCat
  tag('[THINK]', '[/THINK]'), // Mistral, Magistral
  tag('◁think▷', '◁/think▷'), // Kimi
  special('<|channel>thought', '<channel|>'), // Gemma 4
  special('<unused94>thought', '<unused95>'), // MedGemma
  special('<|START_THINKING|>', '<|END_THINKING|>'), // Cohere
  special('<|begin_of_thought|>', '<|end_of_thought|>', '<|begin_of_solution|>'), // OpenThinker, Sky-T1
  special('<|inner_prefix|>', '<|inner_suffix|>'), // Apertus
  special('<|think|>', '<|/think|>', '<|content|>', '<|end|>'), // Solar Open
];

/** Around tool calls that a model prints into its text. No closes: the call goes on to the end of the text. */
export const callMarks: readonly Marks[] = [
  tag('<tool_call>', '</tool_call>'), // Hermes, Qwen, GLM
  tag('<tool_calls>', '</tool_calls>'), // Hunyuan, Jamba
  tag('<tools>', '</tools>'), // Qwen 2.5 Coder
  tag('<tool_code>', '</tool_code>'), // Gemma 3
  tag('<toolcall>', '</toolcall>'), // Nemotron
  tag('<function_call>', '</function_call>'),
  tag('<function_calls>', '</function_calls>'),
  tag('<functioncall>', '</functioncall>'),
  tag('<function=', '</function>'), // Llama 3, Qwen 3 Coder
  tag('<minimax:tool_call>', '</minimax:tool_call>'),
  tag('<seed:tool_call>', '</seed:tool_call>'),
  tag('<longcat_tool_call>', '</longcat_tool_call>'),
  tag('[TOOL_REQUEST]', '[END_TOOL_REQUEST]'), // LM Studio
  special('[TOOL_CALLS]'), // Mistral
  special('<|python_tag|>', '<|eom_id|>', '<|eot_id|>'), // Llama 3
  special('<|python_start|>', '<|python_end|>'), // Llama 4
  special('<|tool_call|>', '<|/tool_call|>', '<|end|>'), // Phi, Granite
  special('<|tool_call>', '<tool_call|>'), // Gemma 4
  special('<|tool_calls|>', '<|calls|>', '<|flush|>'), // Solar Open
  special('<|tool_calls_section_begin|>', '<|tool_calls_section_end|>'), // Kimi K2
  special('<|tool_call_begin|>', '<|tool_call_end|>'),
  special('<|START_ACTION|>', '<|END_ACTION|>'), // Cohere
  special('<|action_start|>', '<|action_end|>'), // InternLM
  special('<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'), // DeepSeek
  special('<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>'),
  special('<｜DSML｜function_calls>', '</｜DSML｜function_calls>'), // DeepSeek 3.2
];

/**
 * Any other special token, as a pattern without flags. `<|name|>`, DeepSeek's full-width bars and EXAONE's
 * `[|name|]` are forms that text does not take by chance; the rest is named one by one.
 */
export const specialToken = new RegExp(
  [
    /<\|[a-z0-9_:/.-]{1,40}\|>/, // ChatML, Llama, Phi, GLM, Cohere, Granite, Kimi, HyperCLOVA X, Solar
    /<｜[a-z0-9_▁:/.-]{1,40}｜>/, // DeepSeek
    /\[\|[a-z0-9_]{1,40}\|\]/, // EXAONE
    /<\[[a-z▁]{1,40}\]>/, // Seed-Coder
    /<(?:start_of_turn|end_of_turn|end_of_utterance|start_of_image|eod|eop|eoa|eoh)>/, // Gemma, InternLM, ChatGLM
    /<\|turn>|<turn\|>|<channel\|>/, // Gemma 4
    /<(?:seed:(?:bos|eos|cot_budget_reflect)|longcat_s|extra_id_\d{1,3})>/, // Seed-OSS, LongCat, Nemotron
    /\[(?:gMASK|EOS|BOS|UNUSED_TOKEN_\d{1,3})\](?:<sop>)?/, // GLM, Kimi-VL, InternLM
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);
