/** A whole core on a real PostgreSQL. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { broker, connectClient, natsCommand, readEvents } from '#test/events/nats-fixture';
import { createLog, silentLog } from '#shared/log';
import { openSmallDisk } from '#test/chaos/small-disk';
import { direct, follow, openCore, type CoreFixture } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

let server: PostgresServer;

beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.remove());

async function openOnPostgres(
  change: Record<string, unknown> = {},
  log = silentLog(),
): Promise<CoreFixture> {
  const database = server.urlOf(await server.createDatabase());
  const fixture = await openCore({ database, ...change }, { log });
  onTestFinished(() => fixture.close());
  return fixture;
}

interface Seen {
  type: string;
  position: number | null;
}

/** The events of `GET /events` after a position, until `count` of them have come. */
async function readLog(fixture: CoreFixture, from: number, count: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  const enough = new AbortController();
  const all = fixture.client.followAll(
    from,
    ({ type }, position) => {
      seen.push({ type, position });
      if (seen.length === count) enough.abort();
    },
    AbortSignal.any([enough.signal, AbortSignal.timeout(20_000)]),
  );
  await all.catch(() => undefined);
  return seen;
}

const readyz = async ({ core }: CoreFixture): Promise<{ status: number; reasons: string[] }> => {
  const response = await fetch(`${core.url}/readyz`);
  const { reasons } = (await response.json()) as { reasons: string[] };
  return { status: response.status, reasons };
};

const post = ({ core }: CoreFixture, message: string): Promise<Response> =>
  fetch(`${core.url}/chat`, { method: 'POST', body: JSON.stringify({ message, user_id: 'ann' }) });

