/** The agent protocol on NATS: prompts and their replies, questions, discovery, heartbeats and refusals. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { headers } from 'nats';
import { describe, expect, test } from 'vitest';
import { GatehouseError } from '#shared/errors';
import { until } from '#test/support/journal';
import { broker, connectClient, natsCommand, openGatehouse } from '../nats-fixture.ts';
import { prompt, promptSubject, type PromptReply } from './agent-caller.ts';
import { agent, discover, served } from './agent-fixture.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The buffers of dead objects are released in a turn after the collection. */
async function memoryInUse(): Promise<number> {
  for (let n = 0; n < 3; n += 1) {
    collectGarbage();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const withoutKeepAlive = ({ chunks }: PromptReply) =>
  chunks.filter(({ data }) => data !== 'keepalive');

describe.skipIf(natsCommand === null)('a prompt', () => {
  test.each([
    ['plain text', 'hello', 'hello'],
    ['plain text after space', ' \n hello', ' \n hello'],
    ['JSON', '{"prompt": "hello"}', 'hello'],
    ['JSON after space, with unknown fields', '\t {"prompt": "hello", "x": {"y": 1}}', 'hello'],
    ['JSON without files', '{"prompt": "hello", "attachments": []}', 'hello'],
  ])('as %s is a message of the user, and its reply comes in chunks', async (_, data, message) => {
    const { rig, nc } = await served();
    const reply = prompt(nc, data);
    await reply.ended;
    const jobId = reply.jobId();
    expect(withoutKeepAlive(reply)).toEqual([
      { type: 'status', data: 'ack', job_id: jobId },
      { type: 'response', data: `answer to ${message}` },
      { type: 'status', data: 'done', job_id: jobId, outcome: 'answered' },
    ]);
    expect(await rig.jobService.get(jobId)).toMatchObject({
      user_id: 'ann',
      channel: 'agents',
      message,
    });
    await nc.flush();
    expect(reply).toMatchObject({ error: null, late: 0 });
  });

  test('streams the answer while it is written, in messages that the broker carries', async () => {
    const { rig, nc } = await served({ config: 'max_payload: 4096' });
    const reply = prompt(nc, 'think of a long text');
    await until(() => rig.pieces.size === 1);
    const [write] = [...rig.pieces.values()];
    const long = '😀한'.repeat(3_000);
    write!('first');
    await until(() => reply.text() === 'first');
    write!(long);
    write!(null);
    await reply.ended;
    expect(reply.text()).toBe(`first${long}`);
    expect(Math.max(...reply.sizes)).toBeLessThanOrEqual(4_096);
    expect(reply.chunks.every(({ data }) => typeof data !== 'string' || data.isWellFormed())).toBe(
      true,
    );
  });

  test('says where another model starts the answer again', async () => {
    const { rig, nc } = await served();
    const reply = prompt(nc, 'think');
    await until(() => rig.pieces.size === 1);
    const [[jobId, write]] = [...rig.pieces] as [[string, (piece: string | null) => void]];
    write('the answer');
    rig.hub.text(jobId, 'another', true);
    write(null);
    await reply.ended;
    expect(withoutKeepAlive(reply).map(({ data }) => data)).toEqual([
      'ack',
      'the answer',
      'restart',
      '\n\n',
      'another',
      'restart',
      '\n\n',
      'the answer',
      'done',
    ]);
  });

  test('waits behind the one before it, and says so', async () => {
    const { rig, nc } = await served({ agentTimings: { keepAliveMs: 20 } });
    const first = prompt(nc, 'think one');
    const second = prompt(nc, 'two');
    await until(() => rig.pieces.size === 1);
    await until(() => second.chunks.some(({ queue }) => (queue?.position ?? 0) > 0));
    await until(() => first.chunks.some(({ data }) => data === 'keepalive'));
    const [write] = [...rig.pieces.values()];
    expect(withoutKeepAlive(second)).toHaveLength(1);
    write!('one');
    write!(null);
    await Promise.all([first.ended, second.ended]);
    expect([first.text(), second.text()]).toEqual(['one', 'answer to two']);
  });

  test('of a caller that is gone is answered in its job, and again for the same Nats-Msg-Id', async () => {
    const { rig, nc } = await served();
    const made = headers();
    made.set('Nats-Msg-Id', 'p1');
    const gone = prompt(nc, 'think', { headers: made });
    await until(() => gone.chunks.length > 0);
    gone.vanish();
    const jobId = gone.jobId();
    await until(() => rig.pieces.size === 1);
    const [write] = [...rig.pieces.values()];
    write!('the answer');
    write!(null);
    await until(async () => (await rig.jobService.get(jobId)).reply === 'the answer');
    const again = prompt(nc, 'think', { headers: made });
    await again.ended;
    expect([again.jobId(), again.text()]).toEqual([jobId, 'the answer']);
  });

  test('takes a text file, and gives it to the job', async () => {
    const { nc, bodies } = await served();
    const content = Buffer.from('치과 예약\n').toString('base64');
    const reply = prompt(
      nc,
      JSON.stringify({ prompt: 'keep this', attachments: [{ filename: 'memo.txt', content }] }),
    );
    await reply.ended;
    expect(reply.error).toBeNull();
    expect(bodies.at(-1)).toMatchObject({ attachment: { name: 'memo.txt', text: '치과 예약\n' } });
  });

  test('without a reply subject is still a message of the user', async () => {
    const { rig, nc } = await served();
    nc.publish(promptSubject, 'hello');
    await until(async () => (await rig.jobService.list({ outcome: 'answered' })).jobs.length === 1);
  });

  test('whose process stops ends with an error that names the job', async () => {
    const { rig, nc } = await served();
    const reply = prompt(nc, 'think');
    await until(() => reply.chunks.length > 0);
    await rig.messaging.stop();
    await reply.ended;
    expect(reply.error).toMatchObject({
      code: '500',
      body: { error: 'GH_SERVER_STOPPING', job_id: reply.jobId() },
    });
  });
});

describe.skipIf(natsCommand === null)('a refused prompt', () => {
  const file = (filename: string, content: string, ...more: object[]) =>
    JSON.stringify({ prompt: 'x', attachments: [{ filename, content }, ...more] });
  const text = Buffer.from('text').toString('base64');
  const refused: [what: string, data: string | Uint8Array, says: string][] = [
    ['nothing', '', 'The prompt is empty'],
    ['space only', ' \n', 'The prompt is empty'],
    ['broken JSON', '{"prompt": ', 'The body is not JSON'],
    ['JSON without a prompt', '{"text": "x"}', 'prompt'],
    ['a prompt that is no text', '{"prompt": 5}', 'prompt'],
    ['an empty prompt', '{"prompt": " "}', 'The prompt is empty'],
    [
      'JSON that is nested too deep',
      `{"prompt": "x", "a": ${'['.repeat(200)}${']'.repeat(200)}}`,
      'nested',
    ],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x41]), 'not UTF-8'],
    ['a prompt that is too long', 'x'.repeat(8_001), '8000 is the limit'],
    ['a request that is too large', ' '.repeat(600_000), 'larger than 524288 bytes'],
    ['files that are no list', '{"prompt": "x", "attachments": 3}', 'attachments'],
    ['a file in a folder', file('../a.txt', text), '../a.txt'],
    ['a file without a name', file(' ', text), 'without folders'],
    ['base64 for addresses', file('a.txt', '-_-_'), 'a.txt'],
    ['base64 without padding', file('a.txt', 'dGV4dA'), 'a.txt'],
    ['a picture', file('pic.png', Buffer.from([0x89, 0x50, 0, 1]).toString('base64')), 'pic.png'],
    ['an empty file', file('a.txt', ''), 'a.txt'],
    ['two files', file('a.txt', text, { filename: 'b.txt', content: text }), 'b.txt'],
    [
      'a file that is too long',
      file('a.txt', Buffer.alloc(60_001, 'x').toString('base64')),
      '60000',
    ],
  ];

  test('gets status 400, the reason, and the terminator', async () => {
    const { rig, nc } = await served();
    for (const [what, data, says] of refused) {
      const reply = prompt(nc, data);
      await reply.ended;
      expect(reply.chunks, what).toEqual([]);
      expect(reply.error?.code, what).toBe('400');
      expect(reply.error?.description, what).toContain(says);
      expect(reply.error?.body.error, what).toMatch(/^GH_REQUEST_/);
    }
    expect((await rig.jobService.list({})).jobs).toEqual([]);
  });

  test('gets 429 while too many replies are open', async () => {
    const { nc } = await served();
    const replies = Array.from({ length: 257 }, () => prompt(nc, 'think'));
    await replies[256]!.ended;
    expect(replies[256]!.error).toMatchObject({
      code: '429',
      body: { error: 'GH_REQUEST_TOO_MANY' },
    });
    expect(replies.slice(0, 256).every(({ error }) => error === null)).toBe(true);
  });

  test.each([
    ['GH_REQUEST_UNAUTHORIZED', '401'],
    ['GH_REQUEST_FORBIDDEN', '403'],
    ['GH_JOB_NOT_FOUND', '404'],
    ['GH_JOB_CONFLICT', '409'],
    ['GH_REQUEST_TOO_LARGE', '400'],
    ['GH_JOB_QUEUE_FULL', '429'],
    ['GH_STORE_UNAVAILABLE', '500'],
  ] as const)('that fails with %s gets status %s', async (error, code) => {
    const { nc } = await served({
      jobService: (jobService) => ({
        ...jobService,
        submit() {
          throw new GatehouseError(error);
        },
      }),
    });
    const reply = prompt(nc, 'hello');
    await reply.ended;
    expect(reply).toMatchObject({ chunks: [], error: { code, body: { error } } });
  });

  test('costs nothing afterwards, also 2,000 times', async () => {
    const { rig, nc } = await served();
    const garbage = (n: number): string | Uint8Array =>
      [
        `${'{'.repeat(1 + (n % 50))}${'y'.repeat(10_000)}`,
        new Uint8Array(10_000).fill(0x80 + (n % 0x40)),
        `{"prompt": ${n}, "attachments": "${'x'.repeat(10_000)}"}`,
        '',
      ][n % 4]!;
    const flood = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 100) {
        const replies = Array.from({ length: 100 }, (_, index) => prompt(nc, garbage(n + index)));
        await Promise.all(replies.map(({ ended }) => ended));
        for (const reply of replies) {
          expect(reply.error?.code).toBe('400');
          reply.vanish();
        }
      }
    };
    await flood(1_000);
    const before = await memoryInUse();
    await flood(1_000);
    // Prompts that are kept would be 7.5 MB.
    expect((await memoryInUse()) - before).toBeLessThan(3 * 1024 ** 2);
    const { endpoints } = (await discover(nc, 'STATS')).json<{
      endpoints: { name: string; num_requests: number; num_errors: number }[];
    }>();
    expect(endpoints[0]).toMatchObject({ name: 'prompt', num_requests: 2_000, num_errors: 2_000 });
    expect((await rig.jobService.list({})).jobs).toEqual([]);
  });

  test.each([
    promptSubject,
    'agents.hb.gatehouse.home.main',
    'gatehouse.v1.svc.job.submit',
    '$SYS.x',
  ])('is one that wants its answer on %s', async (reply) => {
    const { rig, nc } = await served();
    const seen: string[] = [];
    nc.subscribe(reply, { callback: (_, message) => void seen.push(message.string()) });
    nc.publish(promptSubject, 'hello', { reply });
    const after = prompt(nc, 'after');
    await after.ended;
    expect((await rig.jobService.list({})).jobs.map(({ message }) => message)).toEqual(['after']);
    expect(seen.filter((body) => body.includes('ack'))).toEqual([]);
  });
});

