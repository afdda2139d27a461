/** `GET /events`: the events of all jobs, stored and new, each once and in the order of the journal. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { isStateEvent, type OutgoingEvent } from '#shared/wire/document-event';
import type { StateEvent } from '#shared/wire/state-event';
import { eventRoutes } from '#http/routes/event-routes';
import { startServer } from '#http/server/server';
import { silentLog } from '#shared/log';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
let stop: AbortController;
beforeEach(async () => {
  fixture = await openCore();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await fixture.close();
});

function tail(from = 0): { events: StateEvent[]; ended: Promise<void> } {
  const events: StateEvent[] = [];
  const ended = fixture.client.followAll(
    from,
    (event) => void (isStateEvent(event) && events.push(event)),
    stop.signal,
  );
  return { events, ended };
}

const ask = async (user: string): Promise<StateEvent[]> => {
  fixture.small.script(direct('네'));
  return (await fixture.ask('안녕', { user_id: user })).events;
};

describe('the stream of all events', () => {
  test('begins with the stored events and continues with new events', async () => {
    const first = await ask('ann');
    const { events } = tail();
    await until(() => events.length === first.length);
    const second = await ask('bob');
    await until(() => events.length === first.length + second.length);
    expect(events).toEqual([...first, ...second]);
  });

  test('begins with new events for `from=now`, and returns its position in Last-Event-ID', async () => {
    const before = await ask('ann');
    const response = await fetch(`${fixture.core.url}/events?from=now`, { signal: stop.signal });
    const position = Number(response.headers.get('last-event-id'));
    expect(position).toBeGreaterThan(0);
    const events: OutgoingEvent[] = [];
    const positions: (number | null)[] = [];
    void fixture.client.followAll(
      null,
      (event, at) => {
        events.push(event);
        positions.push(at);
      },
      stop.signal,
    );
    let answered = 0;
    // The subscriber may connect after a job; jobs are submitted until it gets the events of a job.
    while (events.length === 0) {
      await ask(`bob${answered}`);
      answered += 1;
    }
    expect(events.every((event) => event.user_id.startsWith('bob'))).toBe(true);
    expect(events.map(({ id }) => id)).not.toContain(before[0]!.id);
    await until(() => positions.some((at) => at !== null && at > position));
  });

  test('has a last event of every job that equals the status of the job', async () => {
    for (const user of ['ann', 'bob', 'cid']) await ask(user);
    const { events } = tail();
    await until(() => events.filter((event) => event.type === 'done').length === 3);
    for (const event of events.filter((one) => one.type === 'done')) {
      const job = await fixture.client.job(event.job_id);
      expect(job).toMatchObject({ state: event.state, seq: event.seq, ...event.data });
    }
  });

  test('is resumed by the client after a restart of the core, without a missing or repeated event', async () => {
    await fixture.close();
    fixture = await openCore({ server: { port: await freePort() } });
    const first = await ask('ann');
    const { events } = tail();
    await until(() => events.length === first.length);
    await fixture.restart();
    const second = await ask('bob');
    await until(() => events.length >= first.length + second.length);
    expect(events.map((event) => event.id)).toEqual([...first, ...second].map((event) => event.id));
  });

  test('begins with all stored events when `from` is invalid', async () => {
    const first = await ask('ann');
    const response = await fetch(`${fixture.core.url}/events?from=x`, { signal: stop.signal });
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('event: done'))
      text += new TextDecoder().decode((await reader.read()).value);
    expect([...text.matchAll(/^event: /gm)]).toHaveLength(first.length);
  });
});

test('GET /events reads no further and leaks no listeners after its reader disconnects', async () => {
  const event = { type: 'token', user_id: 'ann', data: { text: '긴 글 '.repeat(4_000) } };
  let asked = 0;
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    apiKeys: [],
    log: silentLog(),
    ownerOf: async () => 'ann',
    routes: [
      eventRoutes({
        // An endless history.
        log: {
          positionAt: () => 0,
          after(pos, limit) {
            asked += 1;
            const rows = Array.from({ length: limit }, (_, n) => ({
              pos: pos + n + 1,
              events: [event as unknown as OutgoingEvent],
            }));
            return { rows, upTo: pos + limit };
          },
        },
        notifier: { subscribe: () => () => undefined },
        libraryOwner: (user) => user,
      }),
    ],
  });
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(async () => {
    process.off('warning', onWarning);
    await server.close();
  });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1.1 200 /);
  socket.destroy();
  const before = asked;
  // 20 other requests give the server enough turns of the event loop for any work that is left.
  for (let n = 0; n < 20; n += 1) await fetch(`${server.url}/nowhere`);
  expect(warnings).toEqual([]);
  expect(asked).toBeLessThanOrEqual(before + 1);
});
