/** The official client of Ollama, and requests as Home Assistant and other programs send them, against a real core. */
import { createServer } from 'node:http';
import { Ollama } from 'ollama';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cliApiKey } from '#shared/api-keys';
import { direct, openCore, routed, type ConfigInput, type CoreFixture } from '#test/support/core';
import { calls, fails, says, saysJson, stallsAfter, stalls } from '#test/support/fake-llm-replies';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';

interface OllamaFixture extends CoreFixture {
  ollama: Ollama;
  post(path: string, body: unknown): Promise<Response>;
}

async function open(change: ConfigInput = {}): Promise<OllamaFixture> {
  const fixture = await openCore(change);
  onTestFinished(() => fixture.close());
  const key = cliApiKey(fixture.config.server.apiKeys);
  const headers: Record<string, string> =
    key === null || key === undefined ? {} : { authorization: `Bearer ${key}` };
  return Object.assign(fixture, {
    ollama: new Ollama({ host: fixture.core.url, headers }),
    post: (path: string, body: unknown) =>
      fetch(`${fixture.core.url}/api/${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      }),
  });
}

const user = (content: string) => ({ role: 'user', content });

const linesOf = async (response: Response): Promise<Record<string, unknown>[]> =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the client of Ollama', () => {
  test('chats with the assistant: the message is a job, its answer is streamed', async () => {
    const fixture = await open();
    fixture.small.script(routed);
    fixture.large.script(says('The moon pulls the sea'));
    const stream = await fixture.ollama.chat({
      model: 'gatehouse',
      messages: [user('why is there a tide')],
      stream: true,
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ message }) => message.content).join('')).toBe('The moon pulls the sea');
    expect(chunks.length).toBeGreaterThan(4);
    expect(chunks.at(-1)).toMatchObject({ done: true, done_reason: 'stop', model: 'gatehouse' });
    const { gatehouse } = chunks.at(-1) as unknown as { gatehouse: { job_id: string } };
    expect(await fixture.client.job(gatehouse.job_id)).toMatchObject({ state: 'done' });
  });

  test('chats with one model server, with its options and its count of tokens', async () => {
    const fixture = await open();
    fixture.large.script(says('Hello there'));
    const answer = await fixture.ollama.chat({
      model: 'large:latest',
      messages: [{ role: 'system', content: 'Be brief' }, user('hello')],
      options: { temperature: 0.2, num_predict: 50, num_ctx: 4096 },
      keep_alive: '10m',
    });
    expect(answer.message).toEqual({ role: 'assistant', content: 'Hello there' });
    expect(answer).toMatchObject({ eval_count: 2, prompt_eval_count: 7, model: 'large:latest' });
    expect(answer.total_duration).toBeGreaterThan(0);
    expect(fixture.large.requests[0]!.body).toMatchObject({ temperature: 0.2, max_tokens: 50 });
    expect(fixture.large.requests[0]!.body.messages).toHaveLength(2);
  });

  test('uses tools over two turns', async () => {
    const fixture = await open();
    fixture.large.script(calls(['weather', '{"city":"Busan"}']), says('It rains in Busan'));
    const tools = [
      {
        type: 'function',
        function: {
          name: 'weather',
          description: 'The weather of a city',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
        },
      },
    ];
    const messages = [user('how is the weather in Busan?')];
    const first = await fixture.ollama.chat({ model: 'large', messages, tools });
    expect(first.message.tool_calls).toMatchObject([
      { function: { name: 'weather', arguments: { city: 'Busan' } } },
    ]);
    const second = await fixture.ollama.chat({
      model: 'large',
      messages: [
        ...messages,
        first.message,
        { role: 'tool', tool_name: 'weather', content: 'rain' },
      ],
      tools,
    });
    expect(second.message.content).toBe('It rains in Busan');
    const [, asked, result] = fixture.large.requests[1]!.body.messages;
    expect(asked!.tool_calls![0]!.function).toEqual({
      name: 'weather',
      arguments: '{"city":"Busan"}',
    });
    expect(result).toMatchObject({ role: 'tool', tool_call_id: asked!.tool_calls![0]!.id });
  });

  test('gets JSON of a schema', async () => {
    const fixture = await open();
    fixture.large.script(saysJson({ city: 'Busan' }));
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    const answer = await fixture.ollama.chat({
      model: 'large',
      messages: [user('which city?')],
      format: schema,
    });
    expect(JSON.parse(answer.message.content)).toEqual({ city: 'Busan' });
    expect(JSON.stringify(fixture.large.requests[0]!.body['response_format'])).toContain('city');
  });

  test('generates from a prompt', async () => {
    const fixture = await open();
    fixture.large.script(says('Once upon a time'));
    const stream = await fixture.ollama.generate({
      model: 'large',
      prompt: 'tell a story',
      system: 'You tell stories',
      stream: true,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.response;
    expect(text).toBe('Once upon a time');
    expect(fixture.large.requests[0]!.body.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
    ]);
  });

  test('lists the models, shows one, and cannot pull', async () => {
    const { ollama } = await open();
    const { models } = await ollama.list();
    expect(models.map(({ name }) => name)).toEqual([
      'gatehouse',
      'small',
      'large',
      'gatehouse-chat',
    ]);
    expect(await ollama.show({ model: 'gatehouse:latest' })).toMatchObject({
      capabilities: ['completion', 'tools'],
    });
    expect((await ollama.ps()).models.map(({ name }) => name)).toEqual(['small', 'large']);
    await expect(ollama.pull({ model: 'llama3.2' })).rejects.toThrow(/belong to the model servers/);
    await expect(ollama.show({ model: 'llama3.2' })).rejects.toMatchObject({ status_code: 404 });
  });

  test('gets the vectors of the configured embeddings server, and 404 for others', async () => {
    const asked: string[][] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (data) => (body += String(data)));
      request.on('end', () => {
        const { input } = JSON.parse(body) as { input: string[] };
        asked.push(input);
        const data = input.map((text, index) => ({ index, embedding: [text.length, 0.5] }));
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ data }));
      });
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${port}/v1`;
    const { ollama } = await open({ search: { embeddings: { baseUrl, model: 'bge', batch: 2 } } });
    const { embeddings } = await ollama.embed({ model: 'bge', input: ['a', 'bb', 'ccc'] });
    expect(embeddings).toEqual([
      [1, 0.5],
      [2, 0.5],
      [3, 0.5],
    ]);
    expect(asked).toEqual([['a', 'bb'], ['ccc']]);
    expect((await ollama.embeddings({ model: 'bge', prompt: 'four' })).embedding).toEqual([4, 0.5]);
    await expect(ollama.embed({ model: 'other', input: 'a' })).rejects.toMatchObject({
      status_code: 404,
    });
  });
});

