/** Pictures in requests to model servers, in the forms that clients send, over the doors of OpenAI and Ollama. */
import { Ollama } from 'ollama';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cliApiKey } from '#shared/api-keys';
import { says } from '#test/support/fake-llm-replies';
import { openCore, type ConfigInput } from '#test/support/core';
import { bomb, dataUrl, heic, photo, pictures, place } from '#test/support/pictures';
import { errorOf, user, withClients, type OpenAiFixture } from './openai-fixture.ts';

/** `large` takes pictures, `small` does not; `llama` is a llama.cpp server, which knows no WebP. */
const withVision: ConfigInput = (small, large) => ({
  backends: [
    { id: 'small', baseUrl: small.baseUrl, model: 'm' },
    { id: 'large', baseUrl: large.baseUrl, model: 'm', vision: true },
    { id: 'llama', baseUrl: large.baseUrl, model: 'm', kind: 'llama.cpp', vision: true },
  ],
  pictures: { maxCount: 2, maxBytes: 200_000 },
});

let fixture: OpenAiFixture;
let ollama: Ollama;
beforeAll(async () => {
  fixture = withClients(await openCore(withVision));
  const key = cliApiKey(fixture.config.server.apiKeys);
  const headers: Record<string, string> =
    key === undefined || key === null ? {} : { authorization: `Bearer ${key}` };
  ollama = new Ollama({ host: fixture.core.url, headers });
});

afterAll(() => fixture.close());

let sentBefore = 0;
beforeEach(() => {
  sentBefore = fixture.large.requests.length + fixture.small.requests.length;
});
const sent = () => fixture.large.requests.at(-1)!.body['messages'];
const sentCount = (): number =>
  fixture.large.requests.length + fixture.small.requests.length - sentBefore;

const url = dataUrl(pictures.png);
const image = (source: string = url) => ({
  type: 'image_url' as const,
  image_url: { url: source },
});
const words = { type: 'text' as const, text: 'what is this' };

describe('a picture for a model that takes pictures', () => {
  test('arrives with the words in their order, and with its detail', async () => {
    fixture.large.script(says('a flag'));
    const answer = await fixture.openai.chat.completions.create({
      model: 'large',
      messages: [
        {
          role: 'user',
          content: [words, { type: 'image_url', image_url: { url, detail: 'low' } }, words],
        },
      ],
    });
    expect(answer.choices[0]?.message.content).toBe('a flag');
    expect(sent()).toEqual([
      {
        role: 'user',
        content: [words, { type: 'image_url', image_url: { url, detail: 'low' } }, words],
      },
    ]);
  });

  test.each<[string, object]>([
    ['the URL itself as image_url', { type: 'image_url', image_url: url }],
    ['as a part of Responses', { type: 'input_image', image_url: url }],
    ['with another declared type', image(dataUrl(pictures.png, 'image/jpeg'))],
    ['without a declared type', image(`data:;base64,${pictures.png.toString('base64')}`)],
    ['in capitals', image(url.replace('data:image/png;base64', 'DATA:IMAGE/PNG;BASE64'))],
    ['as bare base64', image(pictures.png.toString('base64'))],
  ])('is read %s, and sent on with the type of its bytes', async (_, part) => {
    const response = await fixture.post({
      model: 'large',
      messages: [{ role: 'user', content: [part] }],
    });
    expect(response.status, await response.text()).toBe(200);
    expect(sent()).toEqual([{ role: 'user', content: [image()] }]);
  });

  test('of a tool, and of an earlier message, arrives too', async () => {
    const call = { id: 'c1', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    const messages = [
      { role: 'user', content: [image()] },
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: [words, image()] },
      user('and now?'),
    ];
    const response = await fixture.post({ model: 'large', messages });
    expect(response.status).toBe(200);
    expect(sent()).toEqual(messages);
  });

  test('arrives without the place at which it was taken', async () => {
    const content = [image(dataUrl(photo(), 'image/jpeg'))];
    await fixture.post({ model: 'large', messages: [{ role: 'user', content }] });
    const [message] = sent() as unknown as { content: { image_url: { url: string } }[] }[];
    const [type, data = ''] = message!.content[0]!.image_url.url.split(',');
    expect(type).toBe('data:image/jpeg;base64');
    expect(Buffer.from(data, 'base64').includes(place)).toBe(false);
  });

  test('comes from the client of Ollama, with and without the beginning of a data URL', async () => {
    const base64 = pictures.jpeg.toString('base64');
    for (const source of [base64, dataUrl(pictures.jpeg, 'image/jpeg')]) {
      fixture.large.script(says('a flag'));
      const { message } = await ollama.chat({
        model: 'large',
        messages: [{ role: 'user', content: 'what is this', images: [source] }],
      });
      expect(message.content).toBe('a flag');
      const picture = image(dataUrl(pictures.jpeg, 'image/jpeg'));
      expect(sent()).toEqual([{ role: 'user', content: [picture, words] }]);
    }
    fixture.large.script(says('a flag'));
    await ollama.generate({ model: 'large', prompt: 'what is this', images: [base64] });
    expect(sent()).toMatchObject([{ content: [{ type: 'image_url' }, words] }]);
  });
});