describe.skipIf(postgresMissing() !== null)('a core on PostgreSQL', () => {
  test('answers messages, keeps them over a restart, and shows their events at stable positions', async () => {
    const fixture = await openOnPostgres();
    fixture.small.script(direct('First.'), direct('Second.'));
    const first = await fixture.ask('How does a heat pump work?', { user_id: 'ann' });
    expect(first.end.data).toMatchObject({ reply: 'First.' });
    const second = await fixture.ask('And in winter?', { user_id: 'bob' });
    const total = first.events.length + second.events.length;
    const before = await readLog(fixture, 0, total);
    await fixture.restart();
    expect(await readLog(fixture, 0, total)).toEqual(before);
    const middle = before.find(({ position }) => position !== null)!;
    const rest = await readLog(fixture, middle.position!, total - before.indexOf(middle) - 1);
    expect(rest).toEqual(before.slice(before.indexOf(middle) + 1));
    expect(await fixture.client.job(first.jobId)).toMatchObject({ reply: 'First.' });
    fixture.small.script(direct('Third.'));
    expect((await fixture.ask('And now?', { user_id: 'ann' })).end.data).toMatchObject({
      reply: 'Third.',
    });
  });

  test('finishes a message after a restart in the middle of its answer', async () => {
    const fixture = await openOnPostgres();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await held;
      await says('cut')(exchange);
    }, direct('Whole.'));
    const jobId = await fixture.client.submit({ message: 'hello', user_id: 'ann' });
    await until(() => fixture.small.open > 0);
    await fixture.restart();
    release();
    const { end } = await follow(fixture.client, jobId);
    expect(end.data).toMatchObject({ reply: 'Whole.' });
  });

  test('refuses messages while the server is down, says so in /readyz, and heals by itself', async () => {
    const fixture = await openOnPostgres();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await held;
      await direct('Held.')(exchange);
    }, direct('After.'));
    const jobId = await fixture.client.submit({ message: 'hello', user_id: 'bob' });
    await until(() => fixture.small.open > 0);
    expect(await readyz(fixture)).toEqual({ status: 200, reasons: [] });
    await server.crash();
    const refused = await post(fixture, 'while it is down');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    const down = await readyz(fixture);
    expect(down.status).toBe(503);
    expect(down.reasons).toEqual([
      expect.stringMatching(/^storage: 127\.0\.0\.1:\d+\/test_\d+: the server cannot be reached/),
    ]);
    release();
    await server.start();
    await until(async () => (await readyz(fixture)).status === 200);
    expect((await follow(fixture.client, jobId)).end.data).toMatchObject({ reply: 'Held.' });
    expect((await fixture.ask('again', { user_id: 'ann' })).end.data).toMatchObject({
      reply: 'After.',
    });
  });

  test('answers 503 with a code while the disk of the server is full, loses nothing, and goes on when there is room', async ({
    skip,
  }) => {
    const disk = openSmallDisk(`/tmp/gatehouse-core-disk-${process.pid}`);
    onTestFinished(() => {
      disk.unmount();
      rmSync(disk.path, { recursive: true, force: true });
    });
    if (!disk.canFill) return skip('no right to mount a small disk');
    // The data of this database; the server's log of writes has room, so the server goes on.
    server.adopt(disk.path);
    await server.run(`create tablespace small location '${disk.path}'`);
    const name = await server.createDatabase('tablespace small');
    const fixture = await openCore({ database: server.urlOf(name) });
    fixture.small.script(...Array.from({ length: 500 }, () => direct('Good.')));
    const accepted: string[] = [];
    const send = async (): Promise<Response> => {
      // Random: PostgreSQL compresses long texts.
      const noise = Array.from({ length: 300 }, () => Math.random().toString(36)).join(' ');
      const response = await post(fixture, `hello ${noise}`);
      if (response.status === 202) {
        const { job_id: id } = (await response.json()) as { job_id: string };
        accepted.push(id);
        await until(async () => ['done', 'failed'].includes((await fixture.client.job(id)).state));
      }
      return response;
    };
    await send();
    disk.fill(64 * 1024);
    let refused = await send();
    while (refused.status === 202) refused = await send();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    disk.free();
    expect((await send()).status).toBe(202);
    await until(async () => (await readyz(fixture)).status === 200);
    const { rows } = await server.run('select id, outcome, reply from job', name);
    const stored = rows.map(({ id, outcome, reply }) => `${id} ${outcome} ${reply}`);
    expect(stored.toSorted()).toEqual(accepted.map((id) => `${id} answered Good.`).toSorted());
    await fixture.close();
    await server.run(`drop database ${name} with (force)`);
    await server.run('drop tablespace small');
  });

  test('stops when a second core takes its database over, and the second one goes on', async () => {
    const fixture = await openOnPostgres();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await held;
      await says('of the first')(exchange);
    }, direct('Of the second.'));
    const jobId = await fixture.client.submit({ message: 'hello', user_id: 'ann' });
    await until(() => fixture.small.open > 0);
    const second = await fixture.startAnother();
    onTestFinished(() => second.stop());
    expect(await fixture.core.lost).toMatchObject({
      code: 'GH_STORE_FENCED',
      message: expect.stringMatching(/another process has taken this database over/) as string,
    });
    expect((await readyz(fixture)).status).toBe(503);
    expect((await post(fixture, 'to the first')).status).toBe(503);
    release();
    await until(async () => (await second.jobService.get(jobId)).state === 'done');
    expect(await second.jobService.get(jobId)).toMatchObject({ reply: 'Of the second.' });
  });

  test.skipIf(natsCommand === null)('publishes its events to NATS in the same order', async () => {
    const nats = await broker();
    const fixture = await openOnPostgres({ nats: { mode: 'external', url: nats.url } });
    fixture.small.script(direct('One.'), direct('Two.'));
    const all = [await fixture.ask('one'), await fixture.ask('two')];
    const total = all.reduce((sum, { events }) => sum + events.length, 0);
    // Bounded: a loaded machine may need longer for the first connection.
    await until(() => fixture.core.messaging.flush());
    const { events } = await readEvents(await connectClient(nats), total);
    expect(events.map(({ job_id, seq }) => [job_id, seq])).toEqual(
      all.flatMap(({ events: own }) => own.map(({ job_id, seq }) => [job_id, seq])),
    );
    const nc = await connectClient(nats);
    fixture.small.script(direct('Over NATS.'));
    const reply = await nc.request(
      'gatehouse.v1.svc.job.submit',
      JSON.stringify({ message: 'hi' }),
    );
    const { job_id } = reply.json<{ job_id: string }>();
    expect((await follow(fixture.client, job_id)).end.data).toMatchObject({ reply: 'Over NATS.' });
  });

  test('logs no password', async () => {
    const lines: string[] = [];
    const log = createLog({ level: 'debug', pretty: false }, { write: (line) => lines.push(line) });
    const fixture = await openOnPostgres({}, log);
    await server.crash();
    await post(fixture, 'while it is down');
    await server.start();
    const { password } = server.role;
    expect(lines.join('')).not.toContain(password);
    expect(lines.join('')).not.toContain(encodeURIComponent(password));
  });
});
