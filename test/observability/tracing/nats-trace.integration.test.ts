/** Trace context over NATS: taken from a submitted message, and sent with every event of its job. */
import { headers, type MsgHdrs } from 'nats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseTraceParent, deriveTrace } from '#shared/wire/trace';
import { broker, connectClient, natsCommand, storedMessages } from '#test/events/nats-fixture';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { until } from '#test/support/journal';
import type { NatsServer } from '#test/support/nats-server';

const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

const traceHeaders = (value: string): MsgHdrs => {
  const made = headers();
  made.set('traceparent', value);
  return made;
};

describe.skipIf(natsCommand === null)('the trace context over NATS', () => {
  let server: NatsServer;
  let core: CoreFixture;
  beforeEach(async () => {
    server = await broker();
    core = await openCore({ nats: { mode: 'external', url: server.url } });
    await until(() => core.core.messaging.status().bus === 'connected');
  });
  afterEach(() => core.close());

  /** Job id → the traceparent headers of its published events. */
  const told = async (): Promise<Map<string, Set<string>>> => {
    await until(() => core.core.messaging.flush());
    const traces = new Map<string, Set<string>>();
    for (const { body, headers: sent } of await storedMessages(
      await connectClient(server),
      'GH_EVT',
    )) {
      const jobId = String(body['subject']);
      traces.set(jobId, (traces.get(jobId) ?? new Set()).add(sent['traceparent'] ?? ''));
    }
    return traces;
  };

  test('is taken from a request and from a durable submit, and is sent with the events of their jobs', async () => {
    core.small.script(direct('a'), direct('b'));
    const nc = await connectClient(server);
    const sampled = traceHeaders(`00-${caller.traceId}-${caller.spanId}-01`);
    const answer = await nc.request('gatehouse.v1.svc.job.submit', '{"message": "hi"}', {
      headers: sampled,
      timeout: 5_000,
    });
    const { job_id: requested } = answer.json<{ job_id: string }>();
    const unsampled = traceHeaders(`00-${caller.traceId}-${caller.spanId}-00`);
    nc.publish('gatehouse.v1.cmd.submit.synology', '{"message": "ho"}', { headers: unsampled });
    await until(async () => {
      const { jobs } = await core.core.jobService.list({});
      return jobs.length === 2 && jobs.every(({ outcome }) => outcome !== null);
    });
    await until(async () => (await told()).size === 2);
    const traces = await told();
    const [submitted = ''] = [...traces.keys()].filter((jobId) => jobId !== requested);
    const span = (jobId: string): string => deriveTrace(jobId).rootSpanId;
    expect(traces.get(requested)).toEqual(new Set([`00-${caller.traceId}-${span(requested)}-01`]));
    expect(traces.get(submitted)).toEqual(new Set([`00-${caller.traceId}-${span(submitted)}-00`]));
    const listener = await connectClient(server);
    let replies: Awaited<ReturnType<typeof storedMessages>> = [];
    await until(async () => (replies = await storedMessages(listener, 'GH_RPL')).length > 0);
    const [reply] = replies;
    expect(parseTraceParent(reply?.headers['traceparent'])).toMatchObject({
      traceId: caller.traceId,
      spanId: span(submitted),
    });
  });

  test('is derived from the job when no caller sends it', async () => {
    core.small.script(direct('a'));
    const { jobId } = await core.ask('hi');
    const { traceId, rootSpanId } = deriveTrace(jobId);
    await until(async () => (await told()).has(jobId));
    expect((await told()).get(jobId)).toEqual(new Set([`00-${traceId}-${rootSpanId}-01`]));
  });
});

test.each([
  [undefined],
  [''],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01'],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01'],
  ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more'],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01'],
])('parseTraceParent returns null for the header %s', (header) => {
  expect(parseTraceParent(header)).toBe(null);
});

test('parseTraceParent reads the known part of a header of a later version', () => {
  const header = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more';
  expect(parseTraceParent(header)).toEqual({ ...caller, isSampled: true });
});
