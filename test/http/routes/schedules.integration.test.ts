/** Schedules over HTTP and over NATS: made, listed, paused, resumed, run, snoozed and cancelled; other people's do not exist. */
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, describe, expect, test } from 'vitest';
import type { ScheduleView } from '#shared/wire/schedule-service';
import { scheduleEventSchema, type ScheduleEvent } from '#shared/wire/schedule-event';
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';
import { until } from '#test/support/journal';
import { broker, connectClient, natsCommand } from '#test/events/nats-fixture';

let fixture: CoreFixture;
afterEach(() => fixture.close());
const open = async (change: ConfigInput = {}): Promise<void> => {
  fixture = await openCore(change);
};

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${fixture.core.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const rule = { cron: '0 9 * * 1-5' };
const make = async (change: Record<string, unknown> = {}): Promise<ScheduleView> => {
  const { status, body } = await call('POST', '/schedules', {
    text: '스트레칭',
    rule,
    zone: 'Asia/Seoul',
    user_id: 'ann',
    ...change,
  });
  expect(status).toBe(201);
  return body as unknown as ScheduleView;
};
/** Reads a stream until it had `count` events of schedules. */
function eventsAt(path: string): (count: number) => Promise<ScheduleEvent[]> {
  const stop = new AbortController();
  const response = fetch(`${fixture.core.url}${path}`, { signal: stop.signal });
  return async (count) => {
    const events: ScheduleEvent[] = [];
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of (await response).body!) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      const data = lines.filter((line) => line.startsWith('data: {'));
      const parsed = data.map((line) => JSON.parse(line.slice(6)) as ScheduleEvent);
      events.push(...parsed.filter((one) => 'schedule_id' in one));
      if (events.length >= count) break;
    }
    stop.abort();
    return events;
  };
}
const idsOf = ({ body }: Answer): string[] =>
  (body['schedules'] as ScheduleView[]).map(({ schedule_id }) => schedule_id);

