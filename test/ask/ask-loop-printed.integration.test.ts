/** Printed tool calls in the answers of POST /ask/react: the search is run, and the call is never the answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { says } from '#test/support/fake-llm-replies';
import { printedCallForms } from '#test/support/printed-call-forms';
import { eventsOf, openAsk, type AskSetting } from './setting.ts';

let setting: AskSetting;
beforeAll(async () => {
  setting = await openAsk();
  await setting.bring('압력용기 지침', '압력용기 검사 주기는 2년이다.');
});
afterAll(() => setting.close());

describe('a printed search call is run in the form', () => {
  test.each(printedCallForms)('$name', async ({ print }) => {
    setting.fixture.large.script(
      says(print('search', 'query', '압력용기 검사 주기')),
      says('2년입니다 [1]'),
    );
    const { body } = await setting.react({ query: '압력용기 검사 주기는?' });
    expect(body).toMatchObject({ answer: '2년입니다 [1]', llm_calls: 2, tool_rounds: 1 });
    expect(body.sources.map(({ title }) => title)).toEqual(['압력용기 지침']);
  });
});

test.each(['search_documents', 'functions.search'])(
  'a printed search call under the name %s is run as well',
  async (name) => {
    const printed = `<tool_call>{"name": "${name}", "arguments": {"query": "압력용기"}}</tool_call>`;
    setting.fixture.large.script(says(printed), says('2년입니다 [1]'));
    const { body } = await setting.react({ query: '압력용기 검사 주기는?' });
    expect(body.sources).toHaveLength(1);
  },
);

test.each([
  '<tool_call>{"name": "web_search", "arguments": {"q": "x"}}</tool_call>',
  '{"name": "web_search", "arguments": {"q": "x"}}',
  '<function=web_search><parameter=q>x</parameter></function>',
])('a printed call of an unknown tool fails and is not the answer: %s', async (printed) => {
  setting.fixture.large.script(says(printed), says('모릅니다.'));
  const response = await setting.stream({ query: '압력용기 검사 주기는?', debug: true });
  const events = eventsOf(await response.text());
  const shown = events.flatMap(([type, data]) => (type === 'token' ? [JSON.stringify(data)] : []));
  expect(shown.join('')).toContain('모릅니다');
  expect(shown.join('')).not.toContain('web_search');
  expect(JSON.stringify(setting.messages(setting.fixture.large.requests.length - 1))).toContain(
    'unknown_tool',
  );
});

test('an answer that explains the markup of tool calls is returned unchanged', async () => {
  const answer = '형식은 `<tool_call>{"name": "search", "arguments": {}}</tool_call>`입니다.';
  setting.fixture.large.script(says(answer));
  const { body } = await setting.react({ query: '도구 호출 형식은?' });
  expect(body.answer).toBe(answer);
});
