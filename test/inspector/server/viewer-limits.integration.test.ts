/** Limits of inspector clients: time slices, message sizes, rate limits, and disconnection when they flood. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { createRateLimiter } from '#http/server/rate-limiter';
import type { InspectorOptions } from '#inspector/server/inspector-context';
import { createTimeSlicer } from '#inspector/server/cooperative-scheduler';
import { openReaderAt } from '#inspector/server/what-if';
import { GatehouseError } from '#shared/errors';
import { until } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';
import { framesOf, openSocketClient } from './socket-client.ts';

let fixture: InspectorFixture;
afterEach(() => fixture.close());

/** The number of rows of each journal read, in order. */
let reads: number[];

async function open(change: Partial<InspectorOptions> = {}): Promise<void> {
  reads = [];
  const storage: InspectorOptions['storage'] = {
    find: (jobId) => fixture.storage.find(jobId),
    rows(num, part) {
      const rows = fixture.storage.rows(num, part);
      reads.push(rows.length);
      return rows;
    },
  };
  fixture = await openInspector({ storage, ...change });
}

const replayed = (): number => reads.reduce((sum, rows) => sum + rows, 0);

/** A waiting job with `edits * 2 + 4` rows. */
async function longJob(edits: number, text = ''): Promise<string> {
  const jobId = await fixture.send('내일 3시 치과 잡아줘');
  await fixture.draft(jobId);
  for (let n = 0; n < edits; n += 1) await fixture.edit(jobId, { title: `치과 ${n}`, text });
  return jobId;
}

const ann = { key: 'ann-key', user: 'ann' };
const headers = { authorization: `Bearer ${ann.key}` };

describe('a long job', () => {
  test('is replayed in slices, one slice per turn of the event loop for all clients together', async () => {
    await open();
    const jobId = await longJob(20);
    const parts = { storage: fixture.storage, slices: createTimeSlicer() };
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    const jobs = await Promise.all([1, 2, 3].map(() => openReaderAt(parts, jobId, 44, null)));
    isOver = true;
    expect(jobs.map(({ rowsRead: known }) => known)).toEqual([44, 44, 44]);
    expect(turns).toBeGreaterThanOrEqual(15);
  });

  test('is replayed once for a page that watches it repeatedly', async () => {
    await open();
    const jobId = await longJob(20);
    const page = await openSocketClient(fixture.url);
    for (let n = 0; n < 10; n += 1) {
      page.send({ type: 'gatehouse.watch', jobId, afterN: 1_000_000 });
      await until(() => page.count('gatehouse.check') === n + 1);
    }
    expect(replayed()).toBe(44);
    expect(Math.max(...reads)).toBeLessThanOrEqual(10);
    expect(framesOf(page.received)).toEqual([]);
    // After row 40 all stored rows are sent, then the new rows.
    page.send({ type: 'gatehouse.watch', jobId, afterN: 40 });
    await until(() => page.count('gatehouse.check') === 11);
    await fixture.edit(jobId, { title: '치과' });
    await until(() => framesOf(page.received).length === 6);
    expect(framesOf(page.received)).toEqual([41, 42, 43, 44, 45, 46]);
  });

  test('with much text is sent in pieces of less than 1 MiB that wait for the reader', async () => {
    await open();
    const jobId = await longJob(24, '가'.repeat(30_000));
    const page = await openSocketClient(fixture.url);
    const sizes: number[] = [];
    page.socket.on('message', (data) => sizes.push((data as Buffer).length));
    page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => page.count('gatehouse.check') === 1);
    expect(framesOf(page.received)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
    expect(page.received.find(({ type }) => type === 'gatehouse.check')).toMatchObject({
      ok: true,
    });
    // More than the limit of pending live messages; and each piece has one frame, or is small.
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(8 * 1024 * 1024);
    expect(Math.max(...sizes)).toBeLessThan(1024 * 1024);
  });

  test('is no longer sent to a reader that reads nothing within the time limit', async () => {
    await open({ readerTimeoutMs: 50 });
    const jobId = await longJob(16, '가'.repeat(60_000));
    const page = await openSocketClient(fixture.url);
    page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    page.socket.pause();
    await until(() => fixture.listeners() === 1);
    await until(() => fixture.listeners() === 0);
  });

  test('is charged by its rows to the rate limit of the watching user, and continues when the limit allows it', async () => {
    let [left, refused] = [3, 0];
    const limits = {
      checkKey: () => undefined,
      chargeUser(user: string, requests: number) {
        expect(user).toBe('ann');
        if (left < requests) {
          refused += 1;
          throw new GatehouseError('GH_REQUEST_TOO_MANY');
        }
        left -= requests;
      },
    };
    await open({ apiKeys: ['op', ann], limits });
    const jobId = await longJob(20);
    const page = await openSocketClient(fixture.url, { headers });
    page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => refused > 0 && framesOf(page.received).length === 30);
    const operator = await openSocketClient(fixture.url, {
      headers: { authorization: 'Bearer op' },
    });
    operator.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
    await until(() => framesOf(operator.received).length === 44);
    left = 100;
    await until(() => page.count('gatehouse.check') === 1);
    expect(framesOf(page.received)).toHaveLength(44);
    expect(left).toBe(98);
  });

  test('is charged by its rows to the rate limit of the user of what-if', async () => {
    const limits = createRateLimiter({
      requestsPerMinute: 10,
      wrongKeysPerMinute: 0,
      wrongCodesPerMinute: 0,
      openRequests: 0,
    });
    await open({ apiKeys: ['op', ann], limits });
    const jobId = await longJob(30);
    const path = `${fixture.url}/inspect/api/jobs/${jobId}`;
    const whatIf = async (n: number, key = ann.key): Promise<number> => {
      const body = JSON.stringify({ n, event: { type: 'cancel', by: 'me' } });
      const init = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body };
      return (await fetch(`${path}/what-if`, init)).status;
    };
    const choices = async (n: number): Promise<number> =>
      (await fetch(`${path}/choices?n=${n}`, { headers })).status;
    reads.length = 0;
    // The request itself covers ten rows; each further ten rows are charged as one more request.
    expect([await whatIf(1), replayed()]).toEqual([200, 1]);
    expect([await whatIf(61), await choices(41)]).toEqual([200, 200]);
    expect([await whatIf(11), await choices(11)]).toEqual([429, 429]);
    expect([await whatIf(9), await whatIf(61, 'op')]).toEqual([200, 200]);
  });
});

