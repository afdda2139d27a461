/** The fake NAS's Chat API over real HTTP, as a bridge uses it. */
import { describe, expect, test } from 'vitest';
import { sendRequest, openNas, openReceiver, postBody, postPayload } from './fake-dsm-fixture.ts';

const button = (value: string) => ({ type: 'button', name: 'draft', value, text: 'OK' });

describe('a post to a bot', () => {
  test('is stored for each named user, and the response maps users to posts', async () => {
    const nas = await openNas();
    const answer = await postPayload(nas.apiUrl(), {
      text: '한글 & + % # "',
      user_ids: [4, 5, 99],
    });
    const [first, second] = nas.posts();
    expect(answer).toEqual({
      status: 200,
      body: {
        success: true,
        data: {
          fail: [99],
          succ: { user_id_post_map: { 4: first!.postId, 5: second!.postId } },
        },
      },
    });
    expect(nas.posts().map((post) => post.text)).toEqual(['한글 & + % # "', '한글 & + % # "']);
    expect(first!.author).toEqual({ kind: 'integration', name: 'Gatehouse' });
    expect(nas.audit()).toMatchObject({ posts: 2, outcomes: { success: 1 }, lostAnswers: [] });
  });

  test('may be raw JSON instead of a form', async () => {
    const nas = await openNas();
    const body = JSON.stringify({ text: 'a & b', user_ids: [4] });
    const headers = { 'content-type': 'application/json' };
    const answer = await sendRequest(nas.apiUrl(), { method: 'POST', headers, body });
    expect(answer.body.success).toBe(true);
    expect(nas.posts()[0]!.text).toBe('a & b');
    expect(nas.requests()[0]).toMatchObject({ form: 'json', text: 'a & b', userIds: [4] });
  });

  test('without an existing user is refused with 800 (no target)', async () => {
    const nas = await openNas();
    for (const payload of [{ text: 'a' }, { text: 'a', user_ids: [1] }]) {
      const { status, body } = await postPayload(nas.apiUrl(), payload);
      expect([status, body.success, body.error?.code]).toEqual([200, false, 800]);
    }
    expect(nas.posts()).toEqual([]);
  });

  test.each([
    ['&', 407],
    ['+', 407],
    ['%', 407],
    ['plain', undefined],
  ])('that was not urlencoded and contains %s is answered with code %s', async (text, code) => {
    const nas = await openNas();
    const body = `payload=${JSON.stringify({ text: `a${text}b`, user_ids: [4] })}`;
    const answer = await postBody(nas.apiUrl(), body);
    expect(answer.body.error?.code).toBe(code);
    expect(nas.posts()).toHaveLength(code === undefined ? 1 : 0);
  });

  test.each([
    ['payload=%7Bnot json', 407],
    ['payload=%5B1%5D', 407],
    ['payload=%E0%A4%A', 407],
    ['payload=', 101],
    ['', 101],
    ['text=hello', 101],
  ])('with the body %j is refused with %i', async (body, code) => {
    const nas = await openNas();
    expect((await postBody(nas.apiUrl(), body)).body.error?.code).toBe(code);
  });

  test.each([
    [{ user_ids: [4] }, 101],
    [{ text: 5, user_ids: [4] }, 120],
    [{ text: 'a', user_ids: ['4'] }, 120],
    [{ text: 'a', user_ids: 4 }, 120],
    [{ text: 'a', user_ids: [4], attachments: [{ actions: [button('x')] }] }, 120],
    [
      { text: 'a', user_ids: [4], attachments: [{ callback_id: 'c', actions: [{ text: 'x' }] }] },
      120,
    ],
    [{ text: 'a', user_ids: [4], attachments: [{ callback_id: 'c', actions: [button('x')] }] }, 0],
  ])('with the payload %j is answered with code %i (0: success)', async (payload, code) => {
    const nas = await openNas();
    expect((await postPayload(nas.apiUrl(), payload)).body.error?.code ?? 0).toBe(code);
  });

  test('beyond 2,000 code points, or bytes if the rule says so, is refused with 410 (too long)', async () => {
    const nas = await openNas();
    const url = nas.apiUrl();
    const post = (text: string) => postPayload(url, { text, user_ids: [4] });
    expect((await post('😀'.repeat(2_001))).body.error).toEqual({
      code: 410,
      errors: 'msg too long',
    });
    expect((await post('😀'.repeat(2_000))).body.success).toBe(true);
    nas.changeRules({ textLengthUnit: 'bytes' });
    nas.wait();
    expect((await post('가'.repeat(667))).body.error?.code).toBe(410);
    expect((await post('가'.repeat(666))).body.success).toBe(true);
  });

  test('within half a second of another post, to any user, is refused with 411 (too fast)', async () => {
    const nas = await openNas();
    const post = (user: number) => postPayload(nas.apiUrl(), { text: 'a', user_ids: [user] });
    await post(4);
    nas.wait(499);
    expect((await post(5)).body.error).toEqual({ code: 411, errors: 'create post too fast' });
    // A refused post does not count.
    nas.wait(1);
    expect((await post(5)).body.success).toBe(true);
    expect(nas.posts()).toHaveLength(2);
  });

  test('may have a file URL, which the NAS fetches up to its size limit', async () => {
    const files = await openReceiver();
    files.answer(() => ({ body: '0123456789' }));
    const nas = await openNas({ rules: { fileBytesMax: 10 } });
    const post = (fileUrl: string) =>
      postPayload(nas.apiUrl(), { text: '', file_url: fileUrl, user_ids: [4] });
    expect((await post(`${files.url}/%EB%B3%B4%EA%B3%A0.txt`)).body.success).toBe(true);
    expect(nas.posts()[0]!.file).toMatchObject({ name: '보고.txt' });
    expect(nas.posts()[0]!.file!.content.toString()).toBe('0123456789');
    nas.wait();
    nas.changeRules({ fileBytesMax: 9 });
    expect((await post(files.url)).body.error?.code).toBe(409);
    expect((await post('ftp://nowhere/x')).body.error?.code).toBe(117);
    files.answer(() => ({ status: 404 }));
    expect((await post(files.url)).body.error?.code).toBe(117);
    expect(nas.posts()).toHaveLength(1);
  });

  test('of more than a megabyte is answered with a page of status 413', async () => {
    const nas = await openNas();
    const body = `payload=${'a'.repeat(1_100_000)}`;
    const response = await fetch(nas.apiUrl(), { method: 'POST', body });
    expect(response.status).toBe(413);
    await response.text();
    expect(nas.audit().outcomes).toEqual({ page: 1 });
  });
});

