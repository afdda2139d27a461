/**
 * The parser of the classifier's raw output: given outputs, further malformed outputs, and properties that hold for any
 * output of a model.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Classification } from '#language/classification/parse-classification';
import { parseClassification } from '../standard-classification.ts';
import { readCases } from '../case-file.ts';

interface OutputCase {
  cat: string;
  raw: string;
  original_result: Record<string, unknown> | string;
}

/** Outputs for which the former parser returned JSON, thinking or nothing, failed, or lost the code fence. */
const better: Record<string, Classification | null> = {
  '<think>사용자가 일정을 묻는다. {예시}</think>\n{"action":"tools","tool":"calendar","operation":"today","params":{}}':
    {
      action: 'tools',
      calls: [{ tool: 'calendar', operation: 'today', params: {} }],
    },
  '{"action":"direct","response":"첫째"}\n그리고 {중괄호} 설명': {
    action: 'direct',
    response: '첫째',
  },
  '{"action":"direct","response":"A"}\n{"action":"direct","response":"A"}': {
    action: 'direct',
    response: 'A',
  },
  '```python\nprint("hi")\n```': { action: 'direct', response: '```python\nprint("hi")\n```' },
  '함수는 이렇게: ```js\nfunction f(){return {a:1}}\n```': {
    action: 'direct',
    response: '함수는 이렇게: ```js\nfunction f(){return {a:1}}\n```',
  },
  '{"action":"direct","response":"{\\"action\\":\\"route\\"}"}': { action: 'route' },
  '{"action":"direct","response":{"text":"객체 응답"}}': {
    action: 'direct',
    response: '객체 응답',
  },
  '{"action":"direct","response":"닫힘 없음"': { action: 'direct', response: '닫힘 없음' },
  "{'action':'direct','response':'홑따옴표'}": { action: 'direct', response: '홑따옴표' },
  '{action:"direct",response:"키에 따옴표 없음"}': {
    action: 'direct',
    response: '키에 따옴표 없음',
  },
  '{"action":"direct" "response":"쉼표 없음"}': { action: 'direct', response: '쉼표 없음' },
  '{"action":"direct","response":"탭\t날것"}': { action: 'direct', response: '탭\t날것' },
  '{"action":"direct","response":"나쁜 \\x 이스케이프"}': {
    action: 'direct',
    response: '나쁜 x 이스케이프',
  },
  '}{': null,
  '{': null,
  '}': null,
  '{}': null,
  '{ }': null,
  '["action","direct"]': null,
  '[]': null,
  '"direct"': { action: 'direct' },
  null: null,
  '```json```': null,
  '   \n\t ': null,
  '``````': null,
  '{"response":"action 없음","prompt":""}': { action: 'direct', response: 'action 없음' },
  '{"Action":"direct","response":"대문자 키"}': { action: 'direct', response: '대문자 키' },
  '{"action":"","response":"빈 action"}': { action: 'direct', response: '빈 action' },
  '{"action":"tools"}': null,
  '{"action":"direct","response":"a\\u0000b"}': { action: 'direct', response: 'ab' },
  '{"action":"tools","tool":"email","operation":"search","params":{"days":7.0}}': {
    action: 'tools',
    calls: [{ tool: 'email', operation: 'search', params: { days: 7 } }],
  },
  '{"action":"direct","response":"x","id":12345678901234567890}': {
    action: 'direct',
    response: 'x',
  },
};

/** The former result in the present shape: empty texts are absent, a single tool is a list of one call. */
function asClassification(old: Record<string, unknown>): unknown {
  const { action, response, prompt, tool, operation, params } = old;
  if (action === 'tools') return { action, calls: [{ tool, operation, params }] };
  return {
    action,
    ...(typeof response === 'string' && response !== '' && action !== 'route' ? { response } : {}),
    ...(typeof prompt === 'string' && prompt !== '' && action === 'route' ? { prompt } : {}),
  };
}

