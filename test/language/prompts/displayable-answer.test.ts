/** A text answer is displayed unchanged; a JSON object of the classifier in its place is never displayed. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayableAnswer, displayablePrefixLength } from '#language/prompts/displayable-answer';
import { printedCallForms } from '#test/support/printed-call-forms';

/** All text that was displayed at any time while these pieces arrived. */
function shownOf(pieces: readonly string[]): string {
  let [text, shown] = ['', 0];
  for (const piece of pieces) {
    text += piece;
    shown = Math.max(shown, displayablePrefixLength(text, shown));
  }
  return text.slice(0, shown);
}

const classified: [form: string, text: string, shown: string | null][] = [
  ['bare', '{"action":"direct","response":"네, 안녕하세요."}', '네, 안녕하세요.'],
  ['in lines', '{\n  "action": "direct",\n  "response": "네."\n}', '네.'],
  ['fenced', '```json\n{"action":"direct","response":"네."}\n```', '네.'],
  [
    'with all keys',
    '{"action":"direct","response":"네.","prompt":"","tool":"","operation":"","params":{}}',
    '네.',
  ],
  ['with the response first', '{"response":"네.","action":"direct"}', '네.'],
  ['without an action', '{"response":"네."}', '네.'],
  ['a question back', '{"action":"clarify","response":"언제요?"}', '언제요?'],
  ['in a list', '[{"action":"direct","response":"네."}]', '네.'],
  ['in single quotes', "{'action': 'direct', 'response': '네.'}", '네.'],
  ['cut off', '{"action":"direct","response":"네, 안녕', '네, 안녕'],
  ['behind a sentence', '알겠습니다.\n{"action":"direct","response":"네."}', '네.'],
  ['with text behind it', '{"action":"direct","response":"네."}\n\n이상입니다.', '네.'],
  ['that hands on', '{"action":"route","prompt":"양자역학"}', null],
  ['that wants a tool', '{"action":"tools","tool":"email","operation":"search","params":{}}', null],
  ['that asks for the status', '{"action":"system_status"}', null],
  ['empty', '{"action":"direct","response":""}', null],
];

describe('a classifier object instead of an answer', () => {
  test.each(classified)(
    'of the form "%s" is never displayed, only its response',
    (_form, text, shown) => {
      expect(displayableAnswer(text)).toBe(shown);
      expect(shownOf(Array.from(text))).not.toMatch(/[{}[\]]|action|```/);
    },
  );

  test('is never displayed, however the text is split into pieces', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...classified),
        fc.array(fc.nat(60), { maxLength: 6 }),
        (one, at) => {
          const places = [0, ...at.map((place) => Math.min(place, one[1].length)), one[1].length];
          places.sort((a, b) => a - b);
          const pieces = places.slice(1).map((end, index) => one[1].slice(places[index], end));
          expect(shownOf(pieces)).not.toMatch(/[{}]|action/);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test.each(printedCallForms.filter(({ name }) => !/sentence|made up|ReAct$|thoughts/.test(name)))(
  'a tool call instead of an answer is not displayed: $name',
  ({ name, print }) => {
    const text = print('web_search', 'q', 'x');
    // The call of an unknown tool is recognized by its markup or its JSON shape only.
    const isKnown = !/flat|Python alone|as a tag|an empty tag|Apertus|plain input$/.test(name);
    if (isKnown) expect(displayableAnswer(text)).toBeNull();
  },
);

describe('a text answer is displayed unchanged if it', () => {
  test.each([
    ['is a sentence', '안녕하세요. 무엇을 도와드릴까요?'],
    ['is JSON that was asked for', '{"name": "홍길동", "age": 3}'],
    ['is JSON with an action and other keys', '{"action": "direct", "target": "화면"}'],
    ['is JSON with an action of its own', '{"action": "click"}'],
    [
      'speaks of the object',
      '분류기는\n```json\n{"action":"direct","response":"네"}\n```\n처럼 답합니다.',
    ],
    ['has code', '```js\nconst a = { action: "direct" };\n```'],
    ['is a list', '[1] 첫째\n[2] 둘째'],
    ['has a bracket at its end', '목록:\n['],
    ['documents a call', '`<tool_call>{"name":"x","arguments":{}}</tool_call>` 꼴을 씁니다.'],
  ])('%s', (_what, text) => {
    expect(displayableAnswer(text)).toBe(text);
    expect(text.startsWith(shownOf(Array.from(text)))).toBe(true);
  });
});