describe('the token of a request', () => {
  test('without its quotes is refused with 115, or accepted if the rule acceptsBareToken is set', async () => {
    const nas = await openNas();
    const url = nas.apiUrl('Gatehouse', 'chatbot', 'bare');
    const post = () => postPayload(url, { text: 'a', user_ids: [4] });
    expect((await post()).body.error?.code).toBe(115);
    nas.changeRules({ acceptsBareToken: true });
    expect((await post()).body.success).toBe(true);
  });

  test('that is wrong, empty or of another kind of integration is refused with code 404', async () => {
    const nas = await openNas({
      integrations: [
        { kind: 'bot', name: 'bot', token: 'b', url: null },
        { kind: 'incoming', name: 'in', token: 'i', url: null, channelId: 1 },
        { kind: 'outgoing', name: 'out', token: 'o', url: null, channelId: 1, triggerWord: null },
      ],
    });
    const codes: unknown[] = [];
    for (const [name, method] of [
      ['in', 'chatbot'],
      ['bot', 'incoming'],
      ['out', 'chatbot'],
      ['out', 'user_list'],
    ] as const) {
      const { body } = await postPayload(nas.apiUrl(name, method), { text: 'a', user_ids: [4] });
      codes.push(body.error?.code);
    }
    for (const token of ['%22x%22', '%22%22', '']) {
      const url = nas.apiUrl('bot').replace(/token=.*/, `token=${token}`);
      codes.push((await postPayload(url, { text: 'a', user_ids: [4] })).body.error?.code);
    }
    expect(codes).toEqual([404, 404, 404, 404, 404, 404, 404]);
    expect(nas.posts()).toEqual([]);
  });
});