describe('a request in the form of other programs', () => {
  test('of Home Assistant: tools of the home with every message; the assistant answers with its own', async () => {
    const fixture = await open();
    fixture.small.script(direct('The lamp is not mine to switch'));
    const response = await fixture.post('chat', {
      model: 'gatehouse',
      messages: [
        { role: 'system', content: 'You are a voice assistant for Home Assistant.' },
        user('turn on the lamp'),
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'HassTurnOn', description: '', parameters: { type: 'object' } },
        },
      ],
      stream: true,
      keep_alive: '-1s',
      options: { num_ctx: 8192 },
      think: false,
    });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = await linesOf(response);
    expect(lines.at(-1)).toMatchObject({
      done: true,
      gatehouse: { ignored: expect.arrayContaining(['tools']) },
    });
    expect(lines.map(({ message }) => (message as { content: string }).content).join('')).toBe(
      'The lamp is not mine to switch',
    );
  });

  test('that only loads a model is answered at once', async () => {
    const { post, large } = await open();
    for (const path of ['chat', 'generate']) {
      const response = await post(path, { model: 'large', keep_alive: 0 });
      expect(await response.json()).toMatchObject({ done: true, done_reason: 'load' });
    }
    expect((await post('chat', { model: 'nobody' })).status).toBe(404);
    expect(large.requests).toHaveLength(0);
  });

  test('that is disconnected frees the gate, and cancels its job', async () => {
    const fixture = await open();
    fixture.large.script(stallsAfter('The moon'), says('next'));
    const controller = new AbortController();
    const response = await fetch(`${fixture.core.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify({ model: 'large', messages: [user('why?')] }),
      signal: controller.signal,
    });
    await response.body!.getReader().read();
    controller.abort();
    expect((await (await fixture.large.arrived(1)).closed).closedBy).toBe('client');
    expect(
      await (
        await fixture.post('chat', { model: 'large', messages: [user('now?')], stream: false })
      ).json(),
    ).toMatchObject({
      message: { content: 'next' },
    });
    fixture.small.script(stalls());
    const leaving = new AbortController();
    const asked = fetch(`${fixture.core.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify({ model: 'gatehouse', messages: [user('what is a tide')] }),
      signal: leaving.signal,
    }).catch(() => null);
    await fixture.small.arrived(1);
    leaving.abort();
    await asked;
    await until(async () =>
      (await fixture.client.jobs({})).jobs.every(({ state }) => state === 'cancelled'),
    );
  });

  test('that fails has the status of the failure, or an error line once the stream has begun', async () => {
    const { post, large } = await open();
    large.script(fails(500), stallsAfter(''));
    const failed = await post('chat', { model: 'large', messages: [user('why?')] });
    expect(failed.status).toBe(503);
    expect(await failed.json()).toMatchObject({ code: 'GH_BACKEND_UNAVAILABLE' });
    expect((await post('chat', { model: 'other', messages: [user('why?')] })).status).toBe(404);
    expect((await post('chat', { messages: [user('why?')] })).status).toBe(400);
    const unknown = await post('unknown', {});
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({
      error: expect.any(String),
      code: 'GH_REQUEST_NOT_FOUND',
    });
    expect(await (await post('chat', ['x'])).json()).toMatchObject({ code: 'GH_REQUEST_INVALID' });
  });
});

