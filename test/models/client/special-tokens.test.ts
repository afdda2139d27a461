import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  printedCalls,
  standardMarkup,
  strayCalls,
} from '#models/client/text-filters/thinking-markup';
import { chunk, frame } from '#test/support/fake-llm-replies';
import { done, say, stop } from '#test/support/fake-llm-shape';
import { readStream, type StreamReading } from '#test/support/read-stream';

const caseFile = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'cases', name), 'utf8');

type Options = Parameters<typeof readStream>[1];

/** Reads the content in one frame. */
const read = (content: string, options?: Options): StreamReading =>
  readStream(say(content) + stop + done, options);

/** Reads the content with one character per frame. */
const readInPieces = (content: string, options?: Options): StreamReading =>
  readStream(Array.from(content, say).join('') + stop + done, options);

function expectText(content: string, text: string, options?: Options): void {
  expect(read(content, options)).toMatchObject({ end: 'ok', text, calls: [] });
  expect(readInPieces(content, options)).toMatchObject({ end: 'ok', text, calls: [] });
}

describe('the stream of a case file', () => {
  test.each([
    ['04-end-token-tail.sse', '답입니다.', []],
    ['04-harmony-analysis-to-tool.sse', '답입니다.', []],
    ['04-harmony-constrain-final.sse', '{"city":"서울"}', []],
    ['04-harmony-commentary-call.sse', '', [['get_weather', '{"city":"서울"}']]],
    [
      '05-literal-close-after-reasoning-field.sse',
      'DeepSeek-R1은 추론이 끝나면 `</think>` 태그를 출력합니다.',
      [],
    ],
  ])('is read without its markup: %s', (name, text, calls) => {
    expect(readStream(caseFile(name))).toMatchObject({ end: 'ok', text, calls });
  });
});

describe('the end token of a model', () => {
  test.each([
    '<|im_end|>',
    '<|im_end|>\n',
    '\n<|im_end|>\n<|endoftext|>',
    '<|endoftext|>',
    '<|eot_id|>',
    '<|eom_id|>',
    '<|end_of_text|>',
    '<|eot|>',
    '<end_of_turn>',
    '<end_of_turn>\n<eos>',
    '<turn|>',
    '</s>',
    ' </s>',
    '<|end|>',
    '<|return|>',
    '<｜end▁of▁sentence｜>',
    '<|END_OF_TURN_TOKEN|>',
    '<|END_RESPONSE|>',
    '[|endofturn|]',
    '<|endofturn|>',
    '<|im_end|><|endofturn|>',
    '<|stop|>',
    '<|user|>',
    '<|observation|>',
    '<|end_of_role|>',
    '<seed:eos>',
    '<[end▁of▁sentence]>',
    '<|im_sep|>',
    '<|flush|>',
    '[EOS]',
    '<eoa>',
    '<|IM_END|>',
    '<|some_new_token|>',
  ])('is no part of the answer: %s', (token) => {
    expect(read(`답입니다.${token}`).text.trimEnd()).toBe('답입니다.');
    expect(readInPieces(`답입니다.${token}`).text.trimEnd()).toBe('답입니다.');
  });
});

describe('the special tokens around an answer', () => {
  test.each([
    '<|begin_of_box|>답입니다.<|end_of_box|>',
    '<|assistant|>\n답입니다.',
    '<|im_start|>assistant\n답입니다.<|im_end|>',
    '<|start_header_id|>assistant<|end_header_id|>\n\n답입니다.<|eot_id|>',
    '<|header_start|>assistant<|header_end|>\n\n답입니다.<|eot|>',
    '<|start_of_role|>assistant<|end_of_role|>답입니다.<|end_of_text|>',
    '<start_of_turn>model\n답입니다.<end_of_turn>',
    '<|turn>model\n답입니다.<turn|>',
    '<|START_RESPONSE|>답입니다.<|END_RESPONSE|>',
    '[|assistant|]답입니다.[|endofturn|]',
    '<｜Assistant｜>답입니다.<｜end▁of▁sentence｜>',
    '[/INST] 답입니다.</s>',
    '<s>답입니다.</s>',
    '<bos>답입니다.<eos>',
    '[gMASK]<sop>답입니다.',
    '<|begin|>assistant<|content|>답입니다.<|end|>',
    '<answer>답입니다.</answer>',
    '<answer>\n답입니다.</answer>\n',
    '[BEGIN FINAL RESPONSE]답입니다.[END FINAL RESPONSE]',
    '<|begin_of_solution|>답입니다.<|end_of_solution|>',
    '<|im_start|>user\n질문<|im_end|>\n<|im_start|>assistant\n답입니다.',
    '답입니다.<|im_end|>\n<|im_start|>user\n또 다른 질문',
    '답입니다.<|user|>\n또 다른 질문',
    '답입니다.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n질문',
  ])('are no part of the answer: %s', (content) => {
    expect(read(content).text.trimEnd()).toBe('답입니다.');
    expect(readInPieces(content).text.trimEnd()).toBe('답입니다.');
  });

  test('separate a second message of the model as a paragraph of its own', () => {
    expectText('하나.<|im_end|>\n<|im_start|>assistant\n둘.<|im_end|>', '하나.\n\n둘.');
    expectText(
      '<|channel|>commentary<|message|>찾습니다.<|end|><|start|>assistant<|channel|>final<|message|>답',
      '찾습니다.\n\n답',
    );
  });
});

