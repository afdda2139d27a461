/** Requests over NATS: the same job service as HTTP, errors in the service headers, service discovery. */
import { RequestError, headers, type Msg, type NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import type { JobPage, JobView } from '#shared/wire/job-service';
import { scheduleVerbs, serviceVerbs } from '#shared/wire/subjects';
import { until } from '#test/support/journal';
import {
  broker,
  connectClient,
  openGatehouse,
  natsCommand,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

async function served(options: Parameters<typeof openGatehouse>[1] = {}) {
  const server = await broker();
  const rig = await openGatehouse({ url: server.url }, options);
  const nc = await connectClient(server);
  await until(() => answers(nc));
  return { server, rig, nc };
}

async function answers(nc: NatsConnection): Promise<boolean> {
  try {
    await nc.request('$SRV.PING.gatehouse', '', { timeout: 1_000 });
    return true;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}

const ask = (nc: NatsConnection, verb: string, body: unknown = {}): Promise<Msg> =>
  nc.request(`gatehouse.v1.svc.job.${verb}`, JSON.stringify(body), { timeout: 5_000 });

const bodyOf = <Body>(message: Msg): Body => message.json<Body>();

function problemOf(message: Msg) {
  const { code } = bodyOf<{ code: string }>(message);
  return { code, status: message.headers?.get('Nats-Service-Error-Code') };
}

const stateIs = (rig: OpenMessagingFixture, jobId: string, state: string): Promise<void> =>
  until(async () => (await rig.jobService.get(jobId)).state === state);

describe.skipIf(natsCommand === null)('a request over NATS', () => {
  test('submits a message, and returns its job, the list of jobs and the text', async () => {
    const { rig, nc } = await served();
    const { job_id } = bodyOf<{ job_id: string }>(
      await ask(nc, 'submit', { message: 'hello', user_id: 'ann' }),
    );
    await stateIs(rig, job_id, 'done');
    const view = bodyOf<JobView>(await ask(nc, 'get', { job_id }));
    expect(view).toEqual(await rig.jobService.get(job_id));
    expect(view).toMatchObject({ job_id, channel: 'nats', reply: 'answer to hello' });
    expect(bodyOf(await ask(nc, 'list', { user_id: 'ann' }))).toEqual(
      await rig.jobService.list({ user_id: 'ann' }),
    );
    for (const [outcome, count] of [
      ['answered', 1],
      ['failed', 0],
    ] as const) {
      expect(bodyOf<JobPage>(await ask(nc, 'list', { outcome })).jobs).toHaveLength(count);
    }
    expect(bodyOf(await ask(nc, 'text', { job_id }))).toEqual({
      job_id,
      text: 'answer to hello',
      final: true,
    });
  });

  test('is accepted once for one idempotency key, in the body or as Nats-Msg-Id', async () => {
    const { nc } = await served();
    const body = { message: 'hello', user_id: 'ann', idempotency_key: 'k1' };
    const first = bodyOf<{ job_id: string }>(await ask(nc, 'submit', body));
    expect(bodyOf(await ask(nc, 'submit', body))).toEqual(first);
    const made = headers();
    made.set('Nats-Msg-Id', 'k1');
    const message = JSON.stringify({ message: 'hello', user_id: 'ann' });
    const again = await nc.request('gatehouse.v1.svc.job.submit', message, {
      timeout: 5_000,
      headers: made,
    });
    expect(bodyOf(again)).toEqual(first);
  });

  test('confirms and rejects a draft, and cancels a running job', async () => {
    const { rig, nc } = await served();
    const submit = async (message: string): Promise<string> =>
      bodyOf<{ job_id: string }>(await ask(nc, 'submit', { message, user_id: message })).job_id;
    const [yes, no, stop] = [
      await submit('draft a'),
      await submit('draft b'),
      await submit('think c'),
    ];
    await stateIs(rig, yes, 'confirm-draft');
    await stateIs(rig, no, 'confirm-draft');
    await stateIs(rig, stop, 'reason');
    const [shown] = (await rig.jobService.events(yes)).slice(-1);
    const stale = { job_id: yes, draft_seq: shown!.seq - 1 };
    expect(problemOf(await ask(nc, 'confirm', stale))).toMatchObject({ code: 'GH_JOB_CONFLICT' });
    const seen = { job_id: yes, by: 'ann', draft_seq: shown!.seq };
    expect(bodyOf(await ask(nc, 'confirm', seen))).toEqual({ job_id: yes });
    expect(bodyOf(await ask(nc, 'reject', { job_id: no }))).toEqual({ job_id: no });
    expect(bodyOf(await ask(nc, 'cancel', { job_id: stop, by: 'ann' }))).toEqual({ job_id: stop });
    await until(async () => (await rig.jobService.get(yes)).outcome === 'answered');
    await until(async () => (await rig.jobService.get(no)).outcome === 'declined');
    await stateIs(rig, stop, 'cancelled');
    const [last] = (await rig.jobService.events(stop)).slice(-1);
    expect(last?.data).toMatchObject({ by: 'ann' });
    expect(problemOf(await ask(nc, 'cancel', { job_id: stop }))).toEqual({
      code: 'GH_JOB_CONFLICT',
      status: '409',
    });
  });

  test.each([
    ['submit', { message: '' }, 'GH_REQUEST_EMPTY', '400'],
    ['submit', { message: 'x'.repeat(8_001) }, 'GH_REQUEST_TOO_LONG', '400'],
    ['submit', { message: 5 }, 'GH_REQUEST_INVALID', '400'],
    ['submit', [], 'GH_REQUEST_INVALID', '400'],
    ['submit', { message: 'x', junk: 'x'.repeat(70_000) }, 'GH_REQUEST_TOO_LARGE', '413'],
    ['get', { job_id: 'nobody' }, 'GH_JOB_NOT_FOUND', '404'],
    ['get', {}, 'GH_REQUEST_INVALID', '400'],
    ['list', { limit: 'many' }, 'GH_REQUEST_INVALID', '400'],
    ['list', { state: 'answered' }, 'GH_REQUEST_INVALID', '400'],
    ['list', { outcome: 'done' }, 'GH_REQUEST_INVALID', '400'],
    ['confirm', { job_id: 'nobody' }, 'GH_JOB_NOT_FOUND', '404'],
    ['text', { job_id: ['a'] }, 'GH_REQUEST_INVALID', '400'],
  ])(
    '%s %# that is invalid is refused with its error code and status',
    async (verb, body, code, status) => {
      const { nc } = await served();
      const message = await ask(nc, verb, body);
      expect(problemOf(message)).toEqual({ code, status });
      expect(message.headers?.get('Nats-Service-Error')).not.toBe('');
    },
  );

  test('that is not JSON is refused with GH_REQUEST_NOT_JSON', async () => {
    const { nc } = await served();
    for (const body of ['{', 'x', new Uint8Array([0xff, 0xfe, 0x00])]) {
      const message = await nc.request('gatehouse.v1.svc.job.submit', body, { timeout: 5_000 });
      expect(problemOf(message)).toEqual({ code: 'GH_REQUEST_NOT_JSON', status: '400' });
    }
  });

  test('that causes an internal error is answered with a code, without details', async () => {
    const { nc } = await served({
      jobService: (jobService) => ({
        ...jobService,
        get: () => Promise.reject(new Error('secret path /x')),
      }),
    });
    const message = await ask(nc, 'get', { job_id: 'a' });
    expect(problemOf(message)).toEqual({ code: 'GH_JOB_BUG', status: '500' });
    expect(message.string()).not.toContain('secret');
  });

  test('for a list receives pages that fit the size limit of the broker, with a cursor', async () => {
    const server = await broker({ config: 'max_payload: 16384' });
    const rig = await openGatehouse({ url: server.url });
    const nc = await connectClient(server);
    await until(() => answers(nc));
    for (let n = 0; n < 12; n += 1) {
      await rig.jobService.submit({ message: `${n} ${'가'.repeat(1_000)}`, user_id: `u${n}` });
    }
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const query: object = { limit: 500, ...(cursor === null ? {} : { cursor }) };
      const page = bodyOf<{ jobs: { job_id: string }[]; next_cursor: string | null }>(
        await ask(nc, 'list', query),
      );
      expect(page.jobs.length).toBeLessThan(12);
      ids.push(...page.jobs.map(({ job_id }) => job_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(new Set(ids).size).toBe(12);
  });

  test('is answered with the trace of its caller', async () => {
    const { nc } = await served();
    const made = headers();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    made.set('traceparent', traceparent);
    const message = await nc.request('gatehouse.v1.svc.job.list', '', {
      timeout: 5_000,
      headers: made,
    });
    expect(message.headers?.get('traceparent')).toBe(traceparent);
  });
});

describe.skipIf(natsCommand === null)('service discovery', () => {
  test('finds the service, its endpoints and its statistics', async () => {
    const { nc } = await served();
    await ask(nc, 'submit', { message: 'hello' });
    await ask(nc, 'submit', { message: '' });
    const about = async (verb: string) =>
      bodyOf<Record<string, unknown>>(await nc.request(`$SRV.${verb}`, '', { timeout: 5_000 }));
    const ping = await about('PING');
    expect(ping).toMatchObject({
      type: 'io.nats.micro.v1.ping_response',
      name: 'gatehouse',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    const info = await about(`INFO.gatehouse.${String(ping['id'])}`);
    expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', id: ping['id'] });
    expect(info['endpoints']).toEqual(
      [
        ...serviceVerbs.map((name) => ({ name, subject: `gatehouse.v1.svc.job.${name}` })),
        ...serviceVerbs.map((name) => ({
          name: `${name}-channel`,
          subject: `gatehouse.v1.svc.job.${name}.*`,
        })),
        ...scheduleVerbs.map((name) => ({
          name: `schedule-${name}`,
          subject: `gatehouse.v1.svc.schedule.${name}`,
        })),
      ].map((endpoint) => ({ ...endpoint, queue_group: 'core', metadata: {} })),
    );
    const stats = await about('STATS.gatehouse');
    expect(stats['type']).toBe('io.nats.micro.v1.stats_response');
    const [submit] = stats['endpoints'] as Record<string, unknown>[];
    expect(submit).toMatchObject({
      name: 'submit',
      num_requests: 2,
      num_errors: 1,
      last_error: expect.stringContaining('GH_REQUEST_EMPTY'),
    });
    expect(submit?.['average_processing_time']).toBeGreaterThan(0);
  });

  test('does not find the service after the core has stopped', async () => {
    const { rig, nc } = await served();
    await rig.close();
    expect(await answers(nc)).toBe(false);
  });
});