test('A key of a user acts for this user only', async () => {
  const keys = [{ key: 'key-of-ann-0123456789', user: 'ann' }, 'operator-key-0123456789'];
  const fixture = await open({ server: { port: 0, apiKeys: keys } });
  const ask = (key: string | null, body: object) =>
    fetch(`${fixture.core.url}/api/chat`, {
      method: 'POST',
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      body: JSON.stringify({
        model: 'gatehouse',
        messages: [user('hello')],
        stream: false,
        ...body,
      }),
    });
  expect((await ask(null, {})).status).toBe(401);
  expect((await ask('wrong', {})).status).toBe(401);
  expect(
    (await ask(keys[0] === undefined ? '' : 'key-of-ann-0123456789', { user_id: 'bob' })).status,
  ).toBe(403);
  fixture.small.script(direct('Hello Ann'));
  const answer = (await (await ask('key-of-ann-0123456789', {})).json()) as {
    gatehouse: { job_id: string };
  };
  expect(await fixture.client.job(answer.gatehouse.job_id)).toMatchObject({ user_id: 'ann' });
});

test('A second port serves the same, and answers the root as Ollama does', async () => {
  const ollamaPort = await freePort();
  const fixture = await open({ server: { port: 0, ollamaPort } });
  const root = await fetch(`http://127.0.0.1:${ollamaPort}/`);
  expect(await root.text()).toBe('Ollama is running');
  fixture.large.script(says('Hello'));
  const ollama = new Ollama({ host: `http://127.0.0.1:${ollamaPort}` });
  const answer = await ollama.chat({ model: 'large', messages: [user('hello')] });
  expect(answer.message.content).toBe('Hello');
  fixture.small.script(stalls());
  const asked = fetch(`http://127.0.0.1:${ollamaPort}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gatehouse', messages: [user('what is a tide')] }),
  }).catch(() => null);
  await fixture.small.arrived(1);
  const [job] = (await fixture.client.jobs({})).jobs;
  await fixture.restart();
  await asked;
  expect((await fixture.client.job(job!.job_id)).state).not.toBe('cancelled');
});