describe('the thinking of a model', () => {
  test.each([
    '<think>음</think>답입니다.',
    '<Think>음</Think>\n\n답입니다.',
    '<THINK>음</think>답입니다.',
    '<thought>음</thought>\n답입니다.',
    '[THINK]음[/THINK]답입니다.',
    '<seed:think>음<seed:cot_budget_reflect>음</seed:cot_budget_reflect></seed:think>답입니다.',
    '◁think▷음◁/think▷답입니다.',
    '<|begin_of_thought|>음<|end_of_thought|>\n<|begin_of_solution|>답입니다.<|end_of_solution|>',
    '<|channel>thought\n음<channel|>답입니다.<turn|>',
    '<|inner_prefix|>음<|inner_suffix|>답입니다.',
    '<|begin|>assistant<|think|>음<|end|><|begin|>assistant<|content|>답입니다.<|end|>',
    '<|think|>음<|end|><|begin|>assistant<|content|>답입니다.',
    '/think\n음<|im_end|>\n<|im_start|>assistant\n답입니다.<|im_end|><|endofturn|>',
    '<|im_start|>assistant/think\n음<|im_end|>\n<|im_start|>assistant\n답입니다.',
    '<think>음</think><answer>답입니다.</answer>',
    '<think>음</think></think>답입니다.',
    '음.</think>\n\n답입니다.',
    '음\n</Think>\n답입니다.',
    '음[/THINK]답입니다.',
    '음<|END_THINKING|><|START_RESPONSE|>답입니다.<|END_RESPONSE|>',
    '답입<think>음</think>니다.',
    'analysisWe answer.assistantfinal답입니다.',
    '<|channel|>analysis<|message|>음<|end|><|start|>assistant<|channel|>final<|message|>답입니다.',
    '<|start|>assistant<|channel|>analysis<|message|>음<|start|>assistant<|channel|>final<|message|>답입니다.',
    '<|channel|>analysis to=python code<|message|>1<|call|><|start|>python to=assistant<|channel|>analysis<|message|>2<|end|><|start|>assistant<|channel|>final<|message|>답입니다.',
    '<|channel|>analysis<|message|>음<|end|><|channel|>final<|message|>답입니다.<|return|>',
    '<|channel|>final <|constrain|>json<|message|>답입니다.<|end|>',
    '<|channel|>final답입니다.',
    '<|message|>답입니다.<|end|>',
    '<|start|>assistant답입니다.',
    '<|channel|>commentary<|message|>답입니다.<|end|>',
    '<|channel|>commentary to=user<|message|>답입니다.<|end|>',
  ])('is no part of the answer: %s', (content) => {
    expect(read(content).text.trimEnd()).toBe('답입니다.');
    expect(readInPieces(content).text.trimEnd()).toBe('답입니다.');
  });

  test.each([
    '<think>음',
    '<|channel|>analysis<|message|>음',
    '<|channel|>analysis<|message|>음<|channel|>analysis<|message|>음',
    '<|begin_of_thought|>음',
  ])('is no answer if it is never closed: %s', (content) => {
    expect(read(content).end).toBe('unclosed_thinking');
  });
});

