/** `model: "gatehouse"`: a request of an OpenAI client is a whole job. */
import { describe, expect, test } from 'vitest';
import { direct, routed } from '#test/support/core';
import { cutsAfter, says, stallsAfter, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { aboutOf, assistant, collect, errorOf, openOpenAiFixture, user } from './openai-fixture.ts';

const model = 'gatehouse';

describe('a message to the assistant over the OpenAI API', () => {
  test('becomes a job of the named user, and the reply of the job is the answer', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(routed);
    fixture.large.script(says('깊은 생각 끝에 드리는 답'));
    const answer = await fixture.openai.chat.completions.create({
      model,
      messages: [user('양자역학이 뭐야?')],
      user: 'ann',
    });
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: '깊은 생각 끝에 드리는 답' },
    });
    const { job_id: jobId, outcome } = aboutOf(answer);
    expect(outcome).toBe('answered');
    expect(await fixture.client.job(String(jobId))).toMatchObject({
      user_id: 'ann',
      message: '양자역학이 뭐야?',
      state: 'done',
    });
  });

  test('has its answer streamed while the model writes it', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(routed);
    fixture.large.script(says('깊은 생각 끝에 드리는 답'));
    const stream = await fixture.openai.chat.completions.create({
      model,
      messages: [user('양자역학이 뭐야?')],
      stream: true,
    });
    const { chunks, text, finishReason, last } = await collect(stream);
    expect(text).toBe('깊은 생각 끝에 드리는 답');
    expect(finishReason).toBe('stop');
    expect(chunks.length).toBeGreaterThan(4);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(aboutOf(last)).toMatchObject({ outcome: 'answered' });
  });

  test('that the classifier answers itself has its whole answer in the stream', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(direct('안녕하세요!'));
    const stream = await fixture.openai.chat.completions.create({
      model,
      messages: [user('안녕')],
      stream: true,
    });
    expect((await collect(stream)).text).toBe('안녕하세요!');
  });

  test('whose reasoner fails midway gets the new answer after the partial answer, marked with `replaces`', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(routed, says('작은 모델의 답'));
    fixture.large.script(cutsAfter('큰 모델의 반쪽'));
    const stream = await fixture.openai.chat.completions.create({
      model,
      messages: [user('양자역학이 뭐야?')],
      stream: true,
    });
    const { chunks, text } = await collect(stream);
    expect(text).toBe('큰 모델의 반쪽\n\n작은 모델의 답');
    const marked = chunks.filter((chunk) => aboutOf(chunk)['replaces'] === true);
    expect(marked.map((chunk) => chunk.choices[0]?.delta.content)).toEqual(['\n\n작은 ']);
  });

  test('P1: is answered with an error text for the user when every model is down', async () => {
    const fixture = await openOpenAiFixture();
    await fixture.small.refuse();
    await fixture.large.refuse();
    const answer = await fixture.openai.chat.completions.create({
      model,
      messages: [user('안녕')],
    });
    expect(answer.choices[0]?.message.content).toBe('응답을 받지 못했습니다. 다시 시도해주세요.');
    expect(aboutOf(answer)['outcome']).toBe('failed');
  });

  test('is cancelled when its client closes the connection', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽'));
    const stream = await fixture.openai.chat.completions.create({
      model,
      messages: [user('왜 하늘은 파래?')],
      stream: true,
    });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === '반쪽') break;
    expect((await (await fixture.large.arrived(1)).closed).closedBy).toBe('client');
    await until(async () => (await fixture.client.jobs({})).jobs[0]?.state === 'cancelled');
  });

  test('is not cancelled by a restart of the core: its job continues afterwards', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(routed);
    fixture.large.script(stalls(), says('답'));
    const lost = fixture.post({ model, messages: [user('왜 하늘은 파래?')] }).catch(() => 'lost');
    await fixture.large.arrived(1);
    await fixture.restart();
    expect(await lost).toBe('lost');
    await until(async () => (await fixture.client.jobs({})).jobs[0]?.state === 'done');
    expect((await fixture.client.jobs({})).jobs[0]).toMatchObject({ reply: '답' });
  });
});

describe('the conversation of an OpenAI client', () => {
  test('consists of the earlier messages in the request; models get no messages of another conversation', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(direct('반가워요 민수님'), direct('모릅니다'), direct('민수라고 하셨죠'));
    const say = (...messages: { role: 'user' | 'assistant'; content: string }[]) =>
      fixture.openai.chat.completions.create({ model, messages });
    await say(user('나는 민수야'));
    await say(user('나는 누구야?'));
    await say(user('나는 민수야'), assistant('반가워요 민수님'), user('나는 누구야?'));
    const told = fixture.small.requests.map(({ body }) => JSON.stringify(body.messages));
    expect(told[1]).not.toContain('민수');
    expect(told[2]).toContain('반가워요 민수님');
  });

  test('can be set by `metadata.conversation`', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(direct('반가워요'), direct('민수'));
    const metadata = { conversation: 'kitchen' };
    const ask = (content: string) =>
      fixture.openai.chat.completions.create({ model, messages: [user(content)], metadata });
    await ask('나는 민수야');
    await ask('나는 누구야?');
    expect(JSON.stringify(fixture.small.requests[1]?.body.messages)).toContain('나는 민수야');
  });
});

describe('a request to the assistant that a job cannot honour', () => {
  const messages = [user('안녕')];
  const tools = [{ type: 'function' as const, function: { name: 'search', parameters: {} } }];

  test.each([
    ['tools', { messages, tools }],
    ['response_format', { messages, response_format: { type: 'json_object' as const } }],
    ['messages', { messages: [user('안녕'), assistant('네')] }],
    ['n', { messages, n: 2 }],
  ])('is refused with the name of its field: %s', async (field, body) => {
    const fixture = await openOpenAiFixture();
    const error = await errorOf(fixture.openai.chat.completions.create({ model, ...body }));
    expect(error).toMatchObject({ status: 400, code: 'GH_REQUEST_INVALID' });
    expect(error.message).toContain(field);
    expect((await fixture.client.jobs({})).jobs).toEqual([]);
  });

  test('is refused when its message has no text', async () => {
    const fixture = await openOpenAiFixture();
    const error = await errorOf(
      fixture.openai.chat.completions.create({ model, messages: [user('  ')], stream: true }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_REQUEST_EMPTY' });
  });

  test('is refused when it asks for background priority', async () => {
    const fixture = await openOpenAiFixture();
    const headers = { 'x-gatehouse-priority': 'background' };
    const error = await errorOf(
      fixture.openai.chat.completions.create({ model, messages }, { headers }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_REQUEST_INVALID' });
  });
});
