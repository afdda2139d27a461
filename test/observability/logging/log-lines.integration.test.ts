/** The log of a core: it names the job and the trace, and never contains texts of users and models, or keys. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseTraceParent, deriveTrace } from '#shared/wire/trace';
import { createLog } from '#shared/log';
import { broker, connectClient, natsCommand } from '#test/events/nats-fixture';
import { follow, openCore, routed, type ConfigInput, type CoreFixture } from '#test/support/core';
import { fails, raw, says, saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

type Line = Record<string, unknown> & { level: number; msg: string };

let lines: Line[];
let open: CoreFixture[];
beforeEach(() => {
  lines = [];
  open = [];
});
afterEach(async () => {
  for (const core of open) await core.close();
});

async function logged(config: ConfigInput = {}): Promise<CoreFixture> {
  const log = createLog(
    { level: 'info', pretty: false },
    { write: (line) => void lines.push(JSON.parse(line) as Line) },
  );
  const core = await openCore(config, { log });
  open.push(core);
  return core;
}

const saying = (msg: string): Line[] => lines.filter((line) => line.msg === msg);

const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a log line about a job', () => {
  test('names the job and its trace, and at the end of the job its outcome and duration', async () => {
    const core = await logged();
    core.small.script(routed);
    core.large.script(says('이것이 답입니다.'));
    const { jobId } = await core.ask('왜 하늘은 파래?');
    expect(saying('job ended')).toMatchObject([
      {
        job: jobId,
        trace_id: deriveTrace(jobId).traceId,
        outcome: 'answered',
        by: 'classifier',
        action: 'route',
        reply_length: 9,
        models: ['small', 'large'],
        total_ms: expect.any(Number),
      },
    ]);
  });

  test('names the job and its trace when a model or a tool fails, also in the trace of a caller', async () => {
    const core = await logged({ tools: { email: unreachableMail } });
    core.small.script(routed, says('from the fallback'));
    core.large.script(fails(500));
    const response = await fetch(`${core.core.url}/chat`, {
      method: 'POST',
      headers: { traceparent: caller },
      body: JSON.stringify({ message: 'why?' }),
    });
    const { job_id: jobId } = (await response.json()) as { job_id: string };
    await follow(core.client, jobId);
    const trace = { job: jobId, trace_id: parseTraceParent(caller)!.traceId };
    expect(saying('no answer from the model')).toMatchObject([
      { ...trace, backend: 'large', error_reason: 'http_5xx' },
    ]);
    expect(saying('job ended')).toMatchObject([trace]);

    core.small.script(says('no mail'));
    const { jobId: mailJob } = await core.ask('오늘 온 메일 보여줘');
    const expected = { job: mailJob, trace_id: deriveTrace(mailJob).traceId };
    expect(saying('tool failed')).toMatchObject([
      { ...expected, tool: 'email', operation: 'search', code: 'GH_TOOL_UNREACHABLE' },
    ]);
    expect(saying('mail failed')).toMatchObject([expected]);
  });
});

const unreachableMail = {
  provider: 'imap',
  host: '127.0.0.1',
  port: 9,
  secure: false,
  username: 'minji',
  password: 'SENTINELPASSWORD',
};

/** Part of every text, key and password that must not be in the log. */
const secret = 'SENTINEL';

test.skipIf(natsCommand === null)(
  'the log at level info contains no text, key, token or password',
  async () => {
    const server = await broker({
      config: 'authorization { user: gh, password: SENTINELBUS }',
    });
    const core = await logged((small, large) => ({
      server: { port: 0, apiKeys: ['SENTINELKEY'] },
      nats: { mode: 'external', url: server.url, user: 'gh', password: 'SENTINELBUS' },
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm', apiKey: 'SENTINELAPI' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm', apiKey: 'SENTINELAPI' },
      ],
      tools: { email: unreachableMail },
    }));
    const { small, large } = core;
    await until(() => core.core.messaging.status().bus === 'connected');

    small.script(routed, says('SENTINELFALLBACK'));
    // Model servers quote the question in their errors.
    large.script(fails(400, { error: { message: 'cannot read "SENTINELQUESTION"' } }));
    await core.ask('SENTINELQUESTION why?');

    small.script(routed, says('SENTINELFALLBACK'));
    large.script(raw('data: SENTINELBROKEN{\n\n'));
    await core.ask('SENTINELQUESTION and why?');

    small.script(
      saysJson({ action: 'tools', tool: 'SENTINELTOOL', operation: 'SENTINELRUN', params: {} }),
      says('SENTINELWORDS'),
    );
    await core.ask('SENTINELQUESTION do it');

    small.script(says('SENTINELNOJSON'), says('SENTINELNOJSON'), says('SENTINELANSWER'));
    await core.ask('SENTINELQUESTION again');

    small.script(says('SENTINELMAIL'));
    await core.ask('SENTINEL회사 메일함에서 SENTINEL보고서 메일 찾아줘');

    const nc = await connectClient(server, { user: 'gh', pass: 'SENTINELBUS' });
    small.script(saysJson({ action: 'direct', response: 'SENTINELREPLY' }));
    await nc.request('gatehouse.v1.svc.job.submit', '{"message": "SENTINELNATS"}');
    await nc.request('gatehouse.v1.svc.job.submit', 'SENTINELNOTJSON');
    nc.publish('gatehouse.v1.cmd.submit.synology', '{"message": 5, "SENTINELFIELD": "SENTINEL"}');
    await until(() => saying('a message was put aside').length > 0);

    const headers = { authorization: 'Bearer SENTINELWRONG' };
    await fetch(`${core.core.url}/documents/search?q=SENTINELWORDS`, { headers });
    const body = 'SENTINELBODY';
    headers.authorization = 'Bearer SENTINELKEY';
    await fetch(`${core.core.url}/chat`, { method: 'POST', headers, body });
    await fetch(`${core.core.url}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: 'SENTINELMODEL', messages: [] }),
    });
    await core.restart();

    // Proves that the failures were logged at all.
    expect(saying('no answer from the model').length).toBeGreaterThanOrEqual(2);
    expect(saying('job ended').length).toBeGreaterThanOrEqual(5);
    const told = lines.filter((line) => JSON.stringify(line).includes(secret));
    expect(told).toEqual([]);
  },
);