describe('a picture that no model gets is refused by the name of its field', () => {
  const refused = async (model: string, ...parts: unknown[]) => {
    const response = await fixture.post({ model, messages: [{ role: 'user', content: parts }] });
    expect(response.status).toBe(400);
    expect(sentCount()).toBe(0);
    return ((await response.json()) as { error: { code: string; message: string; param: string } })
      .error;
  };

  test.each([
    ['small', image(), 'GH_BACKEND_NO_VISION', 'messages.0.content', 'small takes no pictures'],
    [
      'llama',
      image(dataUrl(pictures.webp)),
      'GH_BACKEND_NO_VISION',
      'messages.0.content',
      'cannot decode WEBP',
    ],
    [
      'large',
      image('http://127.0.0.1/a.png'),
      'GH_PICTURE_REFUSED',
      'messages.0.content.1',
      'fetched',
    ],
    ['large', image(dataUrl(heic)), 'GH_PICTURE_REFUSED', 'messages.0.content.1', 'HEIC'],
    [
      'large',
      image(dataUrl(bomb(50_000, 50_000))),
      'GH_PICTURE_REFUSED',
      'messages.0.content.1',
      'pixels',
    ],
    [
      'large',
      image(dataUrl(Buffer.from('<script>'))),
      'GH_PICTURE_REFUSED',
      'messages.0.content.1',
      'no PNG',
    ],
    ['large', { type: 'image_url' }, 'GH_REQUEST_INVALID', 'messages.0.content.1', 'no data URL'],
    [
      'large',
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
      'GH_REQUEST_INVALID',
      'messages.0.content.1',
      'only text and pictures',
    ],
  ])('%s, %j', async (model, part, code, param, why) => {
    expect(await refused(model, words, part)).toMatchObject({
      code,
      param,
      message: expect.stringContaining(why),
    });
  });

  test('more pictures in one message than the limit, or more bytes of them', async () => {
    const error = await refused('large', image(), image(), image());
    expect(error).toMatchObject({ code: 'GH_PICTURE_REFUSED', param: 'messages.0.content' });
    const padded = Buffer.concat([pictures.gif, Buffer.alloc(200_000)]);
    expect((await refused('large', image(dataUrl(padded)))).message).toContain('200000 bytes');
  });

  test('more bytes than any request may have', async () => {
    const content = [image(`data:image/png;base64,${'A'.repeat(3_000_000)}`)];
    const response = await fixture.post({ model: 'large', messages: [{ role: 'user', content }] });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 'GH_REQUEST_TOO_LARGE' } });
  });

  test('a picture of the assistant or of a system prompt', async () => {
    for (const role of ['system', 'assistant']) {
      const response = await fixture.post({
        model: 'large',
        messages: [{ role, content: [image()] }, user('hello')],
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: 'messages.0.content.0' } });
    }
  });

  test('in the form of each client', async () => {
    const error = await errorOf(
      fixture.openai.chat.completions.create({
        model: 'small',
        messages: [{ role: 'user', content: [image()] }],
      }),
    );
    expect(error).toMatchObject({ status: 400, code: 'GH_BACKEND_NO_VISION' });
    const images = [pictures.png.toString('base64')];
    await expect(
      ollama.chat({ model: 'small', messages: [{ role: 'user', content: 'x', images }] }),
    ).rejects.toThrow('messages.0.images: the model small takes no pictures');
    await expect(
      ollama.chat({ model: 'large', messages: [{ role: 'user', content: 'x', images: ['cat'] }] }),
    ).rejects.toThrow(/^messages\.0\.images\.0: /);
    await expect(ollama.generate({ model: 'small', prompt: 'x', images })).rejects.toThrow(
      /^images: /,
    );
  });
});

test('the lists of models say which take pictures', async () => {
  const { data } = await fixture.openai.models.list();
  const visions = data.map((model) => [
    model.id,
    (model as unknown as { gatehouse: { vision?: boolean } }).gatehouse.vision,
  ]);
  expect(visions).toEqual([
    ['gatehouse', undefined],
    ['small', false],
    ['large', true],
    ['llama', true],
    ['gatehouse-chat', undefined],
  ]);
  expect((await ollama.show({ model: 'large' })).capabilities).toContain('vision');
  expect((await ollama.show({ model: 'small' })).capabilities).not.toContain('vision');
});

test('a title for a chat with a picture needs no picture', async () => {
  fixture.small.script(says('A flag'));
  const task =
    '### Task:\nGenerate a concise, 3-5 word title.\n<chat_history>what is this</chat_history>';
  const response = await fixture.post({
    model: 'gatehouse',
    messages: [{ role: 'user', content: [image(), { type: 'text', text: task }] }],
  });
  expect(response.status, await response.clone().text()).toBe(200);
  expect(fixture.small.requests.at(-1)!.body['messages']).toEqual([user(task)]);
});
