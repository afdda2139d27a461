/** The message formats that clients send, and whole conversations with tools. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import type OpenAI from 'openai';
import { beforeEach, describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { calls, says } from '#test/support/fake-llm-replies';
import {
  aboutOf,
  assistant,
  collect,
  openOpenAiFixture,
  user,
  type OpenAiFixture,
} from './openai-fixture.ts';

let fixture: OpenAiFixture;
beforeEach(async () => {
  fixture = await openOpenAiFixture();
});

const call = (args: unknown = '{"city":"서울"}') => ({
  id: 'c1',
  type: 'function',
  function: { name: 'get_weather', arguments: args },
});
const result = { role: 'tool', tool_call_id: 'c1', content: '맑음' };
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

const sent = (): Record<string, unknown> => fixture.large.requests[0]!.body;

describe('POST /v1/chat/completions', () => {
  const folder = join(import.meta.dirname, 'cases');
  /** Case file → check of the response. */
  const right: Record<string, (response: Response) => Promise<void>> = {
    '17-assistant-without-content.json': async ({ status }) => {
      expect(status).toBe(200);
      expect(sent()['messages']).toMatchObject([{}, { content: '', tool_calls: [call()] }, result]);
    },
    '18-max-tokens-minus-1.json': async ({ status }) => {
      expect(status).toBe(200);
      expect(sent()).not.toHaveProperty('max_tokens');
    },
    '19-functions-legacy.json': async (response) => {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: 'functions' } });
    },
    '19-json-object-with-schema.json': async ({ status }) => {
      expect(status).toBe(200);
      const schema = { required: ['team_name'] };
      expect(sent()['response_format']).toMatchObject({ json_schema: { schema } });
    },
    '19-picture-in-an-earlier-message.json': async (response) => {
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ choices: [{ message: { content: '네' } }] });
    },
  };

  test.each(readdirSync(folder))(
    'answers a request of this form as its case file says: %s',
    async (name) => {
      const { request } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        request: { model: string };
      };
      const model = request.model === 'BACKEND' ? 'large' : request.model;
      fixture.small.script(direct('네'));
      await right[name]!(await fixture.post({ ...request, model }));
    },
  );
});

describe('a message to a backend', () => {
  test.each<[string, unknown, unknown]>([
    ['a call and no content', { role: 'assistant', tool_calls: [call()] }, { content: '' }],
    [
      'a call and null',
      { role: 'assistant', content: null, tool_calls: [call()] },
      { content: '' },
    ],
    [
      'a call and no text',
      { role: 'assistant', content: '', tool_calls: [call()] },
      { content: '' },
    ],
    [
      'a call and an empty list of parts',
      { role: 'assistant', content: [], tool_calls: [call()] },
      { content: '' },
    ],
    [
      'a call without its type',
      { role: 'assistant', tool_calls: [{ ...call(), type: undefined }] },
      { tool_calls: [call()] },
    ],
    [
      'a call with its place in the stream',
      { role: 'assistant', tool_calls: [{ index: 0, ...call() }] },
      { tool_calls: [call()] },
    ],
    [
      'arguments that are an object',
      { role: 'assistant', tool_calls: [call({ city: '서울' })] },
      { tool_calls: [call()] },
    ],
    ['no arguments', { role: 'assistant', tool_calls: [call('')] }, { tool_calls: [call('{}')] }],
    ['no calls', { ...assistant('네'), tool_calls: [] }, assistant('네')],
    ['null calls', { ...assistant('네'), tool_calls: null, function_call: null }, assistant('네')],
    ['a name', { ...user('네'), name: 'ann' }, { name: 'ann' }],
    ['a refusal', { role: 'assistant', content: null, refusal: '못 해요' }, { content: '못 해요' }],
    [
      'a refusal as a part',
      { role: 'assistant', content: [{ type: 'refusal', refusal: '못 해요' }] },
      { content: '못 해요' },
    ],
    [
      'parts of the newer interface',
      { role: 'user', content: [{ type: 'input_text', text: '안' }, '녕'] },
      { content: '안\n녕' },
    ],
    [
      'a result in parts',
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: '맑음' }] },
      result,
    ],
    ['a result without content', { role: 'tool', tool_call_id: 'c1' }, { content: '' }],
    ['the role developer', { role: 'developer', content: '짧게' }, { role: 'system' }],
    ['a field of its server', { ...assistant('네'), prefix: true }, { prefix: true }],
  ])('with %s is sent to the backend', async (_, message, expected) => {
    const response = await fixture.post({ model: 'large', messages: [message, user('응?')] });
    expect(response.status, await response.clone().text()).toBe(200);
    expect((sent()['messages'] as unknown[])[0]).toMatchObject(expected as object);
  });

  test('with reasoning_content is sent without this field, and the answer lists it as ignored', async () => {
    const message = { ...assistant('네'), reasoning_content: '음', refusal: null };
    const response = await fixture.post({ model: 'large', messages: [message, user('응?')] });
    expect(aboutOf((await response.json()) as object)['ignored']).toEqual([
      'messages.reasoning_content',
    ]);
    expect(sent()['messages']).toEqual([assistant('네'), user('응?')]);
  });

  test.each<[string, unknown, string]>([
    ['an unknown role', { role: 'bot', content: 'x' }, 'messages.0.role'],
    ['the role function', { role: 'function', name: 'f', content: 'x' }, 'messages.0.role'],
    ['no role', { content: 'x' }, 'messages.0.role'],
    ['nothing of a user', { role: 'user' }, 'messages.0.content'],
    ['a number for content', { role: 'user', content: 7 }, 'messages.0.content'],
    ['a picture', { role: 'assistant', content: ['x', picture] }, 'messages.0.content.1'],
    [
      'sound',
      { role: 'user', content: [{ type: 'input_audio', input_audio: {} }] },
      'messages.0.content.0',
    ],
    ['a file', { role: 'user', content: [{ type: 'file', file: {} }] }, 'messages.0.content.0'],
    [
      'an old call',
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      'messages.0.function_call',
    ],
    [
      'a call that is none',
      { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f' } }] },
      'messages.0.tool_calls.0.type',
    ],
    [
      'a call without its id',
      { role: 'assistant', tool_calls: [{ ...call(), id: undefined }] },
      'messages.0.tool_calls.0.id',
    ],
  ])(
    'with %s is refused, and the error names the position of the fault',
    async (_, message, param) => {
      const response = await fixture.post({ model: 'large', messages: [message] });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param, code: 'GH_REQUEST_INVALID' } });
      expect(fixture.large.requests).toEqual([]);
    },
  );
});

