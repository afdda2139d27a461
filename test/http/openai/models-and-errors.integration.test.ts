/** The OpenAI API apart from completions: models, API keys, errors. And the AI SDK as a second client. */
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { calls, saysJson, says } from '#test/support/fake-llm-replies';
import { errorOf, openOpenAiFixture, user } from './openai-fixture.ts';

describe('GET /v1/models', () => {
  test('lists the assistant and every backend', async () => {
    const door = await openOpenAiFixture();
    const list = await door.openai.models.list();
    expect(list.data.map(({ id }) => id)).toEqual([
      'gatehouse',
      'small',
      'large',
      'gatehouse-chat',
    ]);
    expect(list.data[1]).toMatchObject({
      object: 'model',
      gatehouse: { kind: 'generic', model: 'm', load: 'free' },
    });
    expect(await door.openai.models.retrieve('large')).toMatchObject({ id: 'large' });
    expect(await errorOf(door.openai.models.retrieve('none'))).toMatchObject({ status: 404 });
  });
});

describe('an error of the OpenAI API', () => {
  test('has the format of OpenAI when the API key is wrong', async () => {
    const door = await openOpenAiFixture({ server: { port: 0, apiKeys: ['secret'] } });
    const body = { model: 'large', messages: [user('hello')] };
    const refused = await door.post(body, { headers: { authorization: 'Bearer wrong' } });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      error: { code: 'GH_REQUEST_UNAUTHORIZED', type: 'authentication_error', param: null },
    });
    expect((await door.openai.chat.completions.create(body)).choices).toHaveLength(1);
  });

  test.each([
    ['what is not JSON', '{', 400, 'GH_REQUEST_NOT_JSON'],
    ['an empty body', '', 400, 'GH_REQUEST_INVALID'],
    ['a body without messages', '{"model":"large"}', 400, 'GH_REQUEST_INVALID'],
    ['an empty list of messages', '{"model":"large","messages":[]}', 400, 'GH_REQUEST_INVALID'],
  ])('has the format of OpenAI for %s', async (_what, body, status, code) => {
    const door = await openOpenAiFixture();
    const response = await door.post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, type: 'invalid_request_error' } });
  });

  test('has the format of OpenAI for a route that does not exist', async () => {
    const door = await openOpenAiFixture();
    const response = await fetch(`${door.core.url}/v1/embeddings`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'GH_REQUEST_NOT_FOUND' } });
  });
});

describe('the AI SDK', () => {
  test('generates and streams text, with usage', async () => {
    const door = await openOpenAiFixture();
    door.large.script(says('one two'), says('three four five'));
    const whole = await generateText({ model: door.model('large'), prompt: 'hello' });
    expect([whole.text, whole.finishReason]).toEqual(['one two', 'stop']);
    const streamed = streamText({ model: door.model('large'), prompt: 'hello' });
    expect(await streamed.text).toBe('three four five');
    expect((await streamed.usage).outputTokens).toBe(3);
  });

  test('sends the schema to the backend and gets an object', async () => {
    const door = await openOpenAiFixture();
    door.large.script(saysJson({ city: 'Seoul' }));
    const schema = jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
    });
    const { output } = await generateText({
      model: door.model('large'),
      prompt: 'where?',
      output: Output.object({ schema }),
    });
    expect(output).toEqual({ city: 'Seoul' });
    expect(door.large.requests[0]?.body['response_format']).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { properties: { city: { type: 'string' } } } },
    });
  });

  test.each(['generate', 'stream'] as const)('executes a tool call and sends its result back (%s)', async (how) => {
    const door = await openOpenAiFixture();
    door.large.script(calls(['weather', '{"city":"Seoul"}']), says('It is sunny.'));
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
      model: door.model('large'),
      prompt: 'weather?',
      tools: { weather },
      stopWhen: stepCountIs(3),
    };
    const text =
      how === 'generate' ? (await generateText(options)).text : await streamText(options).text;
    expect(text).toBe('It is sunny.');
    expect(asked).toEqual([{ city: 'Seoul' }]);
    expect(door.large.requests[1]?.body.messages.at(-1)).toMatchObject({ role: 'tool' });
  });

  test('gets answers of the assistant, generated and streamed', async () => {
    const door = await openOpenAiFixture();
    door.small.script(direct('안녕하세요!'), direct('또 만났네요'));
    const model = door.model('gatehouse');
    expect((await generateText({ model, prompt: '안녕' })).text).toBe('안녕하세요!');
    expect(await streamText({ model, prompt: '안녕하세요' }).text).toBe('또 만났네요');
  });

  test('gets a 503 with the reason when the backend is down', async () => {
    const door = await openOpenAiFixture();
    await door.large.refuse();
    const call = generateText({ model: door.model('large'), prompt: 'hello', maxRetries: 0 });
    await expect(call).rejects.toMatchObject({
      statusCode: 503,
      responseBody: expect.stringContaining('connect_refused'),
    });
  });
});
