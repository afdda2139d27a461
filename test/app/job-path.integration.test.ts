/** A message through the whole core: HTTP, journal, gates, real HTTP to fake model servers, SSE. */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isInCluster } from '#test/support/core-in-cluster';
import { direct, follow, openCore, routed, type CoreFixture } from '#test/support/core';
import { cutsAfter, fails, says, stalls, stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

const stateOf = async (jobId: string) => (await fixture.client.job(jobId)).state;

describe('a message', () => {
  test('that the classifier answers directly ends with this answer', async () => {
    fixture.small.script(direct('안녕하세요!'));
    const { end, types } = await fixture.ask('안녕, 넌 누구야?');
    expect(types).toEqual(['ack', 'state', 'state', 'state', 'result', 'done']);
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '안녕하세요!' });
  });

  test('that the classifier routes goes to the reasoner unchanged, and its answer is streamed', async () => {
    fixture.small.script(routed);
    fixture.large.script(says('깊은 생각 끝에 드리는 답'));
    const { events, tokens, end } = await fixture.ask('양자역학이 뭐야?');
    expect(events.find((event) => event.type === 'rewrite')?.data['content']).toBe(
      '양자역학이 뭐야?',
    );
    // A short answer can be over before the other worker knows who watches: `done` has all of it.
    if (!isInCluster)
      expect(tokens.map((chunk) => chunk.content).join('')).toBe('깊은 생각 끝에 드리는 답');
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '깊은 생각 끝에 드리는 답' });
    expect(fixture.large.requests[0]!.body.messages.at(-1)!.content).toContain('양자역학이 뭐야?');
  });

  test('that asks for the state of the system is decided by a rule', async () => {
    const { events } = await fixture.ask('gemma 바빠?');
    const routing = events.find((event) => event.data['to'] === 'route');
    expect(routing?.data['decision']).toMatchObject({ by: 'rule', action: 'system_status' });
  });

  test('whose classification is invalid twice is then answered without a classification', async () => {
    fixture.small.script(says('{"action": '), says('{}'), says('그냥 드리는 답'));
    const { end, events } = await fixture.ask('안녕');
    expect(fixture.small.requests).toHaveLength(3);
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '그냥 드리는 답' });
    expect(JSON.stringify(events)).not.toContain('{\\"action\\"');
  });

  test('W9: gets the answer of the fallback in place of an unfinished answer of the reasoner', async () => {
    fixture.small.script(routed, says('작은 모델의 답'));
    fixture.large.script(cutsAfter('큰 모델의 반쪽'));
    const { events, end } = await fixture.ask('양자역학이 뭐야?');
    const trouble = events.find((event) => event.type === 'error');
    expect(trouble?.data).toMatchObject({
      message: '모델 전환 중...',
      error_reason: expect.any(String),
    });
    const result = events.find((event) => event.type === 'result');
    expect(result?.data).toEqual({ content: '작은 모델의 답', final: true, replaces: true });
    expect(end.data['reply']).toBe('작은 모델의 답');
  });

  test('P1: ends with a text for the user even if every model is down', async () => {
    await fixture.small.refuse();
    await fixture.large.refuse();
    const { end } = await fixture.ask('안녕');
    expect(end).toMatchObject({ type: 'done', data: { outcome: 'failed' } });
    expect(end.data['reply']).toBe('응답을 받지 못했습니다. 다시 시도해주세요.');
  });

  test('gets notices in its own language', async () => {
    fixture.small.script(routed, says('small answer'));
    fixture.large.script(fails(500));
    const { events } = await fixture.ask('What is quantum mechanics?');
    expect(events[0]!.data['message']).toBe('Got your request.');
    expect(events.find((event) => event.type === 'error')?.data['message']).toBe(
      'Switching to another model...',
    );
  });

  test('is never sent to the reasoner if pipelineEnabled is off', async () => {
    await fixture.close();
    fixture = await openCore({ pipelineEnabled: false });
    fixture.small.script(routed, says('작은 모델의 답'));
    const { end } = await fixture.ask('양자역학이 뭐야?');
    expect(end.data['reply']).toBe('작은 모델의 답');
    expect(fixture.large.requests).toHaveLength(0);
  });
});

