/** The fake NAS's webhooks to a bridge, and its handling of the responses. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Integration } from '#simulators/synology-chat/chat-types';
import type { FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import {
  openNas,
  openReceiver,
  postPayload,
  type TestNas,
  type WebhookReceiver,
} from './fake-dsm-fixture.ts';

async function openBoth(
  options: FakeDsmOptions = {},
): Promise<{ nas: TestNas; bridge: WebhookReceiver }> {
  const bridge = await openReceiver();
  return { nas: await openNas({ bridgeUrl: bridge.url, token: 'T', ...options }), bridge };
}

const hello = { userId: 4, text: '안녕 & +' };

describe('a message to a bot', () => {
  test('is sent as a HEAD and then a form with numbers as strings and without a channel', async () => {
    const { nas, bridge } = await openBoth();
    const { post, settled } = nas.say(hello);
    expect(await settled).toMatchObject([{ state: 'answered', headStatus: 200, status: 200 }]);
    expect(bridge.seen.map((one) => one.method)).toEqual(['HEAD', 'POST']);
    expect(bridge.seen[1]!.contentType).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(bridge.posts()[0]!)).toEqual({
      token: 'T',
      user_id: '4',
      username: '김하나',
      post_id: String(post.postId),
      timestamp: String(post.atMs),
      text: '안녕 & +',
    });
  });

  test('has a post id that no post had before a restart of the NAS', async () => {
    const numbers = new Set<number>();
    for (const seconds of [0, 5, 10]) {
      const clock = { now: () => 1_795_000_000_000 + seconds * 1_000 };
      const nas = await openNas({ clock });
      for (let n = 0; n < 5; n += 1) numbers.add(nas.say(hello).post.postId);
    }
    expect(numbers.size).toBe(15);
    for (const one of numbers) expect(Number.isSafeInteger(one)).toBe(true);
  });

  test('is sent without a HEAD if the rule sendsHead is off', async () => {
    const { nas, bridge } = await openBoth({ rules: { sendsHead: false } });
    await nas.say(hello).settled;
    expect(bridge.seen.map((one) => one.method)).toEqual(['POST']);
  });

  test('is answered by the text and the buttons of the response body, if the body has a text', async () => {
    const { nas, bridge } = await openBoth();
    const actions = [{ type: 'button', name: 'a', value: 'v', text: '확인', style: 'green' }];
    const attachments = [{ callback_id: 'c', text: 'sure?', actions }];
    bridge.answer(() => ({ body: JSON.stringify({ text: '네', attachments }) }));
    await nas.say(hello).settled;
    expect(nas.posts()[1]).toMatchObject({
      text: '네',
      origin: 'answer',
      author: { kind: 'integration', name: 'Gatehouse' },
      attachments: [{ callbackId: 'c', text: 'sure?', actions }],
    });
    for (const body of ['', '{"success":true}', 'not json', '[]']) {
      bridge.answer(() => ({ body }));
      expect(await nas.say(hello).settled).toMatchObject([{ state: 'answered' }]);
    }
    expect(nas.audit().posts).toBe(1);
  });

  test('with a file contains the file name, and the file can be fetched by the post id', async () => {
    const { nas, bridge } = await openBoth();
    const file = { name: 'memo.md', type: 'text/markdown', content: Buffer.from('# m') };
    await nas.say({ userId: 4, text: '', file }).settled;
    const form = bridge.posts()[0]!;
    expect(form.get('text')).toBe('memo.md');
    expect(form.has('file_name')).toBe(false);
    const url = `${nas.apiUrl('Gatehouse', 'post_file_get')}&post_id=${form.get('post_id')}`;
    expect(await (await fetch(url)).text()).toBe('# m');
    nas.changeRules({ sendsFileName: true });
    await nas.say({ userId: 4, text: '요약해줘', file }).settled;
    expect(bridge.posts()[1]!.get('file_name')).toBe('memo.md');
    expect(bridge.posts()[1]!.get('text')).toBe('요약해줘');
    nas.changeRules({ sendsNameAsText: false });
    await nas.say({ userId: 4, text: '', file }).settled;
    expect(bridge.posts()[2]!.get('text')).toBe('');
  });

  test('waits for the previous message of its conversation, not for messages of other conversations', async () => {
    const { nas, bridge } = await openBoth();
    const gate = Promise.withResolvers<void>();
    bridge.answer(async ({ form }) => {
      if (form.get('text') === 'first') await gate.promise;
      return {};
    });
    const first = nas.say({ userId: 4, text: 'first' });
    const second = nas.say({ userId: 4, text: 'second' });
    await nas.say({ userId: 5, text: 'other' }).settled;
    expect(bridge.posts().map((form) => form.get('text'))).not.toContain('second');
    gate.resolve();
    await Promise.all([first.settled, second.settled]);
    expect(bridge.posts().at(-1)!.get('text')).toBe('second');
  });
});

describe('the NAS after a failure', () => {
  test.each([
    ['a HEAD that is answered 405', 'HEAD', 405],
    ['a HEAD that is answered 204', 'HEAD', 204],
    ['a POST that is answered 204', 'POST', 204],
    ['a POST that is answered 503', 'POST', 503],
  ])(
    '(%s) sends nothing to the bridge until the URL is saved again',
    async (_title, method, status) => {
      const { nas, bridge } = await openBoth();
      bridge.answer((webhook) => (webhook.method === method ? { status } : {}));
      const [failed] = await nas.say(hello).settled;
      expect(failed).toMatchObject({ state: 'refused', tries: method === 'HEAD' ? 0 : 1 });
      expect(failed!.problem).toBe(
        `Failed to send a request to the bot server: ${status} to ${method}`,
      );
      bridge.answer(() => ({}));
      const before = bridge.seen.length;
      expect(await nas.say(hello).settled).toMatchObject([{ state: 'sulking', tries: 0 }]);
      expect(bridge.seen).toHaveLength(before);
      expect(nas.sulking()).toEqual(['Gatehouse']);
      nas.saveUrl('Gatehouse');
      expect(await nas.say({ ...hello, text: 'again' }).settled).toMatchObject([
        { state: 'answered' },
      ]);
      // Messages typed in the meantime are not sent automatically.
      expect(bridge.posts().at(-1)!.get('text')).toBe('again');
      expect(await nas.redeliver(failed!.id)).toMatchObject({
        state: 'answered',
        isDuplicate: true,
      });
      expect(bridge.posts().at(-1)!.get('post_id')).toBe(String(nas.posts()[0]!.postId));
    },
  );

  test('accepts a 204 if the rule acceptsNoContent is set', async () => {
    const { nas, bridge } = await openBoth({ rules: { acceptsNoContent: true } });
    bridge.answer(() => ({ status: 204 }));
    expect(await nas.say(hello).settled).toMatchObject([{ state: 'answered', status: 204 }]);
    expect(nas.sulking()).toEqual([]);
  });

  test('stops sending to an unreachable bridge or not, according to the rule sulksAfter', async () => {
    const { nas } = await openBoth({ bridgeUrl: await closedAddress() });
    expect(await nas.say(hello).settled).toMatchObject([{ state: 'unreachable', status: null }]);
    expect(nas.sulking()).toEqual(['Gatehouse']);
    nas.saveUrl('Gatehouse');
    nas.changeRules({ sulksAfter: 'answer' });
    await nas.say(hello).settled;
    expect(nas.sulking()).toEqual([]);
  });

  test('gives up waiting for a response after outgoingTimeoutMs', async () => {
    const { nas, bridge } = await openBoth({ rules: { outgoingTimeoutMs: 50 } });
    bridge.answer(() => new Promise(() => undefined));
    expect(await nas.say(hello).settled).toMatchObject([{ state: 'timeout', tries: 0 }]);
    expect(nas.sulking()).toEqual(['Gatehouse']);
  });

  test('retries the same post if the rule retries is set', async () => {
    const { nas, bridge } = await openBoth({ rules: { retries: 5, retryDelayMs: 1 } });
    bridge.answer(({ method }) =>
      method === 'POST' && bridge.posts().length < 3 ? { status: 503 } : {},
    );
    expect(await nas.say(hello).settled).toMatchObject([{ state: 'answered', tries: 3 }]);
    expect(new Set(bridge.posts().map((form) => form.get('post_id'))).size).toBe(1);
    expect(nas.sulking()).toEqual([]);
  });

  test('refuses and does not send a message while the Chat package is stopped', async () => {
    const { nas, bridge } = await openBoth();
    nas.setPackage(false);
    expect(() => nas.say(hello)).toThrow('Chat is stopped');
    expect(bridge.seen).toEqual([]);
  });

  test('does not send a message to a bot without a URL', async () => {
    const { nas } = await openBoth({ bridgeUrl: null });
    expect(await nas.say(hello).settled).toMatchObject([{ state: 'unaddressed' }]);
    expect(nas.sulking()).toEqual([]);
  });
});

describe('webhooks of channels', () => {
  const outgoing = (channelId: number | null, triggerWord: string | null): Integration => ({
    kind: 'outgoing',
    name: 'hook',
    token: 'H',
    url: null,
    channelId,
    triggerWord,
  });

  test('contain the channel, the trigger word, and the webhook user id of the user', async () => {
    const bridge = await openReceiver();
    const webhook: Integration = { ...outgoing(2, '@gate'), url: bridge.url };
    const nas = await openNas({ integrations: [webhook] });
    bridge.answer(() => ({ body: '{"text":"in the channel"}' }));
    await nas.say({ userId: 4, channelId: 2, text: '@gate 오늘 일정' }).settled;
    expect(Object.fromEntries(bridge.posts()[0]!)).toMatchObject({
      token: 'H',
      channel_id: '2',
      channel_name: 'Lab',
      user_id: '1',
      username: '김하나',
      text: '@gate 오늘 일정',
      trigger_word: '@gate',
    });
    expect(nas.posts()[1]).toMatchObject({ conversationId: 2, text: 'in the channel' });
  });

  test('are sent if every configured condition holds, and never without a condition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(null, 1, 2),
        fc.constantFrom(null, '@gate'),
        fc.constantFrom(1, 2),
        fc.constantFrom('@gate hello', 'hello @gate', ' @gate', '@gat'),
        async (channelId, triggerWord, place, text) => {
          const nas = await openNas({ integrations: [outgoing(channelId, triggerWord)] });
          const deliveries = await nas.say({ userId: 4, channelId: place, text }).settled;
          await nas.close();
          const isSet = channelId !== null || triggerWord !== null;
          const fits =
            (channelId ?? place) === place && (triggerWord === null || text === '@gate hello');
          expect(deliveries).toHaveLength(isSet && fits ? 1 : 0);
        },
      ),
      { numRuns: 48 },
    );
  });
});

describe('a click', () => {
  const actions = [
    { type: 'button', name: 'draft', value: 'yes', text: '확인', style: 'green' },
    { type: 'button', name: 'draft', value: 'no', text: '취소', style: 'red' },
  ];
  const payload = {
    text: '만들까요?',
    user_ids: [4],
    attachments: [{ callback_id: 'draft:1', text: '', actions }],
  };

  async function openWithButtons() {
    const both = await openBoth();
    await postPayload(both.nas.apiUrl(), payload);
    return { ...both, post: both.nas.posts()[0]! };
  }

  test('is sent as JSON in the field payload, with numbers as numbers and without a text', async () => {
    const { nas, bridge, post } = await openWithButtons();
    await nas.press({ userId: 4, postId: post.postId, value: 'no' }).settled;
    const form = bridge.posts()[0]!;
    expect([...form.keys()]).toEqual(['payload']);
    expect(JSON.parse(form.get('payload')!)).toEqual({
      actions: [actions[1]],
      callback_id: 'draft:1',
      post_id: post.postId,
      token: 'T',
      user: { user_id: 4, username: '김하나' },
    });
    expect(bridge.seen[0]!.method).toBe('HEAD');
  });

  test('does not remove the button: a second click sends the same payload again', async () => {
    const { nas, bridge, post } = await openWithButtons();
    const press = { userId: 4, postId: post.postId, value: 'yes' };
    await Promise.all([nas.press(press).settled, nas.press(press).settled]);
    expect(bridge.posts()).toHaveLength(2);
    expect(bridge.posts()[0]!.get('payload')).toBe(bridge.posts()[1]!.get('payload'));
  });

  test('that is answered with a message replaces the post by that message', async () => {
    const { nas, bridge, post } = await openWithButtons();
    bridge.answer(() => ({ body: JSON.stringify({ text: '만들었습니다' }) }));
    await nas.press({ userId: 4, postId: post.postId, value: 'yes' }).settled;
    expect(nas.posts()).toHaveLength(1);
    expect(post).toMatchObject({ text: '만들었습니다', attachments: [], earlier: ['만들까요?'] });
    expect(() => nas.press({ userId: 4, postId: post.postId, value: 'yes' })).toThrow('no button');
  });
});

describe('a NAS that repeats and reorders', () => {
  test('sends every webhook twice with the same content', async () => {
    const { nas, bridge } = await openBoth({ rules: { duplicateRate: 1 } });
    await nas.say(hello).settled;
    await nas.until(() => nas.deliveries().every((one) => one.state === 'answered'), 5_000);
    await nas.until(() => nas.deliveries().length === 2, 5_000);
    await nas.until(() => nas.deliveries().every((one) => one.state === 'answered'), 5_000);
    expect(nas.deliveries().map((one) => one.isDuplicate)).toEqual([false, true]);
    const [one, two] = bridge.posts();
    expect(two!.toString()).toBe(one!.toString());
  });

  test('reorders messages, and loses none of them', async () => {
    const { nas, bridge } = await openBoth({ rules: { reorderRate: 0.5 }, seed: 3 });
    const texts = Array.from({ length: 12 }, (_, n) => String(n));
    await Promise.all(texts.map((text) => nas.say({ userId: 4, text }).settled));
    const arrived = bridge.posts().map((form) => form.get('text')!);
    expect(arrived).not.toEqual(texts);
    expect(arrived.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts);
  });

  test('sends a message after a delay even if no other message overtakes it', async () => {
    const { nas, bridge } = await openBoth({ rules: { reorderRate: 1 } });
    await nas.say(hello).settled;
    expect(bridge.posts()).toHaveLength(1);
  });
});

/** An address at which nothing listens any more. */
async function closedAddress(): Promise<string> {
  const nas = await openNas();
  await nas.refuseConnections();
  return `${nas.url}/webhook/synology`;
}
