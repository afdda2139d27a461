/** /v1 with tools: tool calls that a model prints into its text become `tool_calls`, whole and streamed. */
import { expect, test } from 'vitest';
import { says } from '#test/support/fake-llm-replies';
import { printedCallForms } from '#test/support/printed-call-forms';
import { collect, openOpenAiFixture, user } from './openai-fixture.ts';

const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];
const request = { model: 'large', messages: [user('서울 날씨')], tools };

test('a printed tool call in every known form is returned as a tool call with finish_reason tool_calls', async () => {
  const fixture = await openOpenAiFixture();
  for (const { name, print } of printedCallForms) {
    fixture.large.script(says(print('get_weather', 'city', '서울')));
    const answer = await fixture.openai.chat.completions.create(request);
    const [choice] = answer.choices;
    expect([name, choice!.finish_reason]).toEqual([name, 'tool_calls']);
    const [call] = choice!.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } });
    if (call?.type === 'function')
      expect(JSON.parse(call.function.arguments)).toEqual({ city: '서울' });
    expect(choice!.message.content ?? '').not.toMatch(/[<{[]/);
  }
});

test('a stream omits the text of a printed tool call and ends with the call', async () => {
  const fixture = await openOpenAiFixture();
  fixture.large.script(
    says(
      '찾아볼게요.\n<tool_call>{"name": "get_weather", "arguments": {"city": "서울"}}</tool_call>',
    ),
  );
  const stream = await fixture.openai.chat.completions.create({ ...request, stream: true });
  const { chunks, text, finishReason } = await collect(stream);
  expect([text.trim(), finishReason]).toEqual(['찾아볼게요.', 'tool_calls']);
  const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
  expect(calls.map((call) => call.function?.name)).toEqual(['get_weather']);
});

test('a request without tools gets the text of a printed tool call as its answer', async () => {
  const fixture = await openOpenAiFixture();
  const text = '{"name": "get_weather", "arguments": {"city": "서울"}}';
  fixture.large.script(says(text));
  const { tools: _, ...plain } = request;
  const answer = await fixture.openai.chat.completions.create(plain);
  expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: text } });
});

test('a request with tools gets JSON that names none of them as its answer', async () => {
  const fixture = await openOpenAiFixture();
  const text = '{"name": "서울", "arguments": {"temp": 3}}';
  fixture.large.script(says(text));
  const answer = await fixture.openai.chat.completions.create(request);
  expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: text } });
});