describe('W14: the history of a conversation', () => {
  test('is in the prompt: messages and answers, oldest first, and the current time after them', async () => {
    fixture.small.script(direct('반가워요 민수님'), direct('민수라고 하셨죠'));
    await fixture.ask('나는 민수야');
    await fixture.ask('내 이름이 뭐지?');
    const { messages } = fixture.small.requests[1]!.body;
    const turns = messages.map((message) => message.content);
    expect(turns.indexOf('나는 민수야')).toBeGreaterThan(0);
    expect(turns.indexOf('반가워요 민수님')).toBe(turns.indexOf('나는 민수야') + 1);
    expect(turns.at(-1)).toContain('내 이름이 뭐지?');
    expect(turns.at(-1)).toContain('KST');
    expect(turns[0]).not.toContain('KST');
  });

  test('of one user is not in the prompts of another, and survives a restart', async () => {
    fixture.small.script(direct('반가워요'), direct('모릅니다'), direct('민수'));
    await fixture.ask('나는 민수야', { user_id: 'ann' });
    await fixture.ask('나는 누구야?', { user_id: 'bob' });
    await fixture.restart();
    await fixture.ask('나는 누구야?', { user_id: 'ann' });
    const said = (n: number) => JSON.stringify(fixture.small.requests[n]!.body.messages);
    expect(said(1)).not.toContain('민수');
    expect(said(2)).toContain('민수');
  });
});

describe('P8: a cancel', () => {
  const cancelWhenIn = async (state: string, server: 'small' | 'large', jobId: string) => {
    await until(async () => (await stateOf(jobId)) === state);
    await until(() => fixture[server].open > 0);
    const request = fixture[server].requests.at(-1)!;
    await fixture.client.controlJob(jobId, 'cancel');
    const closed = await request.closed;
    expect(closed.closedBy).toBe('client');
    const { end } = await follow(fixture.client, jobId);
    expect(end).toMatchObject({ type: 'cancelled', data: { by: 'user' } });
    // The drain lasts a second at most; then the gate is free.
    await until(() => fixture.core.pool.find(server)!.gate.view().state === 'idle');
  };

  test('while classifying closes the connection to the classifier', async () => {
    fixture.small.script(stalls());
    await cancelWhenIn('classify', 'small', await fixture.client.submit({ message: '안녕' }));
  });

  test('while the reasoner streams closes its connection and never starts the fallback', async () => {
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽'));
    await cancelWhenIn(
      'reason',
      'large',
      await fixture.client.submit({ message: '왜 하늘은 파래?' }),
    );
    expect(fixture.small.requests).toHaveLength(1);
  });

  test('while the fallback answers closes its connection', async () => {
    fixture.small.script(routed, stallsAfter('반쪽'));
    fixture.large.script(fails(500));
    await cancelWhenIn(
      'fallback',
      'small',
      await fixture.client.submit({ message: '왜 하늘은 파래?' }),
    );
  });

  test('while waiting at the gate leaves the queue, and the running request continues', async () => {
    fixture.small.script(stalls());
    const holder = await fixture.client.submit({ message: '안녕', user_id: 'ann' });
    await until(() => fixture.small.open === 1);
    const waiter = await fixture.client.submit({ message: '안녕', user_id: 'bob' });
    await until(async () => (await fixture.client.job(waiter)).queue !== null);
    await fixture.client.controlJob(waiter, 'cancel');
    const { types, end } = await follow(fixture.client, waiter);
    expect(end.type).toBe('cancelled');
    expect(types).toContain('processing');
    expect(await stateOf(holder)).toBe('classify');
    expect(fixture.small.requests).toHaveLength(1);
  });

  test('while a tool waits for its server closes the connection of the tool', async () => {
    const { url, connected, close } = await silentServer();
    await fixture.close();
    fixture = await openCore({
      tools: { calendar: { provider: 'caldav', url, username: 'u', password: 'p' } },
    });
    const jobId = await fixture.client.submit({ message: '내일 일정 알려줘' });
    await until(() => connected() > 0);
    await fixture.client.controlJob(jobId, 'cancel');
    const { end } = await follow(fixture.client, jobId);
    expect(end.type).toBe('cancelled');
    await until(() => connected() === 0);
    await close();
  });
});

/** Accepts connections and never answers. */
async function silentServer(): Promise<{
  url: string;
  connected(): number;
  close(): Promise<unknown>;
}> {
  let open = 0;
  const server = createServer((socket) => {
    open += 1;
    socket.on('close', () => (open -= 1)).on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    connected: () => open,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

describe('P3: a restart', () => {
  test('in the middle of an answer calls the model again, and the job is answered once', async () => {
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽'), says('ganze Antwort'));
    const jobId = await fixture.client.submit({ message: '왜 하늘은 파래?' });
    await until(() => fixture.large.open === 1);
    await fixture.restart();
    const { events, end } = await follow(fixture.client, jobId);
    expect(end.data).toMatchObject({ outcome: 'answered', reply: 'ganze Antwort' });
    expect(events.filter((event) => event.type === 'done')).toHaveLength(1);
    expect(fixture.small.requests).toHaveLength(1);
    expect(fixture.large.requests).toHaveLength(2);
  });
});