describe('a schedule over HTTP', () => {
  test('is answered with its next time, as an instant and on the clock of its zone', async () => {
    await open();
    const made = await make();
    expect(made).toMatchObject({ kind: 'reminder', state: 'active', channel: 'http', rule });
    expect(made.next_local).toMatch(/T09:00:00$/);
    expect(Date.parse(`${made.next_local}+09:00`)).toBe(Date.parse(made.next_at!));
    expect((await call('GET', `/schedules/${made.schedule_id}`)).body).toEqual(made);
  });

  test('is made once with one key, and the key of another person makes another', async () => {
    await open();
    const key = { idempotency_key: 'k1' };
    const first = await make(key);
    expect((await make(key)).schedule_id).toBe(first.schedule_id);
    expect((await make({ ...key, user_id: 'bob' })).schedule_id).not.toBe(first.schedule_id);
  });

  test('takes its time as `at` or `cron` as well, and shows the end of a gap for a time that is skipped', async () => {
    await open();
    const daily = await make({ rule: undefined, cron: '0 9 * * *' });
    expect(daily).toMatchObject({ id: daily.schedule_id, cron: '0 9 * * *', at: null });
    // Clocks in New York go from 2 to 3 on 9 March 2031.
    const gap = await make({
      rule: undefined,
      at: '2031-03-09T02:30',
      zone: 'America/New_York',
    });
    expect(gap).toMatchObject({ at: '2031-03-09T02:30', cron: null });
    expect(gap.next_local).toBe('2031-03-09T03:00:00');
    const refused = await call('POST', '/schedules', { text: 'x', cron: '@weekly' });
    expect(refused.body['detail']).toContain('write five fields: 0 0 * * 0');
  });

  test('is paused, resumed and cancelled; a cancelled one refuses further changes', async () => {
    await open();
    const { schedule_id: id } = await make();
    expect((await call('POST', `/schedules/${id}/pause`)).body).toMatchObject({
      state: 'paused',
      next_at: null,
      pause_reason: 'by a person',
    });
    expect((await call('POST', `/schedules/${id}/resume`)).body['state']).toBe('active');
    expect((await call('DELETE', `/schedules/${id}`)).body['state']).toBe('cancelled');
    expect(await call('POST', `/schedules/${id}/resume`)).toMatchObject({
      status: 409,
      body: { code: 'GH_SCHEDULE_CONFLICT' },
    });
    expect(idsOf(await call('GET', '/schedules?user_id=ann'))).toEqual([]);
    expect(idsOf(await call('GET', '/schedules?user_id=ann&state=cancelled'))).toEqual([id]);
  });

  test('has its events on the stream of its own, old and new, and on that of all events', async () => {
    await open();
    const { schedule_id: id } = await make();
    const streams = [`/schedules/${id}/stream`, '/events'].map(eventsAt);
    await call('POST', `/schedules/${id}/pause`);
    await call('POST', `/schedules/${id}/resume`);
    const run = await call('POST', `/schedules/${id}/run`, {});
    await call('DELETE', `/schedules/${id}`);
    for (const read of streams) {
      const events = await read(5);
      expect(events.map(({ type }) => type)).toEqual([
        'created',
        'paused',
        'resumed',
        'fired',
        'deleted',
      ]);
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
      for (const one of events) expect(scheduleEventSchema.safeParse(one).success).toBe(true);
      expect(events[0]).toMatchObject({ user_id: 'ann', data: { text: '스트레칭', rule } });
      expect(events[1]!.data).toEqual({ kind: 'reminder', reason: 'by a person' });
      expect(events[3]!.data).toMatchObject({ outcome: 'manual', job_id: run.body['job_id'] });
      expect(events[4]!.state).toBe('cancelled');
    }
    const other = await fetch(`${fixture.core.url}/schedules/${id}/stream?user_id=bob`);
    expect(other.status).toBe(404);
  });

  test('is run now: the run and its job can be read', async () => {
    await open();
    const { schedule_id: id, next_at } = await make();
    const run = await call('POST', `/schedules/${id}/run`, {});
    expect(run.status).toBe(202);
    const jobId = String(run.body['job_id']);
    await until(async () => (await fixture.client.job(jobId)).outcome !== null);
    expect((await fixture.client.job(jobId)).reply).toBe('⏰ 스트레칭');
    const { body } = await call('GET', `/schedules/${id}/runs`);
    expect(body['runs']).toMatchObject([{ outcome: 'manual', job_id: jobId, missed_before: 0 }]);
    expect((await call('GET', `/schedules/${id}`)).body['next_at']).toBe(next_at);
  });

  test('is snoozed as a schedule with one time, so many minutes from now', async () => {
    await open();
    const { schedule_id: id } = await make();
    const before = Date.now();
    const { status, body } = await call('POST', `/schedules/${id}/snooze`, { minutes: 25 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ text: '스트레칭', user_id: 'ann', zone: 'Asia/Seoul' });
    const at = Date.parse(String(body['next_at']));
    expect(at).toBeGreaterThanOrEqual(before + 25 * 60_000);
    expect(at).toBeLessThanOrEqual(Date.now() + 25 * 60_000 + 1_000);
  });

  test('of another person is answered as one that does not exist, at every route', async () => {
    await open();
    const { schedule_id: id } = await make();
    const routes: [string, string][] = [
      ['GET', `/schedules/${id}?user_id=bob`],
      ['GET', `/schedules/${id}/runs?user_id=bob`],
      ['DELETE', `/schedules/${id}?user_id=bob`],
      ...['pause', 'resume', 'run', 'snooze'].map(
        (verb) => ['POST', `/schedules/${id}/${verb}`] as [string, string],
      ),
    ];
    for (const [method, path] of routes) {
      const body = method === 'POST' ? { user_id: 'bob' } : undefined;
      expect(await call(method, path, body), path).toMatchObject({
        status: 404,
        body: { code: 'GH_SCHEDULE_NOT_FOUND' },
      });
    }
    expect(idsOf(await call('GET', '/schedules?user_id=bob'))).toEqual([]);
    expect((await call('GET', `/schedules/${id}`)).body['state']).toBe('active');
  });

  test('is listed page by page', async () => {
    await open();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push((await make()).schedule_id);
    const seen: string[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const page = await call('GET', `/schedules?user_id=ann&limit=2&cursor=${String(cursor)}`);
      seen.push(...idsOf(page));
      cursor = page.body['next'];
    }
    expect(seen).toEqual(ids.toSorted());
  });

  test.each([
    ['a zone that does not exist', { zone: 'Mars/Olympus' }, 'GH_SCHEDULE_INVALID'],
    ['a time in the past', { rule: { once: '2020-01-01T09:00' } }, 'GH_SCHEDULE_INVALID'],
    ['a day that does not exist', { rule: { once: '2031-02-30T09:00' } }, 'GH_SCHEDULE_INVALID'],
    ['an end before its first time', { end: '2020-01-01T09:00' }, 'GH_SCHEDULE_INVALID'],
    ['six fields', { rule: { cron: '0 0 9 * * 1' } }, 'GH_SCHEDULE_INVALID'],
    [
      'a rule of two kinds',
      { rule: { cron: '0 9 * * *', once: '2031-01-01T09:00' } },
      'GH_REQUEST_INVALID',
    ],
    ['a text of blanks', { text: ' \n ' }, 'GH_REQUEST_INVALID'],
    ['a text that is too long', { text: 'x'.repeat(2_001) }, 'GH_REQUEST_INVALID'],
    ['a chat that is not configured', { channel: 'synology' }, 'GH_SCHEDULE_INVALID'],
    ['another chat that is not configured', { channel: 'telegram' }, 'GH_SCHEDULE_INVALID'],
    ['a channel with a dot', { channel: 'a.b' }, 'GH_REQUEST_INVALID'],
    ['no rule', { rule: undefined }, 'GH_SCHEDULE_INVALID'],
    ['two rules', { at: '2031-01-01T09:00' }, 'GH_SCHEDULE_INVALID'],
    ['a nickname of cron', { rule: { cron: '@daily' } }, 'GH_SCHEDULE_INVALID'],
    ['a count of zero', { count: 0 }, 'GH_REQUEST_INVALID'],
  ])('with %s is refused with a code', async (_what, change, code) => {
    await open();
    const body = { text: 'x', rule, ...change };
    expect(await call('POST', '/schedules', body)).toMatchObject({ status: 400, body: { code } });
    expect(idsOf(await call('GET', '/schedules'))).toEqual([]);
  });

  test('beyond the number of one person is refused', async () => {
    await open({ schedules: { perUserMax: 1 } });
    await make();
    expect(await call('POST', '/schedules', { text: 'x', rule, user_id: 'ann' })).toMatchObject({
      status: 429,
      body: { code: 'GH_SCHEDULE_LIMIT' },
    });
    await make({ user_id: 'bob' });
  });
});