describe('a harmony message with a recipient', () => {
  const city = '{"city":"서울"}';
  test.each([
    `<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${city}<|call|>`,
    `<|channel|>commentary to=functions.get_weather<|message|>${city}`,
    `<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>${city}<|call|>`,
    `<|channel|>commentary<|constrain|>json to=functions.get_weather<|message|>${city}<|end|>`,
    `<|channel|>analysis to=functions.get_weather code<|message|>${city}<|call|>`,
    `<|channel|>commentary to=get_weather <|constrain|>json<|message|>${city}<|call|>`,
    `<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${city}<|call|>commentary`,
  ])('is read as a tool call: %s', (content) => {
    for (const reading of [read(content), readInPieces(content)]) {
      expect(reading).toMatchObject({
        end: 'ok',
        finish: 'tool_calls',
        calls: [['get_weather', city]],
      });
      expect(reading.text).not.toMatch(/[<{]/);
    }
  });

  test('is one call each if there are two, and the text before them stays', () => {
    const call = `<|start|>assistant<|channel|>commentary to=functions.get_weather<|message|>${city}<|call|>`;
    expect(read(`<|channel|>commentary<|message|>찾습니다.<|end|>${call}${call}`)).toMatchObject({
      text: '찾습니다.',
      calls: [
        ['get_weather', city],
        ['get_weather', city],
      ],
    });
  });

  test('is dropped if tool calls are not allowed', () => {
    const content = `<|channel|>commentary to=functions.get_weather<|message|>${city}<|call|><|start|>assistant<|channel|>final<|message|>답`;
    expectText(content, '답', { dropToolCalls: true });
  });
});

describe('an answer about markup', () => {
  test.each([
    'DeepSeek-R1은 추론이 끝나면 `</think>` 태그를 출력합니다.',
    'DeepSeek-R1은 추론이 끝나면 </think> 태그를 출력합니다.',
    '추론의 끝은 </think>로 표시합니다.',
    '`</think>`는 추론의 끝입니다.',
    '</think>는 추론의 끝입니다.',
    'The model writes </think> and then its answer.',
    'The tag "</think>" ends its thinking.',
    '닫는 태그(</think>)가 있습니다.',
    '여는 태그는 `<think>`, 닫는 태그는 `</think>`입니다.',
    '`<think>음</think>답`처럼 씁니다.',
    '`<think>`는 여는 태그입니다.',
    '| 열기 | 닫기 |\n|---|---|\n| `<think>` | `</think>` |\n',
    '예:\n```\n음\n</think>\n답\n```\n끝',
    '예:\n```xml\n<think>\n음\n</think>\n```\n끝',
    'Mistral은 `[/THINK]`, Kimi는 `◁/think▷`, Gemma는 `<channel|>`를 씁니다.',
    'Cohere는 "<|END_THINKING|>"을 씁니다.',
    'ChatML의 끝은 `<|im_end|>`이고 Llama의 끝은 `<|eot_id|>`입니다.',
    '`</answer>`와 `</thinking>`은 태그입니다.',
    '`</s>`는 끝입니다.',
    '<u>밑줄</u>과 <s>취소선</s> 그리고 끝',
    '예:\n```\n<|im_start|>user\n안녕<|im_end|>\n```\n끝',
    '```python\nstop = ["<|im_end|>", "</s>"]\n```\n끝',
    'a <|> b, x <| y, F# f <| x |> g',
  ])('is shown whole: %s', (content) => {
    expectText(content, content);
  });

  test.each([
    ['추론 끝에는 </think>\n태그가 옵니다.', '추론 끝에는 \n태그가 옵니다.'],
    ['답입니다.</think>', '답입니다.'],
    ['</think>답입니다.', '답입니다.'],
    ['추론은 `</think>`로 끝납니다.', '추론은 `</think>`로 끝납니다.'],
  ])('loses no word if the thinking has a field of its own: %j', (content, text) => {
    const thinking = frame(chunk({ reasoning_content: '음' }));
    expect(readStream(thinking + say(content) + stop + done)).toMatchObject({ end: 'ok', text });
  });

  test('does not begin at a close tag that the thinking quotes', () => {
    expectText('<think>태그 `</think>`를 설명하자</think>답', '답');
  });

  test('is shown to its end after a late open tag that is never closed', () => {
    expectText('앞\n<think>\n뒤', '앞\n\n뒤');
  });
});

describe('a tool call that is printed into the text', () => {
  const call = '<|python_tag|>{"name": "search", "parameters": {"query": "x"}}';
  const withPairs = (pairs: typeof strayCalls): Options => ({
    markup: { ...standardMarkup, pairs: [...standardMarkup.pairs, ...pairs] },
  });

  test('stays in the text for the filter of printed calls if tools were offered', () => {
    for (const text of [
      call,
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>a<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ]) {
      expect(readInPieces(text, withPairs(printedCalls)).text).toBe(text);
    }
  });

  test('is not shown if no tools were offered', () => {
    expectText(`답\n${call}`, '답\n', withPairs(strayCalls));
  });
});
