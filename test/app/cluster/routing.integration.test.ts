/** Two real workers on one PostgreSQL and one NATS server: any of them answers for all persons. */
import { isDeepStrictEqual } from 'node:util';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterView } from '#shared/wire/cluster-view';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { familiesOf, valueOf } from '#test/observability/metrics/exposition';
import { connectClient, natsCommand, readEvents } from '#test/events/nats-fixture';
import {
  openTestCluster,
  untilShared,
  userOf,
  workerIdOf,
  type TestCluster,
  type TestWorker,
} from '#test/support/cluster';
import { direct, follow, routed } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { pausesAfter, says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { reminder } from '#test/support/schedules';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

describe.skipIf(missing !== null)('two workers', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  async function openTwo(): Promise<{ cluster: TestCluster; a: TestWorker; b: TestWorker }> {
    const cluster = await openTestCluster(server);
    const [a, b] = [await cluster.start(), await cluster.start()];
    await untilShared(cluster, [a, b]);
    return { cluster, a, b };
  }

  test('answer a message that came to the one for a person of the other, with its stream at both', async () => {
    const { cluster, a, b } = await openTwo();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    cluster.small.script(routed);
    cluster.large.script(async (exchange) => {
      await held;
      await says('One two three four five six.', { wordMs: 20 })(exchange);
    });
    const jobId = await a.client.submit({ message: 'explain the tides to me', user_id: userOf(b) });
    const streams = Promise.all([follow(a.client, jobId), follow(b.client, jobId)]);
    await until(() => cluster.large.open > 0);
    release();
    const [here, there] = await streams;
    expect(here.end.data).toMatchObject({ reply: 'One two three four five six.' });
    expect(here.events).toEqual(there.events);
    expect(here.events.map(({ seq }) => seq)).toEqual(here.events.map((_, index) => index + 1));
    // The text comes while it is written, wherever that is.
    for (const { tokens } of [here, there]) {
      expect(tokens.length).toBeGreaterThan(2);
      expect(textOf(tokens)).toBe('One two three four five six.');
    }
  });

  test('show the text so far and the place in the queue of a job of the other', async () => {
    const { cluster, a, b } = await openTwo();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    cluster.small.script(routed);
    cluster.large.script(pausesAfter('Begin. ', held, 'End.'));
    const jobId = await a.client.submit({ message: 'explain the tides to me', user_id: userOf(b) });
    await until(async () => (await a.core.jobService.text(jobId)).text === 'Begin. ');
    expect(await b.core.jobService.text(jobId)).toEqual(await a.core.jobService.text(jobId));
    release();
    await until(async () => (await a.client.job(jobId)).reply === 'Begin. End.');
  });

  test('use an idempotency key once, whichever of them gets the message', async () => {
    const { cluster, a, b } = await openTwo();
    cluster.small.script(direct('Once.'), direct('Twice.'));
    const body = { message: 'hello', user_id: userOf(b), idempotency_key: 'k1' };
    const ids = await Promise.all([a, b, a, b].map(({ client }) => client.submit(body)));
    expect(new Set(ids).size).toBe(1);
    expect((await follow(a.client, ids[0]!)).end.data).toMatchObject({ reply: 'Once.' });
    expect(cluster.small.requests).toHaveLength(1);
  });

  test('carry out what a person decides about a draft of the other', async () => {
    const { cluster, a, b } = await openTwo();
    const user_id = userOf(b);
    cluster.small.script(wantsDentist, wantsDentist, wantsDentist);
    const message = dentistMessage;
    const draft = async (): Promise<string> => {
      const jobId = await a.client.submit({ message, user_id });
      await until(async () => (await a.client.job(jobId)).state === 'confirm-draft');
      return jobId;
    };
    const first = await draft();
    expect(await a.client.submit({ message: '확인', user_id })).toBe(first);
    await until(async () => (await a.client.job(first)).reply !== null);
    expect(await a.client.job(first)).toMatchObject({ state: 'done', outcome: 'answered' });
    const second = await draft();
    await a.client.controlJob(second, 'reject');
    await until(async () => (await a.client.job(second)).reply !== null);
    const third = await draft();
    await a.client.controlJob(third, 'cancel');
    expect(await b.client.job(third)).toMatchObject({ state: 'cancelled' });
    await expect(a.client.controlJob(third, 'cancel')).rejects.toThrow('GH_JOB_CONFLICT');
    await expect(a.client.controlJob('no-such-job', 'cancel')).rejects.toThrow('GH_JOB_NOT_FOUND');
  });

  test('store documents, memos and large texts of persons of the other', async () => {
    const { a, b } = await openTwo();
    const user_id = userOf(b);
    const text = `Tides ${'물때표 '.repeat(100_000)}`;
    const document = await a.client.request<{ id: string }>('POST', '/documents', {
      text,
      user_id,
    });
    const path = `/documents/${document.id}?user_id=${user_id}`;
    expect(await b.client.request('GET', path)).toMatchObject({ extracted_text: text });
    const memo = await a.client.request<{ id: string }>('POST', '/memos', {
      text: 'Buy milk',
      user_id,
    });
    await a.client.request('PATCH', `/memos/${memo.id}`, { text: 'Buy oat milk', user_id });
    const memos = await b.client.request<{ memos: { head: string }[] }>(
      'GET',
      `/memos?user_id=${user_id}`,
    );
    expect(memos.memos.map(({ head }) => head)).toEqual(['Buy oat milk']);
  });

  test('show in their metrics and at /cluster who owns what: each lease once', async () => {
    const { cluster, a, b } = await openTwo();
    const scrape = async ({ core }: TestWorker) =>
      familiesOf(await (await fetch(`${core.url}/metrics`)).text());
    let scrapes: Awaited<ReturnType<typeof scrape>>[] = [];
    const sum = (name: string, labels: Record<string, string> = {}): number =>
      scrapes.reduce((all, families) => all + valueOf(families, name, labels), 0);
    // Each knows the leases as of its last beat.
    await expect
      .poll(async () => {
        scrapes = [await scrape(a), await scrape(b)];
        return sum('gatehouse_cluster_free_leases');
      })
      .toBe(0);
    expect(sum('gatehouse_cluster_partitions')).toBe(64);
    expect(sum('gatehouse_cluster_workers')).toBe(4);
    const roles = [...(await cluster.owners()).keys()].filter((name) => name.startsWith('role/'));
    expect(roles.length).toBeGreaterThan(4);
    for (const role of roles)
      expect(sum('gatehouse_cluster_role', { role: role.slice(5) }), role).toBe(1);
    for (const backend of ['small', 'large'])
      expect(sum('gatehouse_cluster_gate_arbiter', { backend })).toBe(1);
    expect(sum('gatehouse_cluster_handovers_total')).toBeGreaterThan(0);
    expect(sum('gatehouse_cluster_takeovers_total')).toBe(0);

    const seen = async ({ client }: TestWorker): Promise<ClusterView> =>
      (await client.request<{ cluster: ClusterView }>('GET', '/cluster')).cluster;
    expect([(await seen(a)).self, (await seen(b)).self]).toEqual([workerIdOf(a), workerIdOf(b)]);
    const listed = async (worker: TestWorker) =>
      (await seen(worker)).leases.toSorted((one, two) => (one.name < two.name ? -1 : 1));
    await until(async () => isDeepStrictEqual(await listed(a), await listed(b)));
    a.core.cluster?.fenced([0]);
    for (const view of [await seen(a), await seen(b)]) {
      const fenced = view.workers.map(({ id, counters }) => [id, counters?.fenced_commits]);
      expect(new Map(fenced as [string, number][])).toEqual(
        new Map([
          [workerIdOf(a), 1],
          [workerIdOf(b), 0],
        ]),
      );
    }
  });

  test('draft with one of them, which is paused and resumed from any', async () => {
    const { cluster, a, b } = await openTwo();
    const drafters = async (): Promise<TestWorker[]> => {
      const owner = (await cluster.owners()).get('role/drafts');
      return [a, b].filter((worker) => workerIdOf(worker) === owner);
    };
    const [drafter] = await drafters();
    const other = drafter === a ? b : a;
    await other.client.request('POST', '/drafts/pause', {});
    expect(await drafter!.client.request('GET', '/drafts')).toMatchObject({ paused: true });
    expect(await other.client.request('GET', '/drafts')).toMatchObject({ paused: true });
    const user_id = userOf(other);
    const text = 'Notes about the tides, and the moon, and the harbour of Incheon.';
    const memo = await other.client.request<{ id: string }>('POST', '/memos', { text, user_id });
    await other.client.request('POST', `/memos/${memo.id}/promote-to-document`, { user_id });
    cluster.small.script(says('# Tides'));
    await other.client.request('POST', '/drafts/resume', {});
    const path = `/documents/${memo.id}?user_id=${user_id}`;
    await until(async () => {
      const { md_content: content } = await other.client.request<{ md_content: string | null }>(
        'GET',
        path,
      );
      return content?.includes('Tides') === true;
    });
    await other.client.request('POST', `/documents/${memo.id}/draft/accept`, { user_id });
    expect(await drafter!.client.request('GET', path)).toMatchObject({
      md_draft_status: 'accepted',
    });
  });

  test('fire a reminder once, also one that was set at the other worker', async () => {
    const { a, b } = await openTwo();
    const due = new Date(Date.now() + 2_000 + 9 * 3_600_000).toISOString().slice(0, 19);
    const users = [userOf(a, 'ann'), userOf(b, 'bob')];
    for (const userId of users) {
      await a.core.schedules.schedules.create({
        ...reminder({ userId, text: 'Water the plants' }),
        rule: { once: due },
        zone: 'Asia/Seoul',
      });
    }
    for (const user_id of users) {
      const fired = async () => (await b.client.jobs({ user_id })).jobs;
      await until(async () => (await fired())[0]?.state === 'done');
      expect((await fired()).map(({ reply }) => reply)).toEqual([
        expect.stringContaining('Water the plants'),
      ]);
    }
  });

  test('list all events in one order, the same at each', async () => {
    const { cluster, a, b } = await openTwo();
    cluster.small.script(...Array.from({ length: 8 }, (_, index) => direct(`Answer ${index}`)));
    const users = [userOf(a, 'ann'), userOf(b, 'bob')];
    const jobs = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        [a, b][index % 2]!.client.submit({
          message: `hello ${index}`,
          user_id: users[(index >> 1) % 2],
        }),
      ),
    );
    const ends = await Promise.all(jobs.map((jobId) => follow(a.client, jobId)));
    const total = ends.reduce((sum, { events }) => sum + events.length, 0);
    const lists = await Promise.all([a, b].map((worker) => readAll(worker, total)));
    expect(lists[0]).toEqual(lists[1]);
    for (const [index, jobId] of jobs.entries()) {
      const own = lists[0]!.filter(({ job_id }) => job_id === jobId).map(({ seq }) => seq);
      expect(own).toEqual(ends[index]!.events.map(({ seq }) => seq));
    }
  });

  test('answer requests and durable submits over NATS, and publish each event once', async () => {
    const { cluster, a, b } = await openTwo();
    const nc = await connectClient(cluster.nats);
    const users = [userOf(a, 'ann'), userOf(b, 'bob')];
    cluster.small.script(...Array.from({ length: 12 }, () => direct('Over NATS.')));
    const requested = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const body = JSON.stringify({ message: 'hi', user_id: users[index % 2] });
        return (await nc.request('gatehouse.v1.svc.job.submit', body)).json<{ job_id: string }>()
          .job_id;
      }),
    );
    const js = jetstream(nc);
    for (const [index, user_id] of [...users, ...users].entries()) {
      const body = JSON.stringify({ message: 'hi', user_id, idempotency_key: `d${index}` });
      await js.publish('gatehouse.v1.cmd.submit.desk', body);
    }
    await until(async () => (await a.client.jobs({ limit: '50' })).jobs.length === 12);
    const { jobs } = await a.client.jobs({ limit: '50' });
    const ends = await Promise.all(jobs.map(({ job_id }) => follow(b.client, job_id)));
    expect(requested.every((id) => jobs.some(({ job_id }) => job_id === id))).toBe(true);
    const total = ends.reduce((sum, { events }) => sum + events.length, 0);
    const { events } = await readEvents(nc, total);
    expect(new Set(events.map(({ id }) => id)).size).toBe(total);
  });

  test('answer over the OpenAI interface for a person of the other', async () => {
    const { cluster, a, b } = await openTwo();
    cluster.small.script(direct('Compatible.'), direct('Streamed.'));
    const ask = (stream: boolean): Promise<Response> =>
      fetch(`${a.core.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'gatehouse',
          user: userOf(b),
          messages: [{ role: 'user', content: 'hello' }],
          stream,
        }),
      });
    const whole = (await (await ask(false)).json()) as {
      choices: { message: { content: string } }[];
    };
    expect(whole.choices[0]!.message.content).toBe('Compatible.');
    expect(await (await ask(true)).text()).toContain('Streamed.');
  });
});

/** The text that a reader of the chunks has. */
function textOf(tokens: readonly TokenChunk[]): string {
  let text = '';
  for (const { off, content } of tokens) text = text.slice(0, off) + content;
  return text;
}

async function readAll(
  { client }: TestWorker,
  count: number,
): Promise<{ job_id: string; seq: number }[]> {
  const seen: { job_id: string; seq: number }[] = [];
  const enough = new AbortController();
  const all = client.followAll(
    0,
    (event) => {
      const { job_id, seq } = event as StateEvent;
      seen.push({ job_id, seq });
      if (seen.length === count) enough.abort();
    },
    AbortSignal.any([enough.signal, AbortSignal.timeout(20_000)]),
  );
  await all.catch(() => undefined);
  return seen;
}
