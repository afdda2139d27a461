/** All faults of the fake NAS's API, as the client and the fake NAS see them. */
import { connect } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultQueue } from '#simulators/fault-queue';
import { stormFaults, type Fault } from '#simulators/synology-chat/api-faults';
import { failureOf, openNas, postPayload, type TestNas } from './fake-dsm-fixture.ts';

const post = (nas: TestNas, text = 'a') => postPayload(nas.apiUrl(), { text, user_ids: [4] });

describe('a fault', () => {
  test('with an error code is answered with status 200, and nothing is posted', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'error', code: 117, errors: 'busy' });
    expect(await post(nas)).toEqual({
      status: 200,
      body: { success: false, error: { code: 117, errors: 'busy' } },
    });
    expect((await post(nas)).body.success).toBe(true);
    expect(nas.requests().map((one) => one.fault)).toEqual(['error', null]);
  });

  test.each([302, 403, 404, 500, 503])(
    'of the web server is answered with an HTML page of status %i',
    async (status) => {
      const nas = await openNas();
      nas.fail({ kind: 'page', status });
      const body = JSON.stringify({ text: 'a', user_ids: [4] });
      const response = await fetch(nas.apiUrl(), { method: 'POST', body, redirect: 'manual' });
      expect(response.status).toBe(status);
      expect(response.headers.get('location')).toBe(status === 302 ? '/' : null);
      expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
      expect(nas.posts()).toEqual([]);
    },
  );

  test('of kind "nobody" is answered with success, and nothing is posted', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'nobody' });
    expect(await post(nas)).toEqual({
      status: 200,
      body: { success: true, data: { fail: [4], succ: { user_id_post_map: {} } } },
    });
    expect(nas.posts()).toEqual([]);
    expect((await post(nas)).body.success).toBe(true);
  });

  test.each([
    ['atOnce', 0],
    ['unstored', 0],
    ['stored', 1],
    ['answer', 1],
  ] as const)('that cuts the connection at "%s" leaves %i posts', async (at, posts) => {
    const nas = await openNas();
    nas.fail({ kind: 'cut', at });
    expect(await failureOf(post(nas))).not.toBe('answered');
    await nas.until(() => nas.requests().length === 1, 5_000);
    expect(nas.posts()).toHaveLength(posts);
    expect(nas.audit().lostAnswers).toEqual(nas.posts().map((one) => one.postId));
    expect(nas.requests()[0]).toMatchObject({ outcome: 'cut', httpStatus: null });
  });

  test('that cuts the connection in the middle of the response sends half of the body', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'cut', at: 'answer' });
    const { hostname, port } = new URL(nas.url);
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('utf8').on('data', (part: string) => (received += part));
    const body = JSON.stringify({ text: 'a', user_ids: [4] });
    const { pathname, search } = new URL(nas.apiUrl());
    socket.write(
      `POST ${pathname}${search} HTTP/1.1\r\nHost: nas\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'close');
    const [head, half] = received.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/.exec(head!)![1]);
    expect(half).toHaveLength(Math.ceil(length / 2));
  });

  test('of kind "slow" stores the post first, then sends the headers, then the body in pieces', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'slow', headersMs: 20, bodyMs: 100 });
    const answered = fetch(nas.apiUrl(), {
      method: 'POST',
      body: JSON.stringify({ text: 'a', user_ids: [4] }),
    });
    await nas.until(() => nas.posts().length === 1, 5_000);
    expect(nas.requests()).toEqual([]);
    const parts: string[] = [];
    for await (const part of (await answered).body!) parts.push(Buffer.from(part).toString());
    expect(parts.length).toBeGreaterThan(2);
    expect(JSON.parse(parts.join(''))).toMatchObject({ success: true });
  });

  test('of kind "slow" counts as a lost answer if the client aborts', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'slow', headersMs: 200, bodyMs: 0 });
    const client = new AbortController();
    const answered = fetch(nas.apiUrl(), {
      method: 'POST',
      body: JSON.stringify({ text: 'a', user_ids: [4] }),
      signal: client.signal,
    });
    await nas.until(() => nas.posts().length === 1, 5_000);
    client.abort();
    await failureOf(answered);
    await nas.until(() => nas.requests().length === 1, 5_000);
    expect(nas.audit().lostAnswers).toEqual([nas.posts()[0]!.postId]);
  });

  test('of kind "down" refuses connections for the given time', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'down', forMs: 100 });
    expect(await failureOf(post(nas))).not.toBe('answered');
    expect(await failureOf(post(nas))).toBe('ECONNREFUSED');
    await nas.until(() => nas.state().isListening, 5_000);
    expect((await post(nas)).body.success).toBe(true);
    expect(nas.requests().map((one) => one.outcome)).toEqual(['cut', 'success']);
  });

  test('applies only to its method and only the given number of times', async () => {
    const nas = await openNas();
    nas.fail({ kind: 'error', code: 100 }, { times: 2, method: 'user_list' });
    expect((await post(nas)).body.success).toBe(true);
    const codes: unknown[] = [];
    for (let n = 0; n < 3; n += 1) {
      codes.push((await postPayload(nas.apiUrl('Gatehouse', 'user_list'), {})).body.error?.code);
    }
    expect(codes).toEqual([100, 100, undefined]);
    nas.fail({ kind: 'error', code: 100 }, { times: Number.POSITIVE_INFINITY });
    nas.clearFaults();
    nas.wait();
    expect((await post(nas)).body.success).toBe(true);
  });
});

describe('refused connections', () => {
  test('are accepted again on request, and earlier posts are kept', async () => {
    const nas = await openNas();
    await post(nas);
    await nas.refuseConnections();
    expect(await failureOf(post(nas))).toBe('ECONNREFUSED');
    await nas.acceptConnections();
    nas.wait();
    expect((await post(nas)).body.success).toBe(true);
    expect(nas.posts()).toHaveLength(2);
  });
});

describe('a storm of faults', () => {
  const run = (seed: number, rate: number): (Fault | null)[] => {
    const faults = new FaultQueue<Fault, string>(stormFaults);
    faults.storm = { seed, rate };
    return Array.from({ length: 60 }, () => faults.take('chatbot'));
  };

  test('draws the same faults for the same seed, and a subset of them for a lower rate', () => {
    fc.assert(
      fc.property(fc.integer(), fc.float({ min: 0, max: 1, noNaN: true }), (seed, rate) => {
        const [faults, all] = [run(seed, rate), run(seed, 1)];
        expect(run(seed, rate)).toEqual(faults);
        expect(all.every((fault) => fault !== null)).toBe(true);
        for (const [n, fault] of faults.entries()) if (fault !== null) expect(fault).toBe(all[n]);
      }),
      { numRuns: 50 },
    );
    expect(run(1, 0.5)).not.toEqual(run(2, 0.5));
    expect(run(1, 0)).toEqual(Array(60).fill(null));
  });

  test('over real connections is recorded in an audit that agrees with the responses to the client', async () => {
    const nas = await openNas({ storm: { seed: 7, rate: 0.6 } });
    let known = 0;
    for (let n = 0; n < 60; n += 1) {
      nas.wait();
      // Each of the 60 requests must reach the NAS: wait while it is down.
      await nas.until(() => nas.state().isListening, 5_000);
      const answer = await post(nas, `text ${n}`).catch(() => null);
      if (answer?.body.success === true) known += 1;
    }
    await nas.until(() => nas.requests().length === 60, 5_000);
    const audit = nas.audit();
    expect(audit.requests).toBe(60);
    expect(audit.posts).toBe(known + audit.lostAnswers.length);
    expect(audit.lostAnswers.length).toBeGreaterThan(0);
    expect(audit.repeated).toEqual([]);
  });
});
