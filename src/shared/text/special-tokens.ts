/**
 * The special tokens and tags of all known model families: what a chat template or a tokenizer puts around the words of
 * an answer. A new model means a new row here, never new code. Collected from chat templates and from the parsers of
 * vLLM, SGLang, llama.cpp, mlx-lm and Ollama. All comparisons ignore ASCII case: small models write `<Think>`.
 */

export interface Delimiters {
  open: string;
  /** The block ends at the first of these. */
  closes: readonly string[];
  /** True: a special token, which no text contains by chance. False: a tag that may also occur in text. */
  special: boolean;
}

const tag = (open: string, close: string): Delimiters => ({
  open,
  closes: [close],
  special: false,
});
const special = (open: string, ...closes: string[]): Delimiters => ({
  open,
  closes,
  special: true,
});
const tokens = (text: string): readonly string[] => text.split(' ');

export const thinkingDelimiters: readonly Delimiters[] = [
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
  tag('/think\n', '<|im_start|>assistant'), // HyperCLOVA X
];

/** Around the answer itself: the delimiters are removed, the text between them stays. */
export const answerDelimiters: readonly Delimiters[] = [
  tag('<answer>', '</answer>'), // Hunyuan, and models trained with R1's prompt
  tag('<response>', '</response>'), // Granite, ERNIE
  tag('[BEGIN FINAL RESPONSE]', '[END FINAL RESPONSE]'), // Apriel
];

/** Around tool calls that a model prints into its text. Empty `closes`: the call extends to the end of the text. */
export const toolCallDelimiters: readonly Delimiters[] = [
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
  special('-> tool/function_call\n', '<|im_end|>'), // HyperCLOVA X
  special('<｜DSML｜function_calls>', '</｜DSML｜function_calls>'), // DeepSeek 3.2
];

/** Tokens followed by the role of a message, up to one of `headerEnds` or, with `line`, to the end of the line. */
export const headerTokens: readonly { token: string; line: boolean }[] = [
  // gpt-oss (harmony), Solar Open, Llama 3, Llama 4, Granite
  ...tokens(
    '<|start|> <|channel|> <|begin|> <|start_header_id|> <|header_start|> <|start_of_role|>',
  ).map((token) => ({ token, line: false })),
  // ChatML, Gemma, Gemma 4
  ...tokens('<|im_start|> <start_of_turn> <|turn>').map((token) => ({ token, line: true })),
];

export const headerEnds = tokens(
  '<|message|> <|end_header_id|> <|header_end|> <|end_of_role|> <|im_sep|>',
);

/** Tokens that end a message in the harmony format. */
export const messageEnds = tokens('<|end|> <|call|> <|return|>');

/** Tokens that begin a message of the model. */
export const assistantRoleTokens: readonly string[] = [
  '<|assistant|>', // GLM, Phi
  '[|assistant|]', // EXAONE
  '<｜Assistant｜>', // DeepSeek
];

/** Tokens that begin a message of another role: the text after them is not the model's answer. */
export const otherRoleTokens: readonly string[] = [
  '<|user|>', // GLM, Phi
  '<|system|>',
  '<|observation|>',
  '[|user|]', // EXAONE
  '[|system|]',
  '<｜User｜>', // DeepSeek
];

/** Special tokens that do not have one of the forms in `specialToken`. */
export const namedTokens: readonly string[] = [
  ...tokens('<start_of_turn> <end_of_turn> <|turn> <turn|> <channel|>'), // Gemma, Gemma 4
  '<end_of_utterance>', // SmolVLM
  ...tokens('<eoa> <eoh> <eod> [UNUSED_TOKEN_145] [UNUSED_TOKEN_146]'), // InternLM
  ...tokens('<seed:bos> <seed:eos>'), // Seed-OSS
  '<longcat_s>', // LongCat
  ...tokens('<extra_id_0> <extra_id_1>'), // Nemotron
  ...tokens('[gMASK] <sop>'), // GLM
  ...tokens('[EOS] [BOS]'), // Kimi-VL
];

/**
 * Matches any special token; a pattern for flag `i`. The forms `<|name|>`, `<｜name｜>` (DeepSeek), `[|name|]` (EXAONE)
 * and `<[name]>` (Seed-Coder) do not occur in text by chance; the other tokens are listed by name.
 */
export const specialToken = new RegExp(
  [
    /<\|[a-z0-9_:/.-]{1,40}\|>/.source,
    /<｜[a-z0-9_▁:/.-]{1,40}｜>/.source,
    /\[\|[a-z0-9_]{1,40}\|\]/.source,
    /<\[[a-z_▁]{1,40}\]>/.source,
    ...namedTokens.map((token) => token.replace(/[[\]|\\]/g, '\\$&')),
  ].join('|'),
  'i',
);

/** Matches a text that may still grow into a token of one of these forms. */
export const specialTokenStart =
  /^(?:<(?:\|[a-z0-9_:/.-]{0,40}\|?|｜[a-z0-9_▁:/.-]{0,40}｜?|\[[a-z_▁]{0,40}\]?)?|\[(?:\|[a-z0-9_]{0,40}\|?)?)$/i;

/** Tokens that are HTML or notation elsewhere: a closing token counts only if the text does not contain its opening. */
export const edgeTokens = tokens('<s> </s> <bos> <eos> <pad> <unk> [INST] [/INST]');
