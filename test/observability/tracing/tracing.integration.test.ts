/** Traces at a collector: whole jobs of a real core, trace ids over restarts, and no traces where they are off. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadTracingSettings } from '#app/config/otel-env';
import { deriveTrace } from '#shared/wire/trace';
import { direct, follow, openCore, routed, type CoreFixture } from '#test/support/core';
import { fails, says, saysJson, stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';

let receiver: OtlpReceiver;
let open: CoreFixture[];
beforeEach(async () => {
  receiver = await startOtlpReceiver();
  open = [];
});
afterEach(async () => {
  for (const core of open) await core.close();
  await receiver.close();
});

const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const header = `00-${caller.traceId}-${caller.spanId}-01`;

/** A core that exports its traces to the receiver, every 10 ms. */
async function traced(env: Record<string, string> = {}, config = {}): Promise<CoreFixture> {
  const { settings, warnings } = loadTracingSettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '10',
    ...env,
  });
  expect(warnings).toEqual([]);
  const core = await openCore(config, { tracing: settings });
  open.push(core);
  return core;
}

const post = (core: CoreFixture, body: object, headers: Record<string, string> = {}) =>
  fetch(`${core.core.url}/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }).then(async (response) => ((await response.json()) as { job_id: string }).job_id);

const one = (spans: ReceivedSpan[]): ReceivedSpan => {
  expect(spans).toHaveLength(1);
  return spans[0]!;
};

describe('the trace of a job', () => {
  test('has the job, its effects and their model requests, each below its cause', async () => {
    const core = await traced({
      OTEL_SERVICE_NAME: 'home',
      OTEL_RESOURCE_ATTRIBUTES: 'room=attic',
    });
    core.small.script(routed);
    core.large.script(says('이것이 답입니다.'));
    const { jobId } = await core.ask('왜 하늘은 파래?');
    const root = one(await receiver.named('job'));
    const [classify, reason] = [
      one(await receiver.named('classify')),
      one(await receiver.named('reason')),
    ];
    const chats = await receiver.named('chat m', 2);
    const { traceId, rootSpanId } = deriveTrace(jobId);
    expect(root).toMatchObject({
      traceId,
      spanId: rootSpanId,
      parentSpanId: '',
      kind: 2,
      resource: { 'service.name': 'home', room: 'attic' },
      attributes: {
        'gatehouse.job.id': jobId,
        'gatehouse.job.outcome': 'answered',
        'gatehouse.job.decided_by': 'classifier',
        'gatehouse.job.action': 'route',
      },
    });
    for (const effect of [classify, reason]) {
      expect(effect).toMatchObject({ traceId, parentSpanId: rootSpanId });
    }
    expect(chats.map(({ parentSpanId }) => parentSpanId)).toEqual([classify.spanId, reason.spanId]);
    expect(chats[1]).toMatchObject({
      traceId,
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'm',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.output_tokens': expect.any(Number),
        'gatehouse.backend.id': 'large',
        'gatehouse.request.kind': 'reason',
        'server.address': '127.0.0.1',
        'server.port': core.large.port,
      },
    });
    for (const span of [classify, reason, ...chats]) {
      expect(span.startMs).toBeGreaterThanOrEqual(root.startMs);
      expect(span.endMs).toBeLessThanOrEqual(root.endMs);
    }
    const sent = core.large.requests[0]!.headers['traceparent'];
    expect(sent).toBe(`00-${traceId}-${chats[1]!.spanId}-01`);
  });

  test('continues the trace of the caller, and ignores an invalid traceparent', async () => {
    const core = await traced();
    core.small.script(direct('안녕!'), direct('안녕!'));
    await follow(core.client, await post(core, { message: '안녕' }, { traceparent: header }));
    const root = one(await receiver.named('job'));
    expect(root).toMatchObject({ traceId: caller.traceId, parentSpanId: caller.spanId });
    const jobId = await post(
      core,
      { message: '안녕' },
      { traceparent: `00-${'0'.repeat(32)}-1-01` },
    );
    await follow(core.client, jobId);
    const [, second] = await receiver.named('job', 2);
    expect(second).toMatchObject({ traceId: deriveTrace(jobId).traceId, parentSpanId: '' });
  });

  test('has one span of the job when the job continues after a restart', async () => {
    const core = await traced();
    core.small.script(routed);
    core.large.script(stallsAfter('half'), says('whole'));
    const jobId = await post(core, { message: 'why is the sky blue?' }, { traceparent: header });
    await core.large.arrived(1);
    await core.restart();
    await follow(core.client, jobId);
    const root = one(await receiver.named('job'));
    const reasons = await receiver.named('reason', 2);
    expect(root.traceId).toBe(caller.traceId);
    expect(reasons.map(({ attributes }) => attributes['gatehouse.effect.aborted'])).toEqual([
      true,
      undefined,
    ]);
    expect(new Set(reasons.map(({ attributes }) => attributes['gatehouse.effect.key'])).size).toBe(
      1,
    );
    for (const { traceId, parentSpanId } of reasons) {
      expect([traceId, parentSpanId]).toEqual([root.traceId, root.spanId]);
    }
  });

  test('has the wait at the gate, tool calls, and failures with their error type', async () => {
    const core = await traced({}, { jobs: { maxConcurrent: 2 } });
    core.small.script(stallsAfter('x'), direct('two'));
    const first = await post(core, { message: 'hello', user_id: 'one' });
    await core.small.arrived(1);
    const second = await post(core, { message: 'hello there', user_id: 'two' });
    await until(() => core.core.pool.members[0]!.gate.view().waiting.length === 1);
    await core.core.jobService.cancel(first, 'user');
    await follow(core.client, second);
    const gate = one(await receiver.named('gate'));
    expect(gate.traceId).toBe(deriveTrace(second).traceId);
    const aborted = (await receiver.named('chat m', 2)).find(
      ({ traceId }) => traceId === deriveTrace(first).traceId,
    );
    expect(aborted).toMatchObject({ statusCode: 2, attributes: { 'error.type': 'cancelled' } });

    core.small.script(says('비어 있어요'));
    const { jobId } = await core.ask('오늘 일정 알려줘');
    const run = (await receiver.named('runTools'))[0]!;
    const call = one(await receiver.named('execute_tool calendar.today'));
    expect(call).toMatchObject({ traceId: deriveTrace(jobId).traceId, parentSpanId: run.spanId });

    core.small.script(fails(500), fails(500));
    await core.ask('why?');
    const failed = (await receiver.named('classify', 3)).at(-1);
    expect(failed).toMatchObject({ statusCode: 2, attributes: { 'error.type': 'http_5xx' } });
  });

  test('contains no user name and no text of a user or a model', async () => {
    const core = await traced();
    core.small.script(routed, saysJson({ action: 'direct', response: 'SECRETREPLY' }));
    core.large.script(says('SECRETANSWER'));
    await core.ask('SECRETQUESTION why?', { user_id: 'SECRETUSER' });
    await core.ask('SECRETQUESTION again', { user_id: 'SECRETUSER' });
    await receiver.named('job', 2);
    expect(receiver.bodies.join('')).not.toContain('SECRET');
  });
});

describe('the OpenTelemetry environment', () => {
  test('sets the sampling of traces, and model servers get the sampled flag', async () => {
    const core = await traced({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
    core.small.script(direct('a'), direct('b'));
    await core.ask('hello');
    await follow(core.client, await post(core, { message: 'hi' }, { traceparent: header }));
    await receiver.named('job');
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(
      new Set([caller.traceId]),
    );
    const [unsampled, sampled] = core.small.requests.map(({ headers }) => headers['traceparent']);
    expect(unsampled).toMatch(/-00$/);
    expect(sampled).toMatch(/-01$/);
  });

  test('sets the headers, the compression and the address of the trace export', async () => {
    const core = await traced({
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=home%20lab',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/else/where`,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    });
    core.small.script(direct('a'));
    await core.ask('hello');
    await receiver.named('job');
    expect(receiver.headers[0]).toMatchObject({
      path: '/else/where',
      'x-team': 'home lab',
      'content-encoding': 'gzip',
    });
  });

  test('leaves traces off when it is empty or disables them: no connection, no traceparent of the core', async () => {
    for (const env of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_SDK_DISABLED: 'true' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_TRACES_EXPORTER: 'none' },
    ]) {
      expect(loadTracingSettings(env)).toEqual({ settings: null, warnings: [] });
    }
    const core = await openCore();
    open.push(core);
    core.small.script(direct('a'), direct('b'));
    await core.ask('hello');
    await follow(core.client, await post(core, { message: 'hi' }, { traceparent: header }));
    const sent = core.small.requests.map(({ headers }) => headers['traceparent']);
    // Without recording, the traceparent of the caller is passed on.
    expect(sent).toEqual([undefined, header]);
    expect(receiver.connections).toBe(0);
  });

  test.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ])('with an invalid %s (%s) causes one warning and no error', (name, value) => {
    const { warnings } = loadTracingSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      ...(name === 'OTEL_TRACES_SAMPLER_ARG' ? { OTEL_TRACES_SAMPLER: 'traceidratio' } : {}),
      [name]: value,
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(name);
  });
});

test('a job is answered and the core stops when the trace collector answers 503', async () => {
  receiver.status = 503;
  const core = await traced();
  core.small.script(direct('a'));
  const { end } = await core.ask('hello');
  expect(end).toMatchObject({ type: 'done', data: { reply: 'a' } });
  await until(() => receiver.headers.length > 0);
});