describe.skipIf(natsCommand === null)('a schedule over NATS', () => {
  test('is made, listed, changed, run and cancelled with the shapes and errors of HTTP', async () => {
    const server = await broker();
    await open({ nats: { mode: 'external', url: server.url } });
    const nc = await connectClient(server);
    const ask = async (verb: string, body: unknown): Promise<Record<string, unknown>> => {
      const subject = `gatehouse.v1.svc.schedule.${verb}`;
      return (await nc.request(subject, JSON.stringify(body), { timeout: 5_000 })).json();
    };
    await until(async () => {
      try {
        await ask('list', {});
        return true;
      } catch {
        return false;
      }
    });
    const made = await ask('create', { text: '물 주기', rule, user_id: 'ann', zone: 'Asia/Seoul' });
    const { schedule_id } = made;
    expect(made).toMatchObject({ created_by: 'nats', state: 'active' });
    expect((await call('GET', `/schedules/${String(schedule_id)}`)).body).toEqual(made);
    expect(await ask('get', { schedule_id })).toEqual(made);
    expect(await ask('list', { user_id: 'ann' })).toMatchObject({ schedules: [made], next: null });
    expect(await ask('pause', { schedule_id })).toMatchObject({ state: 'paused' });
    expect(await ask('resume', { schedule_id })).toMatchObject({ state: 'active' });
    const { job_id } = await ask('run', { schedule_id });
    expect(await ask('runs', { schedule_id })).toMatchObject({ runs: [{ job_id }] });
    expect(await ask('snooze', { schedule_id, minutes: 5 })).toMatchObject({ created_by: 'nats' });
    expect(await ask('delete', { schedule_id })).toMatchObject({ state: 'cancelled' });
    const jsm = await jetstreamManager(nc);
    const filter = `gatehouse.v1.evt.ann.${String(schedule_id)}.>`;
    const subjectsOf = async () =>
      (await jsm.streams.info('GH_EVT', { subjects_filter: filter })).state.subjects ?? {};
    await until(async () => `${filter.slice(0, -1)}deleted` in (await subjectsOf()));
    const types = Object.keys(await subjectsOf()).map((subject) => subject.split('.').at(-1)!);
    expect(new Set(types)).toEqual(new Set(['created', 'paused', 'resumed', 'fired', 'deleted']));
    const last = await jsm.streams.getMessage('GH_EVT', { last_by_subj: filter });
    expect(last!.json()).toMatchObject({
      type: 'gatehouse.schedule.deleted.v1',
      subject: schedule_id,
      data: { schedule_id, seq: 5, state: 'cancelled', data: { by: 'person' } },
    });
    expect(await ask('pause', { schedule_id })).toMatchObject({ code: 'GH_SCHEDULE_CONFLICT' });
    expect(await ask('get', { schedule_id, user_id: 'bob' })).toMatchObject({
      code: 'GH_SCHEDULE_NOT_FOUND',
    });
    expect(await ask('create', { text: 'x' })).toMatchObject({ code: 'GH_SCHEDULE_INVALID' });
  });
});
