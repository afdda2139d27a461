/**
 * One tool call in every form that models print into their text, named by the model family or by the parser of the
 * form. Each follows the template of that family.
 */

export interface PrintedCallForm {
  name: string;
  /** Prints a call of this tool with one argument, a text. */
  print: (tool: string, key: string, value: string) => string;
}

const args = (key: string, value: string): string => JSON.stringify({ [key]: value });
const json = (
  tool: string,
  key: string,
  value: string,
  [nameKey, argsKey]: [string, string],
): string =>
  `{${JSON.stringify(nameKey)}: ${JSON.stringify(tool)}, ${JSON.stringify(argsKey)}: ${args(key, value)}}`;
const named = (tool: string, key: string, value: string): string =>
  json(tool, key, value, ['name', 'arguments']);

type Print = PrintedCallForm['print'];
const forms = (table: Record<string, Print>): PrintedCallForm[] =>
  Object.entries(table).map(([name, print]) => ({ name, print }));

const jsonForms = forms({
  'bare JSON': named,
  'bare JSON with parameters': (t, k, v) => json(t, k, v, ['name', 'parameters']),
  'bare JSON behind a sentence': (t, k, v) => `찾아보겠습니다.\n\n${named(t, k, v)}`,
  'bare JSON, arguments first': (t, k, v) => `{"arguments": ${args(k, v)}, "name": "${t}"}`,
  'bare JSON in a list': (t, k, v) => `[${named(t, k, v)}]`,
  'bare JSON with an end token': (t, k, v) => `${named(t, k, v)}<|im_end|>`,
  'bare JSON, then what the model made up': (t, k, v) =>
    `${named(t, k, v)}\n\n결과에 따르면 2년입니다.`,
  'JSON with arguments as text': (t, k, v) =>
    `{"name": "${t}", "arguments": ${JSON.stringify(args(k, v))}}`,
  'JSON with type function': (t, k, v) =>
    `{"type": "function", "name": "${t}", "parameters": ${args(k, v)}}`,
  "OpenAI's shape": (t, k, v) =>
    `{"id": "call_1", "type": "function", "function": ${named(t, k, v)}}`,
  "OpenAI's message": (t, k, v) => `{"tool_calls": [{"function": ${named(t, k, v)}}]}`,
  "OpenAI's parallel tool": (t, k, v) =>
    `{"tool_uses": [{"recipient_name": "functions.${t}", "parameters": ${args(k, v)}}]}`,
  "Claude's block": (t, k, v) =>
    `{"type": "tool_use", "id": "toolu_1", "name": "${t}", "input": ${args(k, v)}}`,
  'tool and parameters': (t, k, v) => json(t, k, v, ['tool', 'parameters']),
  'tool_name and parameters': (t, k, v) => json(t, k, v, ['tool_name', 'parameters']),
  'function and args': (t, k, v) => json(t, k, v, ['function', 'args']),
  'action and action_input': (t, k, v) => json(t, k, v, ['action', 'action_input']),
  'action and a plain input': (t, _, v) => `{"action": "${t}", "action_input": "${v}"}`,
  'flat arguments beside the name': (t, k, v) => `{"name": "${t}", "${k}": "${v}"}`,
  'functions. before the name': (t, k, v) => named(`functions.${t}`, k, v),
});

const fencedForms = forms({
  'fenced json': (t, k, v) => `\`\`\`json\n${named(t, k, v)}\n\`\`\``,
  'a fence without a language': (t, k, v) => `\`\`\`\n${named(t, k, v)}\n\`\`\``,
  'a tool_call fence': (t, k, v) => `\`\`\`tool_call\n${named(t, k, v)}\n\`\`\``,
  'an open fence': (t, k, v) => `\`\`\`json\n${named(t, k, v)}`,
  'markup in a fence': (t, k, v) =>
    `\`\`\`xml\n<tool_call>\n${named(t, k, v)}\n</tool_call>\n\`\`\``,
  'Gemma 3, tool_code': (t, k, v) => `\`\`\`tool_code\nprint(${t}(${k}="${v}"))\n\`\`\``,
  'Gemini, tool_code without a fence': (t, k, v) =>
    `tool_code\nprint(default_api.${t}(${k}="${v}"))`,
  'tool_code tags': (t, k, v) => `<tool_code>\nprint(${t}(${k}="${v}"))\n</tool_code>`,
});

