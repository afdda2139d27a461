/** The HTTP API for clients: its answers to good and bad input, and no accepted message is lost. */
import { createServer } from 'node:net';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#shared/log';
import { startCore } from '#app/core';
import type { TokenChunk } from '#shared/wire/state-event';
import { isInCluster } from '#test/support/core-in-cluster';
import { direct, follow, openCore, routed, type CoreFixture } from '#test/support/core';
import { says, stalls, stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${fixture.core.url}${path}`, {
    method: 'POST',
    body: body as string,
    headers: { 'content-type': 'application/json', ...headers },
  });

const problem = async (response: Response): Promise<[number, string]> => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as { code: string; status: number };
  expect(body.status).toBe(response.status);
  return [response.status, body.code];
};

const jobCount = async () => (await fixture.client.jobs({ limit: '500' })).jobs.length;

describe('bad input', () => {
  test.each([
    ['nothing', '', 400, 'GH_REQUEST_INVALID'],
    ['what is not JSON', '{"message": ', 400, 'GH_REQUEST_NOT_JSON'],
    ['a list', '[]', 400, 'GH_REQUEST_INVALID'],
    ['no message', '{}', 400, 'GH_REQUEST_INVALID'],
    ['a message that is a number', '{"message": 7}', 400, 'GH_REQUEST_INVALID'],
    ['an empty message', '{"message": ""}', 400, 'GH_REQUEST_EMPTY'],
    ['a message of blanks', '{"message": " \\n\\t "}', 400, 'GH_REQUEST_EMPTY'],
    [
      'a message over the limit',
      JSON.stringify({ message: '가'.repeat(8_001) }),
      400,
      'GH_REQUEST_TOO_LONG',
    ],
    [
      'a message of a megabyte',
      JSON.stringify({ message: 'x'.repeat(1_048_576) }),
      400,
      'GH_REQUEST_TOO_LONG',
    ],
    [
      'a body of five megabytes',
      JSON.stringify({ message: 'x'.repeat(5_242_880) }),
      413,
      'GH_REQUEST_TOO_LARGE',
    ],
    [
      'a channel that no subject can carry',
      '{"message": "hi", "channel": "a b"}',
      400,
      'GH_REQUEST_INVALID',
    ],
    ['an empty user', '{"message": "hi", "user_id": ""}', 400, 'GH_REQUEST_INVALID'],
  ])(
    '%s is refused with its error code, and no job is created',
    async (_what, body, status, code) => {
      const response = await post('/chat', body);
      expect(await problem(response)).toEqual([status, code]);
      expect(await jobCount()).toBe(0);
    },
  );

  test('bytes that are not UTF-8 are refused', async () => {
    const bytes = new Uint8Array([
      ...Buffer.from('{"message": "'),
      0xff,
      0xfe,
      ...Buffer.from('"}'),
    ]);
    expect(await problem(await post('/chat', bytes))).toEqual([400, 'GH_REQUEST_NOT_JSON']);
  });

  test('half a surrogate pair is stored as U+FFFD, a NUL as it is, and the job is answered', async () => {
    fixture.small.script(direct('네'));
    const { events, end } = await fixture.ask('a\ud800b\u0000c');
    expect(events[0]!.data['text']).toBe('a\ufffdbc');
    expect(end.data['outcome']).toBe('answered');
  });

  test('an unknown job id is answered with 404 on every route of a job', async () => {
    for (const path of [
      '/chat/nobody',
      '/chat/nobody/status',
      '/chat/nobody/stream',
      '/jobs/nobody/events',
    ]) {
      expect(await problem(await fetch(`${fixture.core.url}${path}`))).toEqual([
        404,
        'GH_JOB_NOT_FOUND',
      ]);
    }
    for (const verb of ['cancel', 'confirm', 'reject']) {
      expect(await problem(await post(`/chat/nobody/${verb}`, ''))).toEqual([
        404,
        'GH_JOB_NOT_FOUND',
      ]);
    }
  });

  test('a malformed URL is answered with a problem document', async () => {
    expect(await problem(await fetch(`${fixture.core.url}/chat/%zz`))).toEqual([
      404,
      'GH_REQUEST_NOT_FOUND',
    ]);
  });

  test('an unknown path is answered with 404, and an invalid cursor with 400', async () => {
    expect(await problem(await fetch(`${fixture.core.url}/nowhere`))).toEqual([
      404,
      'GH_REQUEST_NOT_FOUND',
    ]);
    expect(await problem(await fetch(`${fixture.core.url}/jobs?cursor=x`))).toEqual([
      400,
      'GH_REQUEST_INVALID',
    ]);
  });
});

describe('a message to POST /chat', () => {
  test('that is sent three times with one idempotency key is one job', async () => {
    fixture.small.script(stalls());
    const body = { message: '안녕', idempotency_key: 'k1' };
    const ids = await Promise.all([1, 2, 3].map(() => fixture.client.submit(body)));
    expect(new Set(ids).size).toBe(1);
    expect(await jobCount()).toBe(1);
  });

  test('is another job when user and key differ, even if the two joined by a colon are equal', async () => {
    const first = await fixture.client.submit({
      message: '하나',
      user_id: 'x',
      idempotency_key: 'y:z',
    });
    const second = await fixture.client.submit({
      message: '둘',
      user_id: 'x:y',
      idempotency_key: 'z',
    });
    expect(second).not.toBe(first);
  });

  test('with the idempotency key of another user is another job', async () => {
    const ids = await Promise.all(
      ['ann', 'bob'].map((user) =>
        fixture.client.submit({ message: '안녕', user_id: user, idempotency_key: 'k' }),
      ),
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('is refused with 429 and retry-after when the queue is full, and the queued messages are kept', async () => {
    await fixture.close();
    fixture = await openCore({ jobs: { maxConcurrent: 1, maxQueued: 2 } });
    fixture.small.script(stalls());
    for (const user of ['a', 'b', 'c'])
      await fixture.client.submit({ message: '안녕', user_id: user });
    const refused = await post('/chat', JSON.stringify({ message: '안녕', user_id: 'd' }));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await problem(refused)).toEqual([429, 'GH_JOB_QUEUE_FULL']);
    const stats = await (await fetch(`${fixture.core.url}/queue/stats`)).json();
    // The queue is that of the worker that runs the jobs.
    if (!isInCluster) expect(stats).toMatchObject({ queued: 2, running: 1 });
    expect(await jobCount()).toBe(3);
  });

  test('whose job has ended cannot be cancelled, confirmed or rejected: 409', async () => {
    fixture.small.script(direct('네'));
    const { jobId } = await fixture.ask('안녕');
    for (const verb of ['cancel', 'confirm', 'reject']) {
      expect(await problem(await post(`/chat/${jobId}/${verb}`, ''))).toEqual([
        409,
        'GH_JOB_CONFLICT',
      ]);
    }
  });
});

describe('the stream of a job', () => {
  const read = async (jobId: string, headers: Record<string, string>): Promise<string> =>
    (await fetch(`${fixture.core.url}/chat/${jobId}/stream`, { headers })).text();

  test('has all events from the first to the last, and can be read again', async () => {
    fixture.small.script(direct('네'));
    const { jobId, events } = await fixture.ask('안녕');
    const text = await read(jobId, {});
    expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
      events.map((event) => event.seq),
    );
  });

  test('continues after Last-Event-ID, and begins at the first event when that is invalid', async () => {
    fixture.small.script(direct('네'));
    const { jobId, events } = await fixture.ask('안녕');
    const idsAfter = async (id: string) =>
      [...(await read(jobId, { 'last-event-id': id })).matchAll(/^id: (\d+)$/gm)].length;
    expect(await idsAfter('2')).toBe(events.length - 2);
    expect(await idsAfter(String(events.length))).toBe(0);
    for (const nonsense of ['x', '-1', '1e99', ''])
      expect(await idsAfter(nonsense)).toBe(events.length);
  });

  test('begins at the first event for a Last-Event-ID that is beyond the last event, and ends', async () => {
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽 답'));
    const jobId = await fixture.client.submit({ message: '왜 하늘은 파래?' });
    await until(async () => (await fixture.core.jobService.text(jobId)).text === '반쪽 답');
    const reads = [read(jobId, { 'last-event-id': '999' })];
    await fixture.client.controlJob(jobId, 'cancel');
    await until(async () => (await fixture.client.job(jobId)).state === 'cancelled');
    reads.push(read(jobId, { 'last-event-id': '999' }));
    const all = (await fixture.client.events(jobId)).map(({ seq }) => String(seq));
    for (const text of await Promise.all(reads)) {
      expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(all);
    }
  });

  test('sends the text written so far to a client that connects late', async () => {
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽 답'));
    const jobId = await fixture.client.submit({ message: '왜 하늘은 파래?' });
    await until(async () => (await fixture.core.jobService.text(jobId)).text === '반쪽 답');
    const tokens: TokenChunk[] = [];
    const late = fixture.client.follow(
      jobId,
      { event: () => undefined, token: (chunk) => tokens.push(chunk), lost: () => undefined },
      AbortSignal.timeout(20_000),
    );
    await until(() => tokens.length > 0);
    await fixture.client.controlJob(jobId, 'cancel');
    await late;
    expect(tokens[0]).toMatchObject({ off: 0, content: '반쪽 답' });
  });

  test('sends every event once and in order to many readers at once', async () => {
    fixture.small.script(routed);
    fixture.large.script(says('긴 답 '.repeat(50)));
    const jobId = await fixture.client.submit({ message: '왜 하늘은 파래?' });
    const all = await Promise.all(Array.from({ length: 20 }, () => follow(fixture.client, jobId)));
    for (const { events } of all) {
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
      expect(events).toEqual(all[0]!.events);
    }
  });
});

describe('the listing of jobs and events', () => {
  test('has pages with the newest job first, and is filtered by state and user', async () => {
    fixture.small.script(...['a', 'b', 'c'].map(() => direct('네')));
    for (const user of ['ann', 'ann', 'bob']) await fixture.ask('안녕', { user_id: user });
    const first = await fixture.client.jobs({ limit: '2' });
    expect(first.jobs).toHaveLength(2);
    const second = await fixture.client.jobs({ limit: '2', cursor: first.next_cursor! });
    expect(second.jobs).toHaveLength(1);
    const ids = [...first.jobs, ...second.jobs].map((job) => job.job_id);
    expect(ids).toEqual([...ids].sort().toReversed());
    expect((await fixture.client.jobs({ user_id: 'ann' })).jobs).toHaveLength(2);
    expect((await fixture.client.jobs({ state: 'done' })).jobs).toHaveLength(3);
    expect((await fixture.client.jobs({ state: 'reason' })).jobs).toHaveLength(0);
  });

  test('is filtered by outcome, and an unknown outcome or state is refused with the known values', async () => {
    fixture.small.script(direct('네'));
    await fixture.ask('안녕');
    const ids = async (query: string): Promise<number> => {
      const response = await fetch(`${fixture.core.url}/jobs?${query}`);
      return ((await response.json()) as { jobs: unknown[] }).jobs.length;
    };
    expect(await ids('outcome=answered')).toBe(1);
    expect(await ids('outcome=answered&state=done')).toBe(1);
    expect(await ids('outcome=failed')).toBe(0);
    expect(await ids('outcome=cancelled')).toBe(0);
    const detailOf = async (query: string): Promise<unknown> => {
      const response = await fetch(`${fixture.core.url}/jobs?${query}`);
      expect(response.status).toBe(400);
      return ((await response.json()) as { detail: unknown }).detail;
    };
    expect(await detailOf('outcome=done')).toBe(
      'outcome: expected one of answered, clarified, declined, failed, cancelled',
    );
    expect(await detailOf('state=answered')).toContain('state: expected one of ack, classify');
    expect(await detailOf('state=')).toContain('state: expected one of');
  });

  test('has all events of one job, and the status of the job has its reply and timings', async () => {
    fixture.small.script(direct('네'));
    const { jobId, events } = await fixture.ask('안녕');
    expect(await fixture.client.events(jobId)).toEqual(events);
    const job = await fixture.client.job(jobId);
    expect(job).toMatchObject({
      state: 'done',
      outcome: 'answered',
      reply: '네',
      seq: events.length,
      queue: null,
    });
    expect(Object.keys(job.timings)).toEqual(['ack', 'classify', 'done']);
  });
});

describe('the HTTP server', () => {
  test('requires an API key where keys are configured, except on /healthz', async () => {
    await fixture.close();
    fixture = await openCore({ server: { port: 0, apiKeys: ['secret-1', 'secret-2'] } });
    const get = (path: string, key?: string) =>
      fetch(
        `${fixture.core.url}${path}`,
        key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
      );
    expect((await get('/healthz')).status).toBe(200);
    expect(await problem(await get('/jobs'))).toEqual([401, 'GH_REQUEST_UNAUTHORIZED']);
    expect(await problem(await get('/jobs', 'secret-3'))).toEqual([401, 'GH_REQUEST_UNAUTHORIZED']);
    expect((await get('/jobs', 'secret-2')).status).toBe(200);
  });

  test('without API keys refuses a page of another site and a foreign Host header', async () => {
    const foreign = await post('/chat', '{"message":"hi"}', { origin: 'https://evil.example' });
    expect(await problem(foreign)).toEqual([401, 'GH_REQUEST_UNAUTHORIZED']);
    expect(await rebound(fixture.core.url)).toBe(401);
    expect(await jobCount()).toBe(0);
  });

  test('does not start on a network address without an API key', async () => {
    await expect(openCore({ server: { host: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
      code: 'GH_CONFIG_INVALID',
    });
  });

  test('does not start on a port in use, and names the port', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(openCore({ server: { port } })).rejects.toMatchObject({
      code: 'GH_SERVER_PORT',
      message: `127.0.0.1:${port} is in use`,
    });
    await new Promise((resolve) => taken.close(resolve));
  });

  // Workers of a cluster share their database.
  test.skipIf(isInCluster)(
    'does not start with a database that another core owns, and names the process',
    async () => {
      await expect(startCore({ config: fixture.config, log: silentLog() })).rejects.toMatchObject({
        code: 'GH_STORE_LOCKED',
        message: expect.stringContaining(String(process.pid)),
      });
    },
  );
});

/** The status of a request with a foreign Host header, as in a DNS rebinding attack. */
function rebound(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${url}/jobs`, { headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the status routes', () => {
  test('report health, readiness, the backends with their gates, and metrics', async () => {
    const get = async (path: string) =>
      (await fetch(`${fixture.core.url}${path}`)).json() as Promise<never>;
    expect(await get('/healthz')).toEqual({ status: 'ok' });
    await until(async () => (await fetch(`${fixture.core.url}/readyz`)).status === 200);
    expect(await get('/backends')).toMatchObject({
      backends: [
        { id: 'small', gate: { state: 'idle' }, load: 'free' },
        { id: 'large', gate: { state: 'idle' } },
      ],
    });
    const metrics = await (await fetch(`${fixture.core.url}/metrics`)).text();
    expect(metrics).toContain('gatehouse_jobs_running 0');
  });

  test('answer 503 with the reason on /readyz when every backend is down', async () => {
    await fixture.close();
    fixture = await openCore(() => ({
      backends: [{ id: 'gone', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' }],
      roles: {},
    }));
    await until(async () => (await fetch(`${fixture.core.url}/readyz`)).status === 503);
    const body = (await (await fetch(`${fixture.core.url}/readyz`)).json()) as {
      reasons: string[];
    };
    expect(body.reasons).toEqual(['backend gone: does not answer']);
  });
});