describe('the rest of the API', () => {
  test('an incoming webhook posts into its channel, without user ids', async () => {
    const nas = await openNas({
      integrations: [{ kind: 'incoming', name: 'in', token: 'i', url: null, channelId: 2 }],
    });
    const answer = await postPayload(nas.apiUrl('in'), { text: 'hello' });
    expect(answer.body).toEqual({ success: true });
    expect(nas.posts()[0]).toMatchObject({ conversationId: 2, text: 'hello' });
  });

  test('user_list lists users with their Chat ids, and channel_list lists channels', async () => {
    const nas = await openNas();
    const users = await sendRequest(nas.apiUrl('Gatehouse', 'user_list'));
    expect(users.body.data?.['users']).toContainEqual(
      expect.objectContaining({ user_id: 4, username: 'hana', nickname: '김하나' }),
    );
    const channels = await sendRequest(nas.apiUrl('Gatehouse', 'channel_list'));
    expect(channels.body.data?.['channels']).toHaveLength(2);
  });

  test('post_list lists the posts around a post, and no posts of another bot', async () => {
    const nas = await openNas({
      integrations: [
        { kind: 'bot', name: 'one', token: '1', url: null },
        { kind: 'bot', name: 'two', token: '2', url: null },
      ],
    });
    const posts = ['a', 'b', 'c'].map((text) => nas.say({ userId: 4, text }).post);
    const channel = posts[0]!.conversationId;
    const list = (bot: string, more: string) =>
      sendRequest(`${nas.apiUrl(bot, 'post_list')}&channel_id=${channel}${more}`);
    const texts = (answer: Awaited<ReturnType<typeof sendRequest>>) =>
      (answer.body.data!['posts'] as { message: string }[]).map((post) => post.message);
    expect(texts(await list('one', '&prev_count=1'))).toEqual(['b', 'c']);
    const middle = `&post_id=${posts[1]!.postId}`;
    expect(texts(await list('one', `${middle}&prev_count=5&next_count=0`))).toEqual(['a', 'b']);
    expect(texts(await list('two', ''))).toEqual([]);
    expect((await list('one', '&post_id=7')).body.error?.code).toBe(402);
  });

  test('post_file_get returns the file of a post, and 404 for a post without a file', async () => {
    const nas = await openNas();
    const file = { name: '메모.md', type: 'text/markdown', content: Buffer.from('# 메모') };
    const { post } = nas.say({ userId: 4, text: '', file });
    const url = (postId: number) => `${nas.apiUrl('Gatehouse', 'post_file_get')}&post_id=${postId}`;
    const response = await fetch(url(post.postId));
    expect(response.headers.get('content-type')).toBe('text/markdown');
    expect(response.headers.get('content-disposition')).toContain('%EB%A9%94%EB%AA%A8.md');
    expect(await response.text()).toBe('# 메모');
    const without = await sendRequest(url(nas.say({ userId: 4, text: 'x' }).post.postId));
    expect(without).toMatchObject({ status: 404, body: { success: false, error: { code: 404 } } });
  });

  test('an unknown API, method or version, or a missing version, is refused with its own code', async () => {
    const nas = await openNas();
    const codeOf = async (from: RegExp, to: string) =>
      (await sendRequest(nas.apiUrl('Gatehouse', 'user_list').replace(from, to))).body.error?.code;
    expect(await codeOf(/api=[^&]*/, 'api=SYNO.Other')).toBe(102);
    expect(await codeOf(/method=[^&]*/, 'method=nonsense')).toBe(103);
    expect(await codeOf(/version=2/, 'version=9')).toBe(104);
    expect(await codeOf(/version=2&/, '')).toBe(101);
  });

  test('a post while the package is stopped is refused with code 102', async () => {
    const nas = await openNas();
    nas.setPackage(false);
    const answer = await postPayload(nas.apiUrl(), { text: 'a', user_ids: [4] });
    expect([answer.status, answer.body.error?.code]).toEqual([200, 102]);
    nas.setPackage(true);
    const again = await postPayload(nas.apiUrl(), { text: 'a', user_ids: [4] });
    expect(again.body.success).toBe(true);
  });
});