describe('a message to the assistant', () => {
  const model = 'gatehouse';

  test.each<[string, unknown[]]>([
    ['a picture alone', [{ role: 'user', content: [picture] }, assistant('고양이')]],
    ['sound', [{ role: 'user', content: [{ type: 'input_audio' }] }, assistant('네')]],
    [
      'calls of another model',
      [user('날씨?'), { role: 'assistant', tool_calls: [call()] }, result],
    ],
    ['an old call', [{ role: 'function', name: 'f', content: '1' }]],
    ['a part that is nothing', [{ role: 'user', content: [null, 7] }, { role: 'assistant' }]],
    ['no content at all', [{ role: 'user' }, { role: 'system' }]],
  ])('is answered although an earlier message has %s', async (_, earlier) => {
    fixture.small.script(direct('천만에요'));
    const response = await fixture.post({ model, messages: [...earlier, user('고마워')] });
    expect(response.status, await response.clone().text()).toBe(200);
  });

  test('with a picture is refused, and the error names the position of the picture', async () => {
    const content = [{ type: 'text', text: '이 사진 뭐야' }, picture];
    const response = await fixture.post({
      model,
      messages: [user('안녕'), { role: 'user', content }],
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'messages.1.content.1' } });
  });

  test('belongs to another conversation when the first message of the chat has another picture', async () => {
    const channels: unknown[] = [];
    for (const url of ['data:image/png;base64,AAAA', 'data:image/png;base64,BBBB', 'same']) {
      const picked = url === 'same' ? 'data:image/png;base64,BBBB' : url;
      const first = { role: 'user', content: [{ type: 'image_url', image_url: { url: picked } }] };
      fixture.small.script(direct('네'));
      const response = await fixture.post({
        model,
        messages: [first, assistant('?'), user(`안녕 ${url}`)],
      });
      const { job_id: jobId } = aboutOf((await response.json()) as object);
      channels.push(((await fixture.client.job(String(jobId))) as { channel: string }).channel);
    }
    expect(new Set(channels).size).toBe(2);
    expect(channels[1]).toBe(channels[2]);
  });

  test('that asks for usage gets no chunk without choices, because no tokens are counted', async () => {
    fixture.small.script(direct('네'));
    const stream_options = { include_usage: true };
    const body = { model, messages: [user('안녕')], stream: true, stream_options };
    const text = await (await fixture.post(body)).text();
    const chunks = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json!));
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true);
    expect(text).toContain('data: [DONE]');
  });
});