const taggedForms = forms({
  Hermes: (t, k, v) => `<tool_call>\n${named(t, k, v)}\n</tool_call>`,
  'Hermes behind a sentence': (t, k, v) => `찾아볼게요. <tool_call>${named(t, k, v)}</tool_call>`,
  'Hermes without an end': (t, k, v) => `<tool_call>${named(t, k, v)}`,
  'Hermes without the last bracket': (t, k, v) =>
    `<tool_call>\n${named(t, k, v).slice(0, -1)}\n</tool_call>`,
  'Hermes in doubled brackets': (t, k, v) => `<tool_call>\n{${named(t, k, v)}}\n</tool_call>`,
  'Hermes in single quotes': (t, k, v) =>
    `<tool_call>\n{'name': '${t}', 'arguments': {'${k}': '${v}'}}\n</tool_call>`,
  'Qwen 2.5 Coder, tools': (t, k, v) => `<tools>\n${named(t, k, v)}\n</tools>`,
  'Qwen 3 Coder': (t, k, v) =>
    `<tool_call>\n<function=${t}>\n<parameter=${k}>\n${v}\n</parameter>\n</function>\n</tool_call>`,
  'Qwen 3 Coder without its first tag': (t, k, v) =>
    `<function=${t}>\n<parameter=${k}>\n${v}\n</parameter>\n</function>\n</tool_call>`,
  'Llama 3, function tag': (t, k, v) => `<function=${t}>${args(k, v)}</function>`,
  'function tag with a name': (t, k, v) => `<function name="${t}">${args(k, v)}</function>`,
  'tool_call tag with a name': (t, k, v) => `<tool_call name="${t}">${args(k, v)}</tool_call>`,
  'Granite 20B': (t, k, v) => `<function_call> ${named(t, k, v)}`,
  Glaive: (t, k, v) => `<functioncall> ${named(t, k, v)} </functioncall>`,
  'Nemotron Nano': (t, k, v) => `<TOOLCALL>[${named(t, k, v)}]</TOOLCALL>`,
  'Jamba and Hunyuan': (t, k, v) => `<tool_calls>[${named(t, k, v)}]</tool_calls>`,
  MiniMax: (t, k, v) =>
    `<minimax:tool_call>\n<invoke name="${t}">\n<parameter name="${k}">${v}</parameter>\n</invoke>\n</minimax:tool_call>`,
  Claude: (t, k, v) =>
    `<function_calls>\n<invoke name="${t}">\n<parameter name="${k}">${v}</parameter>\n</invoke>\n</function_calls>`,
  'Claude, one invoke': (t, k, v) =>
    `<invoke name="${t}">\n<parameter name="${k}">${v}</parameter>\n</invoke>`,
  'Claude 2': (t, k, v) =>
    `<invoke>\n<tool_name>${t}</tool_name>\n<parameters>\n<${k}>${v}</${k}>\n</parameters>\n</invoke>`,
  'MCP tag': (t, k, v) =>
    `<use_mcp_tool>\n<server_name>docs</server_name>\n<tool_name>${t}</tool_name>\n<arguments>\n${args(k, v)}\n</arguments>\n</use_mcp_tool>`,
  'the tool as a tag': (t, k, v) => `<${t}>\n<${k}>${v}</${k}>\n</${t}>`,
  'the tool as an empty tag': (t, k, v) => `<${t} ${k}="${v}"/>`,
  'GLM 4.5': (t, k, v) =>
    `<tool_call>${t}\n<arg_key>${k}</arg_key>\n<arg_value>${v}</arg_value>\n</tool_call>`,
  LongCat: (t, k, v) =>
    `<longcat_tool_call>${t}\n<longcat_arg_key>${k}</longcat_arg_key>\n<longcat_arg_value>${v}</longcat_arg_value>\n</longcat_tool_call>`,
  'Seed-OSS': (t, k, v) =>
    `<seed:tool_call>\n<function=${t}>\n<parameter=${k}>${v}</parameter>\n</function>\n</seed:tool_call>`,
  'Step 3': (t, k, v) =>
    `<steptml:invoke name="${t}"><steptml:parameter name="${k}">${v}</steptml:parameter></steptml:invoke>`,
  'LM Studio': (t, k, v) => `[TOOL_REQUEST]${named(t, k, v)}[END_TOOL_REQUEST]`,
  'a call in brackets': (t, k, v) => `[Calling tool: ${t}(${args(k, v)})]`,
});