test('the check of a watched job fails when its first row cannot be replayed', async () => {
  await open();
  const jobId = await fixture.send('왜?');
  fixture.database.connection.prepare('update journal set at = 1e18 where n = 1').run();
  const page = await openSocketClient(fixture.url);
  page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
  await until(() => page.count('gatehouse.check') === 1);
  const check = page.received.find(({ type }) => type === 'gatehouse.check')!;
  expect(check).toMatchObject({ ok: false, rows: 0 });
  expect(String(check['differs'])).toContain('row 1: ');
});

test('the check of a watched job fails when a new row cannot be replayed', async () => {
  await open();
  const jobId = await fixture.send('왜?');
  const page = await openSocketClient(fixture.url);
  page.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
  await until(() => page.count('gatehouse.check') === 1);
  const row = fixture.database.connection.prepare(
    `insert into journal (job, n, at, event, value, seq, emitted)
     select job, 3, at, 'null', '"done"', 9, '[]' from journal where n = 2`,
  );
  row.run();
  await until(() => page.count('gatehouse.check') === 2);
  expect(page.received.findLast(({ type }) => type === 'gatehouse.check')).toMatchObject({
    ok: false,
    rows: 2,
  });
});

describe('a search', () => {
  test('scans jobs in slices of 500, is charged by the slices, and stops at the rate limit', async () => {
    let charged = 0;
    const limits = {
      checkKey: () => undefined,
      chargeUser: (_user: string, requests: number) => void (charged += requests),
    };
    await open({ apiKeys: ['op', ann], limits });
    const insert = fixture.database.connection.prepare(`
      insert into job (id, user_id, channel, conversation, message, input, machine_version, state, n, seq,
                       created_at, updated_at, ended_at)
      values (?, 'ann', 'http', 'c', 'm', '{}', 1, 'done', 1, 1, 1, 1, 1)`);
    fixture.database.connection.transaction(() => {
      for (let n = 0; n < 1_700; n += 1) insert.run(`job-${n}`);
    })();
    const ask = async (query: string): Promise<object> =>
      (await (
        await fetch(`${fixture.url}/inspect/api/jobs?${query}`, { headers })
      ).json()) as object;
    expect(await ask('q=nothing')).toEqual({ jobs: [], next_cursor: null, looked: 1_700 });
    expect(charged).toBe(3);
    // The same without words: no job has this state.
    expect(await ask('state=cancelled')).toEqual({ jobs: [], next_cursor: null, looked: 1_700 });
    expect(charged).toBe(6);
    limits.chargeUser = () => {
      throw new GatehouseError('GH_REQUEST_TOO_MANY');
    };
    expect(await ask('q=nothing')).toMatchObject({ jobs: [], looked: 500 });
  });
});

test('a program that floods the socket with actor messages is disconnected', async () => {
  await open();
  const guest = await openSocketClient(fixture.url, { protocols: [] });
  const page = await openSocketClient(fixture.url);
  page.send({ type: 'gatehouse.guests', on: true });
  const closed = once(guest.socket, 'close');
  const message = { type: '@xstate.snapshot', _version: '0.7.2', sessionId: 'x:1', rootId: 'x:1' };
  for (let n = 0; n < 1_000; n += 1) guest.send(message);
  expect((await closed)[0]).toBe(1006);
});
