/** The history in prompts: it never grows too long for the model, and consecutive prompts begin alike. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ChatMessage } from '#shared/model/model';
import { createLog } from '#shared/log';
import { direct, openCore, routed, type ConfigInput, type CoreFixture } from '#test/support/core';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { fails, raw, says, type FakeReply } from '#test/support/fake-llm-replies';

let fixture: CoreFixture;
let logged = '';
afterEach(() => fixture.close());

async function open(change: ConfigInput = {}): Promise<void> {
  logged = '';
  const sink = { write: (line: string) => void (logged += line) };
  fixture = await openCore(change, { log: createLog({ level: 'warn', pretty: false }, sink) });
}

/** One server for both roles; a request with a JSON schema is a classification. */
async function oneModel(reply: FakeReply): Promise<FakeLlm> {
  const llm = await startFakeLlm({ reply });
  onTestFinished(() => llm.close());
  await open({
    backends: [{ id: 'one', baseUrl: llm.baseUrl, model: 'm', kind: 'llama.cpp' }],
    roles: {},
  });
  return llm;
}

const messagesOf = (llm: FakeLlm, n = -1): ChatMessage[] => llm.requests.at(n)!.body.messages;
const charsOf = (messages: readonly ChatMessage[]): number =>
  messages.reduce((sum, { content }) => sum + content.length, 0);

const tooLong = fails(400, {
  error: { code: 400, message: 'exceeds the context size', type: 'exceed_context_size_error' },
});

describe('a conversation', () => {
  test('of long messages and answers continues, because its history fits the context of the model', async () => {
    const contextChars = 16_000;
    const answer = says('word_'.repeat(600));
    const llm = await oneModel((exchange) => {
      const { messages, response_format: schema } = exchange.request.body;
      if (charsOf(messages) > contextChars) return tooLong(exchange);
      return (schema === undefined ? answer : routed)(exchange);
    });
    const long = `please explain this text to me: ${'lorem ipsum '.repeat(600)}`;
    for (const message of [long, long, long, 'are you there, my friend of old?']) {
      const { end } = await fixture.ask(message, { user_id: 'ann' });
      expect(end.data).toMatchObject({ outcome: 'answered' });
    }
    const past = messagesOf(llm).slice(1, -1);
    expect(past.length).toBeGreaterThanOrEqual(2);
    expect(charsOf(past)).toBeLessThanOrEqual(6_000);
    for (const { content } of past) {
      expect(content.length).toBeLessThanOrEqual(1_500);
      expect(content).toMatch(/ \[…\]$/);
    }
    expect(logged).not.toContain('asks again');
  });

  test('is sent shorter to the classifier than to the reasoner, and not at all if the limit is 0', async () => {
    const long = says('word_'.repeat(500));
    await open();
    for (let n = 0; n < 3; n += 1) {
      fixture.small.script(routed);
      fixture.large.script(long);
      await fixture.ask(`tell me about apples and pears, number ${n}`);
    }
    const classified = messagesOf(fixture.small).filter(({ content }) => /word_/.test(content));
    const reasoned = messagesOf(fixture.large).filter(({ content }) => /word_/.test(content));
    expect(classified[0]!.content.length).toBeLessThanOrEqual(750);
    expect(reasoned[0]!.content.length).toBe(1_500);
    await fixture.close();

    await open({ conversation: { historyCharsMax: 0 } });
    for (let n = 0; n < 2; n += 1) {
      fixture.small.script(routed);
      await fixture.ask(`tell me about apples and pears, number ${n}`);
    }
    expect(messagesOf(fixture.large)).toHaveLength(2);
  });

  test('has prompts that begin alike: most prompts begin with the whole previous prompt', async () => {
    const llm = await oneModel((exchange) => direct(`fine, ${exchange.request.n}`)(exchange));
    let before: ChatMessage[] = [];
    let alike = 0;
    const turns = 30;
    for (let n = 1; n <= turns; n += 1) {
      await fixture.ask(`tell me something about number ${n}`);
      const messages = messagesOf(llm);
      // The last message contains the current time.
      const known = before.slice(0, -1);
      if (known.every((one, place) => one.content === messages[place]?.content)) alike += 1;
      before = messages;
    }
    expect(alike).toBeGreaterThanOrEqual(turns * 0.75);
    // System prompt and four examples of two messages; the example about mail is left out without a mailbox.
    const examples = 9;
    expect(before.length - examples - 1).toBeGreaterThanOrEqual(10);
    expect(before.length - examples - 1).toBeLessThanOrEqual(16);
  });
});

describe('a prompt that the server refuses', () => {
  /** Neither server is sent a JSON schema, so that the refusal is not one of the schema. */
  const openPlain = (): Promise<void> =>
    open((small, large) => ({
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm', kind: 'mlx-lm' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm', kind: 'mlx-lm' },
      ],
    }));
  const first = 'tell me about apples and pears';
  const second = 'and what about plums and cherries?';

  test.each([
    ['as too long', tooLong],
    ['within the stream', raw('event: error\ndata: {"error":{"message":"context"}}\n\n')],
  ])(
    '%s is sent once more without history, for the classification and for the answer',
    async (_how, refusal) => {
      await openPlain();
      fixture.small.script(routed, refusal, routed);
      fixture.large.script(says('first'), refusal, says('second'));
      await fixture.ask(first);
      const { end, types } = await fixture.ask(second);
      expect(end.data).toMatchObject({ outcome: 'answered', reply: 'second' });
      expect(types).not.toContain('error');
      for (const llm of [fixture.small, fixture.large]) {
        expect(llm.requests).toHaveLength(3);
        expect(JSON.stringify(messagesOf(llm, 1))).toContain(first);
        expect(JSON.stringify(messagesOf(llm, 2))).not.toContain(first);
        expect(messagesOf(llm, 2).at(-1)).toEqual(messagesOf(llm, 1).at(-1));
      }
      expect(logged.match(/asks again without the history/g)).toHaveLength(2);
      expect(logged).not.toContain('apples');
    },
  );

  test('keeps the attachment of the message when it is sent again', async () => {
    await openPlain();
    fixture.small.script(routed, routed);
    fixture.large.script(says('first'), tooLong, says('second'));
    await fixture.ask(first);
    await fixture.ask(second, { attachment: { name: 'a.txt', text: 'the plums are ripe' } });
    const asked = JSON.stringify(messagesOf(fixture.large, 2));
    expect(asked).toContain('the plums are ripe');
    expect(asked).not.toContain(first);
  });

  test('is not sent again if it had no history, or if the status is 401', async () => {
    await openPlain();
    fixture.small.script(routed, says('small'));
    fixture.large.script(tooLong);
    await fixture.ask(first);
    expect(fixture.large.requests).toHaveLength(1);
    fixture.small.script(routed, says('small'));
    fixture.large.script(fails(401));
    expect((await fixture.ask(second)).end.data).toMatchObject({ reply: 'small' });
    expect(fixture.large.requests).toHaveLength(2);
  });

  test('a second time gives one failure with its reason', async () => {
    await openPlain();
    fixture.small.script(routed, routed, tooLong, tooLong);
    fixture.large.script(says('first'), tooLong, tooLong);
    await fixture.ask(first);
    const { end, events } = await fixture.ask(second);
    expect(end.data).toMatchObject({ outcome: 'failed' });
    expect(events.find(({ type }) => type === 'error')?.data).toMatchObject({
      error_reason: 'http_4xx',
    });
    expect([fixture.small.requests.length, fixture.large.requests.length]).toEqual([4, 3]);
  });
});