describe('outputs with an expected classification', () => {
  const cases = readCases<OutputCase>('classifier-outputs.jsonl');
  test.each(cases.map((item) => [item.cat, JSON.stringify(item.raw), item] as const))(
    'an output of category "%s" is parsed as its case says: %s',
    (_cat, _raw, item) => {
      const expected = Object.hasOwn(better, item.raw)
        ? better[item.raw]
        : asClassification(item.original_result as Record<string, unknown>);
      expect(parseClassification(item.raw)).toEqual(expected);
    },
  );

  test('every corrected expectation belongs to a case of the file', () => {
    const raws = new Set(cases.map((item) => item.raw));
    expect(Object.keys(better).filter((raw) => !raws.has(raw))).toEqual([]);
  });
});

const today = { action: 'tools', calls: [{ tool: 'calendar', operation: 'today', params: {} }] };
const search = (params: Record<string, unknown>) => ({
  action: 'tools',
  calls: [{ tool: 'email', operation: 'search', params }],
});

describe('thinking in the output', () => {
  test.each([
    '<think>무엇을 할까</think>{"action":"direct","response":"답"}',
    '<think>{"action":"route"} 일까?</think>\n{"action":"direct","response":"답"}',
    '생각 중… {"action":"route"}</think>{"action":"direct","response":"답"}',
    '<thinking>a</thinking><think>b</think>{"action":"direct","response":"답"}',
    '[THINK]음[/THINK]{"action":"direct","response":"답"}',
    '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{"action":"direct","response":"답"}<|return|>',
    '{"action":"direct","response":"<think>몰래</think>답"}',
  ])('is removed, and the answer stays: %s', (raw) => {
    expect(parseClassification(raw)).toEqual({ action: 'direct', response: '답' });
  });

  test('that is cut off before its end gives no classification', () => {
    expect(
      parseClassification('<think>아직 생각하는 중 {"action":"direct","response":"초안"}'),
    ).toBeNull();
  });

  test('is not confused with an answer that mentions its tag', () => {
    const response = '태그 <think> 는 생각을 감쌉니다';
    expect(parseClassification(JSON.stringify({ action: 'direct', response }))).toEqual({
      action: 'direct',
      response,
    });
  });
});

describe('output shapes of models', () => {
  test.each([
    ['{"ACTION":" Direct ","RESPONSE":"답"}', { action: 'direct', response: '답' }],
    ['{"action":"answer","response":"답"}', { action: 'direct', response: '답' }],
    ['{"action":"fly","response":"답"}', { action: 'direct', response: '답' }],
    ['{"action":null,"response":"답"}', { action: 'direct', response: '답' }],
    ['{"action":["direct"],"response":"답"}', { action: 'direct', response: '답' }],
    [
      '{"action":"direct","response":["첫 줄","둘째 줄"]}',
      { action: 'direct', response: '첫 줄\n둘째 줄' },
    ],
    ['{"action":"direct","response":42}', { action: 'direct', response: '42' }],
    ['{"action":"direct","response":"줄\n바꿈"}', { action: 'direct', response: '줄\n바꿈' }],
    ['{“action”:“direct”,“response”:“굽은 따옴표”}', { action: 'direct', response: '굽은 따옴표' }],
    ['{"action":"direct","response":"끝에 쉼표",}', { action: 'direct', response: '끝에 쉼표' }],
    ['{"action":"clarify","question":"언제요?"}', { action: 'clarify', response: '언제요?' }],
    ['{"action":"clarify"}', null],
    ['{"action":"tools","tool":"calendar.today"}', today],
    ['{"action":"tools","tool":"calendar","operation":"calendar.today","params":null}', today],
    ['{"tool":"Calendar","operation":"TODAY","params":{}}', today],
    ['{"action":"tool","tool":"mail","params":{"days":"7"}}', search({ days: 7 })],
    [
      '{"action":"tools","tool":"email","operation":"search","params":"{\\"days\\": 3}"}',
      search({ days: 3 }),
    ],
    [
      '{"action":"tools","tool":"email","operation":"search","params":{"days":-4,"query":" ","from":null}}',
      search({}),
    ],
    [
      '{"action":"tools","tool":"email","operation":"search","params":{"days":99999}}',
      search({ days: 366 }),
    ],
    [
      '{"action":"tools","tool":"email","operation":"search","params":{"evil":1,"query":"세금"}}',
      search({ query: '세금' }),
    ],
    [
      '{"action":"tools","calls":[{"tool":"calendar","operation":"today"},{"tool":"email","operation":"search","params":{"days":1}}]}',
      { action: 'tools', calls: [...today.calls, ...search({ days: 1 }).calls] },
    ],
    [
      '[{"action":"tools","tool":"calendar","operation":"today"},{"action":"tools","tool":"email","operation":"search","params":{"days":1}}]',
      { action: 'tools', calls: [...today.calls, ...search({ days: 1 }).calls] },
    ],
    [
      '{"action":"tools","tool_calls":[{"function":{"name":"calendar_today","arguments":"{}"}}]}',
      today,
    ],
  ])('the output %s is parsed as expected', (raw, expected) => {
    expect(parseClassification(raw)).toEqual(expected);
  });

  test.each([
    '{"action":"tools","tool":"calendar","operation":"create_confirmed","params":{"title":"x"}}',
    '{"action":"tools","tool":"calendar.create_confirmed","params":{}}',
    '[{"action":"tools","tool":"calendar","operation":"today"},{"action":"tools","tool":"calendar","operation":"create_confirmed"}]',
    '{"action":"tools","tool":"shell","operation":"run","params":{"cmd":"ls"}}',
    '{"action":"tools","tool":"constructor","operation":"toString"}',
    '{"action":"tools","tool":"calendar","operation":"delete"}',
    '{"action":"tools","tool":["calendar"],"operation":"today"}',
  ])('the output %s is rejected', (raw) => {
    expect(parseClassification(raw)).toBeNull();
  });
});

