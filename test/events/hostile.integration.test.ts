/** Slow, greedy or malicious clients: they are refused, memory stays limited, and other clients are served. */
import { createConnection } from 'node:net';
import type { Msg, NatsConnection } from 'nats';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '#test/support/journal';
import type { NatsServer } from '#test/support/nats-server';
import {
  broker,
  connectClient,
  openGatehouse,
  natsCommand,
  type OpenMessagingFixture,
} from './nats-fixture.ts';

async function served(options: Parameters<typeof openGatehouse>[1] = {}) {
  const server = await broker({ config: 'write_deadline: "300ms"' });
  const rig = await openGatehouse({ url: server.url }, options);
  await until(() => rig.messaging.status().bus === 'connected');
  const nc = await connectClient(server);
  await until(() => isServed(nc));
  return { server, rig, nc };
}

async function isServed(nc: NatsConnection): Promise<boolean> {
  try {
    await nc.request('$SRV.PING.gatehouse', '', { timeout: 1_000 });
    return true;
  } catch {
    return false;
  }
}

/** A plain socket, to send invalid protocol data. */
async function socket(server: NatsServer) {
  const raw = createConnection(server.port, '127.0.0.1');
  onTestFinished(() => void raw.destroy());
  let isClosed = false;
  raw.on('error', () => undefined);
  raw.on('close', () => (isClosed = true));
  await new Promise<void>((resolve) => raw.once('data', () => resolve()));
  raw.write('CONNECT {"verbose":false}\r\n');
  return { raw, isClosed: () => isClosed };
}

const finished = async (rig: OpenMessagingFixture, message: string): Promise<void> => {
  const { job_id } = await rig.jobService.submit({ message, user_id: 'ann' });
  await until(async () => (await rig.jobService.get(job_id)).outcome !== null);
};

describe.skipIf(natsCommand === null)('a subscriber that does not read', () => {
  test('is disconnected by the broker; events, tokens and other subscribers continue', async () => {
    const { server, rig, nc } = await served();
    const lazy = await socket(server);
    lazy.raw.write('SUB gatehouse.v1.> 1\r\nPING\r\n');
    await new Promise<void>((resolve) => lazy.raw.once('data', () => resolve()));
    lazy.raw.pause();
    let heard = 0;
    nc.subscribe('gatehouse.v1.live.>', { callback: () => void (heard += 1) });
    await nc.flush();
    const { job_id } = await rig.jobService.submit({ message: 'think', user_id: 'ann' });
    await until(() => rig.pieces.has(job_id));
    const say = rig.pieces.get(job_id)!;
    // More than the buffers of two sockets hold.
    for (let frame = 0; frame < 600; frame += 1) {
      say('x'.repeat(60_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rig.messaging.status().bus).toBe('connected');
    await rig.jobService.cancel(job_id, 'ann');
    await finished(rig, 'hello');
    await until(() => rig.messaging.flush());
    await until(() => heard >= 6);
    // Waits longer than the broker's write deadline, as the rest of this test may be faster.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    lazy.raw.resume();
    await until(lazy.isClosed);
  });
});

describe.skipIf(natsCommand === null)('a client that floods', () => {
  test('with 10,000 concurrent submits receives a job or an error code for each of them', async () => {
    let atOnce = 0;
    let atOnceMax = 0;
    const { rig, nc } = await served({
      maxQueued: 200,
      jobService: (jobService) => ({
        ...jobService,
        async submit(body, defaults) {
          atOnce += 1;
          atOnceMax = Math.max(atOnceMax, atOnce);
          try {
            // As on a slow disk: all requests arrive before the first one is finished.
            await new Promise((resolve) => setTimeout(resolve, 50));
            return await jobService.submit(body, defaults);
          } finally {
            atOnce -= 1;
          }
        },
      }),
    });
    const body = JSON.stringify({ message: `think ${'x'.repeat(200)}`, user_id: 'flood' });
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, async () => {
        const answer = await nc.request('gatehouse.v1.svc.job.submit', body, { timeout: 25_000 });
        return answer.json<{ code?: string }>().code ?? 'accepted';
      }),
    );
    const known = new Set(['accepted', 'GH_JOB_QUEUE_FULL', 'GH_REQUEST_TOO_MANY']);
    expect(answers.filter((code) => !known.has(code))).toEqual([]);
    expect(answers).toContain('accepted');
    expect(rig.messaging.status().counts.requests).toBe(10_000);
    // Refusals happen before any work, which limits the memory.
    expect(atOnceMax).toBeLessThanOrEqual(512);
    await until(() => isServed(nc));
  });

  test('with 10 MB in one message is refused by the broker, and other clients are served', async () => {
    const { server, nc } = await served();
    const greedy = await socket(server);
    greedy.raw.write('PUB gatehouse.v1.svc.job.submit 10485760\r\n');
    greedy.raw.write(Buffer.alloc(1_000_000, 'x'));
    await until(greedy.isClosed);
    expect(await isServed(nc)).toBe(true);
    const tooLarge = await connectClient(server);
    expect(() => tooLarge.publish('gatehouse.v1.svc.job.submit', 'x'.repeat(10_485_760))).toThrow(
      /max_payload/,
    );
  });

  test('with invalid data receives refusals, and none of it becomes a job', async () => {
    const { server, rig, nc } = await served();
    const garbage = [
      '',
      '{}',
      '[]',
      'null',
      '0',
      '"x"',
      '{"message":null}',
      '{"message":{"a":1}}',
      '{"message":"x","user_id":""}',
      '{"message":"x","channel":"a b"}',
      `{"message":"${'\\u0000'.repeat(9_000)}"}`,
      '['.repeat(10_000),
      `{"message":"x","idempotency_key":"${'k'.repeat(300)}"}`,
      new Uint8Array([0, 255, 1, 254]),
    ];
    const replies: Msg[] = [];
    for (const body of garbage) {
      replies.push(await nc.request('gatehouse.v1.svc.job.submit', body, { timeout: 5_000 }));
    }
    for (const reply of replies) {
      expect(reply.headers?.get('Nats-Service-Error-Code')).toMatch(/^4/);
      expect(reply.json<{ code: string }>().code).toMatch(/^GH_REQUEST_/);
    }
    const wild = await socket(server);
    wild.raw.write('\u0000\u0001PUB PUB PUB\r\n');
    await until(wild.isClosed);
    expect((await rig.jobService.list({})).jobs).toEqual([]);
    expect(await isServed(nc)).toBe(true);
  });
});