describe.skipIf(natsCommand === null)('the agent', () => {
  test('is found by PING and INFO, and its status is that of its heartbeats', async () => {
    const { server, nc } = await served({ agentTimings: { heartbeatMs: 50 } });
    const metadata = {
      agent: 'gatehouse',
      owner: 'home',
      session: 'main',
      protocol_version: '0.3',
    };
    const ping = (await discover(nc, 'PING')).json<{ id: string }>();
    expect(ping).toMatchObject({ name: 'agents', version: '0.1.0', metadata });
    const info = (await discover(nc, 'INFO')).json<Record<string, unknown>>();
    expect(info).toMatchObject({
      name: 'agents',
      metadata,
      endpoints: [
        {
          name: 'prompt',
          subject: promptSubject,
          queue_group: 'agents',
          metadata: { max_payload: '512KB', attachments_ok: 'true' },
        },
        { name: 'status', subject: 'agents.status.gatehouse.home.main', queue_group: 'agents' },
      ],
    });
    const form = {
      agent: 'gatehouse',
      owner: 'home',
      session: 'main',
      instance_id: ping.id,
      ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      interval_s: 0.05,
    };
    const status = await nc.request('agents.status.gatehouse.home.main', '', { timeout: 2_000 });
    expect(status.json()).toEqual(form);
    const beats: unknown[] = [];
    const listener = await connectClient(server);
    listener.subscribe('agents.hb.*.*.*', {
      callback: (_, message) => void beats.push(message.json()),
    });
    await until(() => beats.length >= 2);
    expect(beats[0]).toEqual(form);
  });

  test('sends its first heartbeat when it is there, and one every 30 s by default', async () => {
    const server = await broker();
    const nc = await connectClient(server);
    const beats: { interval_s: number }[] = [];
    nc.subscribe('agents.hb.gatehouse.home.main', {
      callback: (_, message) => void beats.push(message.json()),
    });
    await nc.flush();
    await openGatehouse({ url: server.url, agent });
    await until(() => beats.length === 1);
    expect(beats[0]?.interval_s).toBe(30);
  });

  test('is not there by default', async () => {
    const server = await broker();
    await openGatehouse({ url: server.url });
    const nc = await connectClient(server);
    await until(() =>
      nc.request('$SRV.PING.gatehouse', '', { timeout: 500 }).then(
        () => true,
        () => false,
      ),
    );
    await expect(discover(nc, 'PING')).rejects.toThrow(/no responders/i);
  });
});