const tokenForms = forms({
  'Llama 3, python_tag': (t, k, v) => `<|python_tag|>${json(t, k, v, ['name', 'parameters'])}`,
  'Llama 3, python_tag with Python': (t, k, v) => `<|python_tag|>${t}.call(${k}="${v}")`,
  'Llama 4': (t, k, v) => `<|python_start|>[${t}(${k}="${v}")]<|python_end|>`,
  'Llama 3.2, a list of Python': (t, k, v) => `[${t}(${k}="${v}")]`,
  'a list of Python in single quotes': (t, k, v) => `[${t}(${k}='${v}')]`,
  'Python alone': (t, k, v) => `${t}(${k}="${v}")`,
  LFM2: (t, k, v) => `<|tool_call_start|>[${t}(${k}="${v}")]<|tool_call_end|>`,
  'OLMo 3': (t, k, v) => `<function_calls>\n${t}(${k}="${v}")\n</function_calls>`,
  Mistral: (t, k, v) => `[TOOL_CALLS] [${named(t, k, v)}]`,
  'Mistral Small 3.2': (t, k, v) => `[TOOL_CALLS]${t}[ARGS]${args(k, v)}`,
  'Mistral with an id': (t, k, v) => `[TOOL_CALLS]${t}[CALL_ID]abcDEF123[ARGS]${args(k, v)}`,
  'Mistral, name and JSON': (t, k, v) => `[TOOL_CALLS]${t}${args(k, v)}`,
  'DeepSeek V3': (t, k, v) =>
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>${t}\n\`\`\`json\n${args(k, v)}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
  'DeepSeek V3.1': (t, k, v) =>
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>${t}<｜tool▁sep｜>${args(k, v)}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
  'DeepSeek V3.2': (t, k, v) =>
    `<｜DSML｜function_calls>\n<｜DSML｜invoke name="${t}">\n<｜DSML｜parameter name="${k}" string="true">${v}</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>`,
  'Kimi K2': (t, k, v) =>
    `<|tool_calls_section_begin|><|tool_call_begin|>functions.${t}:0<|tool_call_argument_begin|>${args(k, v)}<|tool_call_end|><|tool_calls_section_end|>`,
  'Kimi K3': (t, k, v) =>
    `<|open|>tools<|sep|><|open|>call tool="${t}" index="1"<|sep|><|open|>argument key="${k}" type="string"<|sep|>${v}<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>`,
  'Granite 3': (t, k, v) => `<|tool_call|>[${named(t, k, v)}]`,
  'Phi 4': (t, k, v) => `<|tool_call|>[${named(t, k, v)}]<|/tool_call|>`,
  'Phi 4 mini, functools': (t, k, v) => `functools[${named(t, k, v)}]`,
  'Cohere Command R': (t, k, v) =>
    `Action: \`\`\`json\n[\n    {\n        "tool_name": "${t}",\n        "parameters": ${args(k, v)}\n    }\n]\`\`\``,
  'Cohere Command R7B': (t, k, v) =>
    `<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "${t}", "parameters": ${args(k, v)}}\n]<|END_ACTION|>`,
  'Gemma 4': (t, k, v) => `<|tool_call>call:${t}{${k}:<|"|>${v}<|"|>}<tool_call|>`,
  FunctionGemma: (t, k, v) =>
    `<start_function_call>call:${t}{${k}:<escape>${v}<escape>}<end_function_call>`,
  InternLM: (t, k, v) =>
    `<|action_start|><|plugin|>\n${json(t, k, v, ['name', 'parameters'])}<|action_end|>`,
  Apertus: (t, k, v) => `<|tools_prefix|>[{"${t}": ${args(k, v)}}]<|tools_suffix|>`,
  'HyperCLOVA X': (t, k, v) => `-> tool/function_call\n[${named(t, k, v)}]<|im_end|>`,
  'HyperCLOVA X with its header': (t, k, v) =>
    `<|im_start|>assistant -> tool/function_call\n[${named(t, k, v)}]<|im_end|>`,
  'Solar Open': (t, k, v) =>
    `<|tool_calls|><|tool_call:begin|>a1b2c3<|tool_call:name|>${t}<|tool_call:args|>${args(k, v)}<|tool_call:end|><|calls|>`,
  GigaChat: (t, k, v) => `function call<|role_sep|>\n${named(t, k, v)}`,
  'Functionary 3': (t, k, v) => `>>>${t}\n${args(k, v)}`,
});

const harmonyForms = forms({
  Harmony: (t, k, v) =>
    `<|channel|>commentary to=functions.${t} <|constrain|>json<|message|>${args(k, v)}<|call|>`,
  'Harmony, the recipient first': (t, k, v) =>
    `<|start|>assistant to=functions.${t}<|channel|>commentary json<|message|>${args(k, v)}<|call|>`,
  'Harmony behind its thoughts': (t, k, v) =>
    `<|channel|>analysis<|message|>Look it up.<|end|><|start|>assistant<|channel|>commentary to=functions.${t} <|constrain|>json<|message|>${args(k, v)}<|call|>`,
  'Harmony without its tokens': (t, k, v) => `commentary to=functions.${t} json${args(k, v)}`,
});

const wordForms = forms({
  ReAct: (t, k, v) => `Thought: 찾아야 합니다.\nAction: ${t}\nAction Input: ${args(k, v)}`,
  'ReAct with a plain input': (t, _, v) => `Action: ${t}\nAction Input: ${v}`,
  'ReAct with a made-up observation': (t, _, v) =>
    `Action: ${t}\nAction Input: ${v}\nObservation: 결과\nThought: 알았습니다.\nFinal Answer: 2년`,
  'ReAct in bold': (t, k, v) => `**Action:** ${t}\n**Action Input:** ${args(k, v)}`,
  'ReAct with brackets': (t, _, v) => `Action: ${t}[${v}]`,
  'ReAct with Python': (t, _, v) => `Action: ${t}("${v}")`,
  'LangChain, structured': (t, k, v) =>
    `Action:\n\`\`\`json\n${json(t, k, v, ['action', 'action_input'])}\n\`\`\``,
});

export const printedCallForms: readonly PrintedCallForm[] = [
  ...jsonForms,
  ...fencedForms,
  ...taggedForms,
  ...tokenForms,
  ...harmonyForms,
  ...wordForms,
];