describe('the tools of a request', () => {
  const messages = [user('날씨?')];
  const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
  const named = { type: 'function', function: { name: 'a' } };

  test.each<[string, unknown, unknown, number]>([
    ['none', 'none', 'none', 2],
    ['required', 'required', 'required', 2],
    ['any', 'any', 'required', 2],
    ['a word in an object', { type: 'auto' }, 'auto', 2],
    ['a function', named, named, 2],
    ['a function by its name alone', { type: 'function', name: 'a' }, named, 2],
    [
      'some of them',
      { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named] } },
      'required',
      1,
    ],
  ])(
    'are sent to the backend with the tool_choice of the client: %s',
    async (_, choice, expected, count) => {
      const response = await fixture.post({ model: 'large', messages, tools, tool_choice: choice });
      expect(response.status).toBe(200);
      expect(sent()['tool_choice']).toEqual(expected);
      expect(sent()['tools']).toHaveLength(count);
    },
  );

  test.each<[string, unknown]>([
    ['a name that is not there', { type: 'function', function: { name: 'z' } }],
    ['another word', 'sometimes'],
    ['a tool of another kind', { type: 'web_search' }],
    ['a number', 7],
    ['no name', { type: 'function' }],
  ])('are refused with param tool_choice when the tool_choice is %s', async (_, choice) => {
    const response = await fixture.post({ model: 'large', messages, tools, tool_choice: choice });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'tool_choice' } });
  });

  test('are sent to the backend with parallel_tool_calls as the client sets it', async () => {
    await fixture.post({ model: 'large', messages, tools, parallel_tool_calls: false });
    expect(sent()['parallel_tool_calls']).toBe(false);
  });
});

describe('a conversation with tools', () => {
  const weather = { type: 'object', properties: { city: { type: 'string' } } };

  test.each([false, true])(
    'continues over three turns with the openai client (stream: %s)',
    async (stream) => {
      fixture.large.script(
        calls(['get_weather', '{"city":"서울"}']),
        calls(['get_weather', '{"city":"부산"}'], ['get_weather', '{"city":"대구"}']),
        says('모두 맑습니다'),
      );
      const messages: OpenAI.ChatCompletionMessageParam[] = [user('날씨?')];
      const tools = [
        { type: 'function' as const, function: { name: 'get_weather', parameters: weather } },
      ];
      for (let turn = 1; turn <= 3; turn += 1) {
        const message = stream
          ? await fixture.openai.chat.completions
              .stream({ model: 'large', messages, tools })
              .finalMessage()
          : (await fixture.openai.chat.completions.create({ model: 'large', messages, tools }))
              .choices[0]!.message;
        // Some clients repeat the message without `content` where it is null.
        const { content, ...rest } = message;
        messages.push(content === null ? { ...rest } : message);
        for (const { id } of message.tool_calls ?? []) {
          messages.push({
            role: 'tool',
            tool_call_id: id,
            content: [{ type: 'text', text: '맑음' }],
          });
        }
      }
      expect(messages.at(-1)).toMatchObject({ role: 'assistant', content: '모두 맑습니다' });
      const last = fixture.large.requests[2]!.body.messages;
      expect(last.map(({ role }) => role)).toEqual([
        'user',
        'assistant',
        'tool',
        'assistant',
        'tool',
        'tool',
      ]);
      expect(JSON.stringify(last)).not.toContain('null');
    },
  );

  test.each(['generate', 'stream'] as const)(
    'continues over three turns with the AI SDK (%s)',
    async (how) => {
      fixture.large.script(
        calls(['weather', '{"city":"서울"}']),
        calls(['weather', '{"city":"부산"}']),
        says('모두 맑습니다'),
      );
      const asked: string[] = [];
      const options = {
        model: fixture.model('large'),
        prompt: '날씨?',
        stopWhen: stepCountIs(5),
        tools: {
          weather: tool({
            inputSchema: jsonSchema<{ city: string }>(weather as object),
            execute: async ({ city }) => {
              asked.push(city);
              return { sky: '맑음' };
            },
          }),
        },
      };
      const text =
        how === 'generate' ? (await generateText(options)).text : await streamText(options).text;
      expect(text).toBe('모두 맑습니다');
      expect(asked).toEqual(['서울', '부산']);
      expect(fixture.large.requests).toHaveLength(3);
    },
  );

  test('has no streamed chunk without choices if the model server reports no usage that the client asks for', async () => {
    fixture.large.script(calls(['get_weather', '{}']));
    const chunks = await collect(
      await fixture.openai.chat.completions.create({
        model: 'large',
        messages: [user('날씨?')],
        tools: [{ type: 'function', function: { name: 'get_weather', parameters: weather } }],
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.chunks.length).toBeGreaterThan(1);
    expect(chunks.chunks.filter(({ choices }) => choices.length === 0)).toEqual([]);
  });
});
