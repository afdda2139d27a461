/** The OpenAI API apart from completions: models, API keys, errors. And the AI SDK as a second client. */
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { calls, saysJson, says } from '#test/support/fake-llm-replies';
import { errorOf, openOpenAiFixture, user } from './openai-fixture.ts';

describe('GET /v1/models', () => {
  test('lists the assistant and every backend', async () => {
    const fixture = await openOpenAiFixture();
    const list = await fixture.openai.models.list();
    expect(list.data.map(({ id }) => id)).toEqual([
      'gatehouse',
      'small',
      'large',
      'gatehouse-chat',
    ]);
    expect(list.data[1]).toMatchObject({
      object: 'model',
      gatehouse: { kind: 'generic', model: 'm', vision: false, load: 'free' },
    });
    expect(await fixture.openai.models.retrieve('large')).toMatchObject({ id: 'large' });
    expect(await errorOf(fixture.openai.models.retrieve('none'))).toMatchObject({ status: 404 });
  });
});

describe('an error of the OpenAI API', () => {
  test('has the format of OpenAI when the API key is wrong', async () => {
    const fixture = await openOpenAiFixture({ server: { port: 0, apiKeys: ['secret'] } });
    const body = { model: 'large', messages: [user('hello')] };
    const refused = await fixture.post(body, { headers: { authorization: 'Bearer wrong' } });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      error: { code: 'GH_REQUEST_UNAUTHORIZED', type: 'authentication_error', param: null },
    });
    expect((await fixture.openai.chat.completions.create(body)).choices).toHaveLength(1);
  });

  test.each([
    ['what is not JSON', '{', 400, 'GH_REQUEST_NOT_JSON'],
    ['an empty body', '', 400, 'GH_REQUEST_INVALID'],
    ['a body without messages', '{"model":"large"}', 400, 'GH_REQUEST_INVALID'],
    ['an empty list of messages', '{"model":"large","messages":[]}', 400, 'GH_REQUEST_INVALID'],
  ])('has the format of OpenAI for %s', async (_what, body, status, code) => {
    const fixture = await openOpenAiFixture();
    const response = await fixture.post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, type: 'invalid_request_error' } });
  });

  test('has the format of OpenAI for a route that does not exist', async () => {
    const fixture = await openOpenAiFixture();
    const response = await fetch(`${fixture.core.url}/v1/embeddings`, {
      method: 'POST',
      body: '{}',
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'GH_REQUEST_NOT_FOUND' } });
  });
});

describe('the AI SDK', () => {
  test('generates and streams text, with usage', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(says('one two'), says('three four five'));
    const whole = await generateText({ model: fixture.model('large'), prompt: 'hello' });
    expect([whole.text, whole.finishReason]).toEqual(['one two', 'stop']);
    const streamed = streamText({ model: fixture.model('large'), prompt: 'hello' });
    expect(await streamed.text).toBe('three four five');
    expect((await streamed.usage).outputTokens).toBe(3);
  });

  test('sends the schema to the backend and gets an object', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(saysJson({ city: 'Seoul' }));
    const schema = jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
    });
    const { output } = await generateText({
      model: fixture.model('large'),
      prompt: 'where?',
      output: Output.object({ schema }),
    });
    expect(output).toEqual({ city: 'Seoul' });
    expect(fixture.large.requests[0]?.body['response_format']).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { properties: { city: { type: 'string' } } } },
    });
  });

  test.each(['generate', 'stream'] as const)(
    'executes a tool call and sends its result back (%s)',
    async (how) => {
      const fixture = await openOpenAiFixture();
      fixture.large.script(calls(['weather', '{"city":"Seoul"}']), says('It is sunny.'));
      const asked: unknown[] = [];
      const weather = tool({
        inputSchema: jsonSchema<{ city: string }>({
          type: 'object',
          properties: { city: { type: 'string' } },
        }),
        execute: async (input) => {
          asked.push(input);
          return 'sunny';
        },
      });
      const options = {
        model: fixture.model('large'),
        prompt: 'weather?',
        tools: { weather },
        stopWhen: stepCountIs(3),
      };
      const text =
        how === 'generate' ? (await generateText(options)).text : await streamText(options).text;
      expect(text).toBe('It is sunny.');
      expect(asked).toEqual([{ city: 'Seoul' }]);
      expect(fixture.large.requests[1]?.body.messages.at(-1)).toMatchObject({ role: 'tool' });
    },
  );

  test('gets answers of the assistant, generated and streamed', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(direct('안녕하세요!'), direct('또 만났네요'));
    const model = fixture.model('gatehouse');
    expect((await generateText({ model, prompt: '안녕' })).text).toBe('안녕하세요!');
    expect(await streamText({ model, prompt: '안녕하세요' }).text).toBe('또 만났네요');
  });

  test('gets a 503 with the reason when the backend is down', async () => {
    const fixture = await openOpenAiFixture();
    await fixture.large.refuse();
    const call = generateText({ model: fixture.model('large'), prompt: 'hello', maxRetries: 0 });
    await expect(call).rejects.toMatchObject({
      statusCode: 503,
      responseBody: expect.stringContaining('connect_refused'),
    });
  });
});