describe('for any output of a model', () => {
  const leak = /\{\s*\\*["'“]?\s*action(?![\p{L}\p{N}])/iu;
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '\\',
    '\\"',
    ':',
    ',',
    ' ',
    '\n',
    '{"action"',
    '"action"',
    'action',
    'direct',
    'tools',
    'response',
    '"response":',
    '"direct"',
    'create_confirmed',
    '"operation":"create_confirmed"',
    '"tool":"calendar"',
    '<think>',
    '</think>',
    '```json',
    '```',
    '한글 답',
    '\u0000',
    '\ud800',
    '{\\"action\\":\\"direct\\"}',
  ];
  const anyOutput = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join('')),
    fc.json().map((json) => `{"action":"direct","response":${json}}`),
    fc
      .tuple(fc.constantFrom(...pieces), fc.string({ maxLength: 30 }), fc.constantFrom(...pieces))
      .map(
        ([before, text, after]) =>
          `${before}${JSON.stringify({ action: 'direct', response: `${text}{"action":"route","prompt":"x"}` })}${after}`,
      ),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => new TextDecoder().decode(bytes)),
  );

  test('parsing never throws, never returns the JSON as text, and never accepts a write', () => {
    fc.assert(
      fc.property(anyOutput, (raw) => {
        const read = parseClassification(raw);
        if (read === null) return;
        expect(read.response ?? '').not.toMatch(leak);
        expect(read.prompt ?? '').not.toMatch(leak);
        expect(read.response ?? '').not.toContain('\u0000');
        expect(JSON.stringify(read.calls ?? [])).not.toContain('create_confirmed');
        if (read.action === 'tools') expect(read.calls?.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  test('an output cut at any place returns no JSON as text', () => {
    const whole =
      '{"action":"direct","response":"안녕하세요. 무엇을 {도와} \\"드릴까요\\"?","prompt":""}';
    for (let end = 0; end <= whole.length; end += 1) {
      expect(parseClassification(whole.slice(0, end))?.response ?? '').not.toMatch(
        /action|response"/,
      );
    }
  });

  test('a complete answer is parsed back unchanged, whatever its text', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((part) => `가${part.normalize('NFC')}나`);
    fc.assert(
      fc.property(text, (response) => {
        const clean = parseClassification(JSON.stringify({ action: 'clarify', response }));
        if (!/[{[<]/.test(response)) expect(clean).toEqual({ action: 'clarify', response });
      }),
    );
  });
});
