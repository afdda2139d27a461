/** `model: "<backend id>"`: one backend through its gate, in OpenAI's format, tested with the openai client. */
import { describe, expect, test } from 'vitest';
import {
  calls,
  breaksAfter,
  fails,
  says,
  stalls,
  stallsAfter,
} from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { aboutOf, collect, errorOf, openOpenAiFixture, user } from './openai-fixture.ts';

const model = 'large';
const messages = [user('hello')];

describe('a completion of a backend', () => {
  test('returns the whole answer with finish_reason and usage', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(says('the whole answer'));
    const answer = await fixture.openai.chat.completions.create({ model, messages });
    expect(answer).toMatchObject({ object: 'chat.completion', model });
    expect(answer.choices).toEqual([
      {
        index: 0,
        finish_reason: 'stop',
        logprobs: null,
        message: { role: 'assistant', content: 'the whole answer', refusal: null },
      },
    ]);
    expect(answer.usage).toEqual({ prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
    expect(aboutOf(answer)).toMatchObject({ backend: 'large', queue_ms: expect.any(Number) });
    expect(fixture.small.requests).toEqual([]);
  });

  test('is streamed, and ends with the usage only if the request asks for it', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(says('one two three'), says('four'));
    const stream = await fixture.openai.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const { chunks, text, finishReason } = await collect(stream);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect([text, finishReason]).toEqual(['one two three', 'stop']);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } });
    const plain = await fixture.openai.chat.completions.create({ model, messages, stream: true });
    expect((await collect(plain)).chunks.every(({ choices }) => choices.length === 1)).toBe(true);
  });

  test('sends the given request fields to the backend, and no others', async () => {
    const fixture = await openOpenAiFixture();
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    await fixture.openai.chat.completions.create({
      model,
      messages: [{ role: 'developer', content: [{ type: 'text', text: 'be brief' }] }, ...messages],
      max_completion_tokens: 77,
      temperature: 0.1,
      top_p: 0.5,
      stop: ['END'],
      seed: 7,
      presence_penalty: null,
      response_format: { type: 'json_schema', json_schema: { name: 'thing', schema } },
    });
    const { body } = fixture.large.requests[0]!;
    expect(body).toMatchObject({
      model: 'm',
      messages: [{ role: 'system', content: 'be brief' }, user('hello')],
      max_tokens: 77,
      temperature: 0.1,
      top_p: 0.5,
      stop: ['END'],
      seed: 7,
      response_format: { type: 'json_schema', json_schema: { name: 'thing', schema } },
    });
    expect(body).not.toHaveProperty('presence_penalty');
    expect(body).not.toHaveProperty('user');
  });

  test('sends the tools to the backend and returns its tool calls, whole and streamed', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(calls(['search', '{"query":"x"}']), calls(['search', '{"query":"x"}']));
    const parameters = { type: 'object', properties: { query: { type: 'string' } } };
    const request = {
      model,
      messages,
      tools: [{ type: 'function' as const, function: { name: 'search', parameters } }],
      tool_choice: { type: 'function' as const, function: { name: 'search' } },
    };
    const whole = await fixture.openai.chat.completions.create(request);
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { type: 'function', function: { name: 'search', arguments: '{"query":"x"}' } },
        ],
      },
    });
    expect(fixture.large.requests[0]?.body['tool_choice']).toEqual(request.tool_choice);
    expect(fixture.large.requests[0]?.body['tools']).toMatchObject([{ function: { parameters } }]);

    const stream = await fixture.openai.chat.completions.create({ ...request, stream: true });
    const { chunks, finishReason } = await collect(stream);
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(deltas).toMatchObject([{ index: 0, function: { arguments: '{"query":"x"}' } }]);
    expect(finishReason).toBe('tool_calls');
  });

  test('sends earlier tool calls and their results to the backend', async () => {
    const fixture = await openOpenAiFixture();
    const call = { id: 'c1', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    await fixture.openai.chat.completions.create({
      model,
      messages: [
        ...messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'found' },
      ],
    });
    expect(fixture.large.requests[0]?.body.messages).toEqual([
      user('hello'),
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', content: 'found', tool_call_id: 'c1' },
    ]);
  });

  test('with a picture in a message that is none is refused by its position', async () => {
    const fixture = await openOpenAiFixture();
    const content = [
      { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA' } },
    ];
    const error = await errorOf(
      fixture.openai.chat.completions.create({ model, messages: [{ role: 'user', content }] }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_PICTURE_REFUSED' });
    expect(error.message).toContain('messages.0.content.0');
  });
});

describe('P9: a request that names a backend', () => {
  test('is refused with 400 and the list of known backends when the backend is unknown', async () => {
    const fixture = await openOpenAiFixture();
    const error = await errorOf(
      fixture.openai.chat.completions.create({ model: 'gpt-4o', messages }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_BACKEND_UNKNOWN' });
    expect(error.message).toContain('small, large');
  });

  test.each([true, false])(
    'is answered with 503 and the reason when the backend is down (stream: %s)',
    async (stream) => {
      const fixture = await openOpenAiFixture();
      await fixture.large.refuse();
      const error = await errorOf(
        fixture.openai.chat.completions.create({ model, messages, stream }),
      );
      expect(error).toMatchObject({ status: 503, code: 'GH_BACKEND_UNAVAILABLE' });
      expect(error.error).toMatchObject({ error_reason: 'connect_refused', type: 'server_error' });
      expect(fixture.small.requests).toEqual([]);
    },
  );

  test('is answered with 400 when the backend refuses the request, and with 502 when it refuses the API key', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(fails(400), fails(401));
    const [first, second] = [
      await errorOf(fixture.openai.chat.completions.create({ model, messages })),
      await errorOf(fixture.openai.chat.completions.create({ model, messages })),
    ];
    expect(first).toMatchObject({ status: 400, code: 'GH_BACKEND_INPUT' });
    expect(second).toMatchObject({ status: 502, code: 'GH_BACKEND_REFUSED' });
    expect(second.error).toMatchObject({ error_reason: 'http_4xx' });
  });

  test('has its stream ended with an error and without [DONE] when the backend fails in the middle of its answer', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(breaksAfter('half'), breaksAfter('half'));
    const stream = await fixture.openai.chat.completions.create({ model, messages, stream: true });
    const error = await errorOf(collect(stream));
    expect(error.error).toMatchObject({
      code: 'GH_BACKEND_UNAVAILABLE',
      error_reason: 'upstream_stream_error',
    });
    const raw = await (await fixture.post({ model, messages, stream: true })).text();
    expect(raw).toContain('half');
    expect(raw).not.toContain('[DONE]');
    expect(raw).not.toContain('"finish_reason":"stop"');
  });

  test('is answered with 429 and retry-after when the queue of the backend is full', async () => {
    const fixture = await openOpenAiFixture({ gates: { maxQueue: 1 } });
    fixture.large.script(says('x'), stalls());
    await fixture.openai.chat.completions.create({ model, messages });
    const leaving = new AbortController();
    const { signal } = leaving;
    const holder = fixture.post({ model, messages }, { signal }).catch(() => null);
    await fixture.large.arrived(2);
    const waiter = fixture.post({ model, messages }, { signal }).catch(() => null);
    const gate = fixture.core.pool.find('large')!.gate;
    await until(() => gate.view().waiting.length === 1);
    const refused = await fixture.post({ model, messages });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(0);
    expect(await refused.json()).toMatchObject({
      error: { code: 'GH_BACKEND_BUSY', error_reason: 'queue_full', type: 'rate_limit_error' },
    });
    leaving.abort();
    await Promise.all([holder, waiter]);
  });
});

describe('request priority', () => {
  test('a background request is preempted by a foreground request and still returns its whole answer once', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(stallsAfter('half of the'), says('for the person'), says('the draft'));
    const headers = { 'x-gatehouse-priority': 'background' };
    const background = fixture.openai.chat.completions
      .create({ model, messages: [user('draft')], stream: true }, { headers })
      .then(collect);
    await fixture.large.arrived(1);
    const person = await fixture.openai.chat.completions.create({ model, messages });
    expect(person.choices[0]?.message.content).toBe('for the person');
    expect((await background).text).toBe('the draft');
    expect(fixture.large.requests[0]?.closedBy).toBe('client');
    expect(fixture.large.overlapMax).toBe(1);
    expect(fixture.core.pool.find('large')!.gate.view().counters.preemptions).toBe(1);
  });

  test('a foreground request waits for another foreground request and does not preempt it', async () => {
    const fixture = await openOpenAiFixture();
    const { promise: barrier, resolve } = Promise.withResolvers<void>();
    fixture.large.script(async (exchange) => {
      await barrier;
      await says('first')(exchange);
    });
    const first = fixture.openai.chat.completions.create({ model, messages });
    await fixture.large.arrived(1);
    const second = fixture.openai.chat.completions.create({ model, messages });
    const gate = fixture.core.pool.find('large')!.gate;
    await until(() => gate.view().waiting.length === 1);
    expect(gate.view().waiting[0]).toMatchObject({ kind: 'direct', priority: 'foreground' });
    resolve();
    expect((await first).choices[0]?.message.content).toBe('first');
    expect((await second).choices[0]?.message.content).toBe('answer');
    expect(fixture.large.overlapMax).toBe(1);
  });

  test('an unknown priority is refused', async () => {
    const fixture = await openOpenAiFixture();
    const headers = { 'x-gatehouse-priority': 'urgent' };
    const error = await errorOf(
      fixture.openai.chat.completions.create({ model, messages }, { headers }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_REQUEST_INVALID' });
  });
});

describe('a client that closes its connection', () => {
  test.each([true, false])('frees the gate for the next request (stream: %s)', async (stream) => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(stallsAfter('half'));
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = fixture.openai.chat.completions
      .create({ model, messages, stream }, { signal })
      .then(async (answer) => ('controller' in answer ? collect(answer) : answer))
      .catch((error: unknown) => error);
    const request = await fixture.large.arrived(1);
    leaving.abort();
    expect((await request.closed).closedBy).toBe('client');
    await left;
    const next = await fixture.openai.chat.completions.create({ model, messages });
    expect(next.choices[0]?.message.content).toBe('answer');
    expect(fixture.large.overlapMax).toBe(1);
  });

  test('while its request waits is removed from the queue', async () => {
    const fixture = await openOpenAiFixture();
    fixture.large.script(stalls());
    const leaving = new AbortController();
    const holding = new AbortController();
    const holder = fixture.post({ model, messages }, { signal: holding.signal }).catch(() => null);
    await fixture.large.arrived(1);
    const waiter = fixture.post({ model, messages }, { signal: leaving.signal }).catch(() => null);
    const { gate } = fixture.core.pool.find('large')!;
    await until(() => gate.view().waiting.length === 1);
    leaving.abort();
    await until(() => gate.view().waiting.length === 0);
    expect(gate.view().running).toHaveLength(1);
    holding.abort();
    await Promise.all([holder, waiter]);
    expect(fixture.large.requests).toHaveLength(1);
  });
});

test('a streamed request that waits in the queue is opened, with its queue position as an SSE comment', async () => {
  const fixture = await openOpenAiFixture();
  const { promise: barrier, resolve } = Promise.withResolvers<void>();
  fixture.large.script(async (exchange) => {
    await barrier;
    await says('first')(exchange);
  });
  const first = fixture.post({ model, messages });
  await fixture.large.arrived(1);
  const second = await fixture.post({ model, messages, stream: true });
  expect(second.status).toBe(200);
  resolve();
  expect(await second.text()).toContain(': waiting, place 1');
  expect((await first).status).toBe(200);
});
