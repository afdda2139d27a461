/** The inspector socket: access, messages, and no cost without a client. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { until } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';
import { framesOf, openSocketClient, type SocketClient } from './socket-client.ts';

let fixture: InspectorFixture;
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await fixture.close();
});

async function open(options: Parameters<typeof openSocketClient>[1] = {}): Promise<SocketClient> {
  const onlooker = await openSocketClient(fixture.url, options);
  sockets.push(onlooker.socket);
  return onlooker;
}

const refusal = async (options: Parameters<typeof open>[0]): Promise<string> =>
  open(options).then(
    () => 'opened',
    (error: unknown) => (error as Error).message,
  );

describe('the inspector socket', () => {
  test('is refused to a page of another site', async () => {
    fixture = await openInspector();
    expect(await refusal({ headers: { origin: 'http://evil.example' } })).toContain('403');
  });

  test('without API keys is refused for a host name that is not loopback', async () => {
    fixture = await openInspector();
    expect(await refusal({ headers: { host: 'evil.example' } })).toContain('403');
  });

  test('with API keys requires a key in a header, a subprotocol or the address', async () => {
    fixture = await openInspector({ apiKeys: ['geheim'] });
    expect(await refusal({})).toContain('401');
    expect(await refusal({ query: '?key=falsch' })).toContain('401');
    const named = `gatehouse.key.${Buffer.from('geheim').toString('base64url')}`;
    const page = await open({ protocols: ['gatehouse.v1', named] });
    expect(page.socket.protocol).toBe('gatehouse.v1');
    await open({ headers: { authorization: 'Bearer geheim' } });
    await open({ query: '?key=geheim' });
  });

  test('with API keys has a page that loads without a key, and data that need a key', async () => {
    fixture = await openInspector({ apiKeys: ['geheim'] });
    const page = await fetch(`${fixture.url}/inspect`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const path of ['session', 'jobs', 'charts/job']) {
      expect((await fetch(`${fixture.url}/inspect/api/${path}`)).status).toBe(401);
    }
  });
});

describe('a watched job', () => {
  test('is sent row by row, each once, also to a client that reconnects', async () => {
    fixture = await openInspector();
    const jobId = await fixture.send('왜 하늘은 파래?');
    const first = await open();
    first.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => framesOf(first.received).length === 2);
    fixture.cut();
    await fixture.finish(jobId, '산란');
    fixture.restore();
    const second = await open();
    second.send({ type: 'gatehouse.watch', jobId, afterN: 2 });
    await until(() => second.received.some(({ type }) => type === 'gatehouse.check'));
    expect([...framesOf(first.received), ...framesOf(second.received)]).toEqual([1, 2, 3, 4]);
    expect(second.received.find(({ type }) => type === 'gatehouse.check')).toMatchObject({
      ok: true,
    });
  });

  test('is sent with the text so far to a client that connects in the middle of an answer', async () => {
    fixture = await openInspector();
    const jobId = await fixture.send('왜?');
    fixture.hub.text(jobId, '하늘은 ', false);
    const page = await open();
    page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => page.received.some(({ type }) => type === 'gatehouse.token'));
    fixture.hub.text(jobId, '파랗다', false);
    const chunks = () => page.received.filter(({ type }) => type === 'gatehouse.token');
    await until(() => chunks().length === 2);
    expect(chunks().map(({ chunk }) => (chunk as { content: string }).content)).toEqual([
      '하늘은 ',
      '파랗다',
    ]);
  });

  test('that does not exist is answered with GH_JOB_NOT_FOUND', async () => {
    fixture = await openInspector();
    const page = await open();
    page.send({ type: 'gatehouse.watch', jobId: 'nobody', afterN: 0 });
    await until(() => page.received.some(({ code }) => code === 'GH_JOB_NOT_FOUND'));
  });

  test('is sent without texts where redaction is configured', async () => {
    fixture = await openInspector({ redaction: 'texts' });
    const jobId = await fixture.send('비밀스러운 질문', 'geheimrat');
    await fixture.finish(jobId, '비밀스러운 답');
    const page = await open();
    page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => page.received.some(({ type }) => type === 'gatehouse.check'));
    const said = JSON.stringify(page.received);
    expect(said).not.toMatch(/비밀|geheimrat/);
    expect(said).toContain('characters]');
    const list = await (await fetch(`${fixture.url}/inspect/api/jobs`)).text();
    expect(list).not.toMatch(/비밀|geheimrat/);
  });
});

test('of a burst of job events only the newest 100 are sent, marked as cut', async () => {
  fixture = await openInspector();
  const page = await open();
  page.send({ type: 'gatehouse.jobs', on: true });
  await until(() => fixture.listeners() === 1);
  const event = { seq: 1, type: 'ack' as const, state: 'ack', at: '', user_id: 'u', channel: 'c' };
  for (let n = 100; n < 220; n += 1) {
    fixture.hub.event({ ...event, id: `j${n}:1`, job_id: `j${n}`, data: {} });
    fixture.hub.event({
      ...event,
      id: `j${n}:2`,
      job_id: `j${n}`,
      seq: 2,
      type: 'state',
      data: {},
    });
  }
  const lists = () => page.received.filter(({ type }) => type === 'gatehouse.jobs');
  await until(() => lists().length === 1);
  const { events, isCut } = lists()[0]! as unknown as { events: { id: string }[]; isCut: boolean };
  expect(isCut).toBe(true);
  expect(events).toHaveLength(100);
  expect(events.slice(-2).map(({ id }) => id)).toEqual(['j219:1', 'j219:2']);
});

test('the inspector has no hub subscription before a client watches and after the last client disconnects', async () => {
  fixture = await openInspector();
  expect(fixture.listeners()).toBe(0);
  const jobId = await fixture.send('왜?');
  const page = await open();
  page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
  page.send({ type: 'gatehouse.jobs', on: true });
  await until(() => fixture.listeners() === 2);
  await open({ protocols: [] });
  await until(() => fixture.listeners() === 3);
  for (const socket of sockets) socket.close();
  await until(() => fixture.listeners() === 0);
});

test('a slow reader is disconnected, the job continues, and the reader gets the missing rows later', async () => {
  fixture = await openInspector();
  const jobId = await fixture.send('왜?');
  const slow = await open();
  slow.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
  await until(() => framesOf(slow.received).length === 2);
  slow.socket.pause();
  const closed = once(slow.socket, 'close');
  const piece = 'x'.repeat(256 * 1024);
  await until(() => {
    fixture.hub.text(jobId, piece, true);
    return fixture.listeners() === 0;
  });
  slow.socket.resume();
  await closed;
  await fixture.finish(jobId, '그래서');
  const again = await open();
  again.send({ type: 'gatehouse.watch', jobId, afterN: 2 });
  await until(() => framesOf(again.received).length === 2);
  expect(framesOf(again.received)).toEqual([3, 4]);
});

test('invalid messages of a page are ignored', async () => {
  fixture = await openInspector();
  const page = await open();
  page.socket.send('{');
  page.send({ type: 'gatehouse.watch', jobId: 7 });
  page.send({ type: 'gatehouse.gates', on: true });
  await until(() => page.received.some(({ type }) => type === 'gatehouse.gates'));
});
