/** Streamed pieces of answers over core NATS, and a reader that joins them. */
import { describe, expect, test } from 'vitest';
import type { TokenChunk } from '#shared/wire/state-event';
import type { NatsConnection } from 'nats';
import { createSubjects } from '#shared/wire/subjects';
import { createLiveHub } from '#jobs/runtime/live-hub';
import { createTokenFeed } from '#events/streams/token-feed';
import { until } from '#test/support/journal';
import {
  broker,
  connectClient,
  openGatehouse,
  natsCommand,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

interface Reader {
  frames: TokenChunk[];
  /** The text of the reader; null after a gap, until the text begins again at 0. */
  text: string | null;
}

function readTokens(nc: NatsConnection, subject: string): Reader {
  const reader: Reader = { frames: [], text: '' };
  nc.subscribe(subject, {
    callback(_error, message) {
      const frame = message.json<TokenChunk>();
      reader.frames.push(frame);
      if (frame.off === 0) reader.text = frame.content;
      else if (reader.text?.length === frame.off) reader.text += frame.content;
      else reader.text = null;
    },
  });
  return reader;
}

async function thinking(
  rig: OpenMessagingFixture,
): Promise<{ jobId: string; say(piece: string | null): void }> {
  const { job_id: jobId } = await rig.jobService.submit({ message: 'think hard', user_id: 'ann' });
  await until(() => rig.pieces.has(jobId));
  return { jobId, say: rig.pieces.get(jobId)! };
}

const connected = (rig: OpenMessagingFixture): Promise<void> =>
  until(() => rig.messaging.status().bus === 'connected');

describe.skipIf(natsCommand === null)('streamed tokens', () => {
  test('are combined into few frames that make up the whole answer', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    await connected(rig);
    const nc = await connectClient(server);
    const reader = readTokens(nc, 'gatehouse.v1.tok.ann.*');
    await nc.flush();
    const { say } = await thinking(rig);
    const pieces = Array.from({ length: 400 }, (_, n) => `조각 ${n} 👍 `);
    for (const piece of pieces) say(piece);
    const whole = pieces.join('');
    await until(() => reader.text === whole);
    expect(reader.frames.length).toBeLessThan(pieces.length / 5);
    expect(reader.frames.map(({ n }) => n)).toEqual(reader.frames.map((_, index) => index + 1));
    say(null);
  });

  test('begin again at 0 with the whole text after a reconnect', async () => {
    const server = await broker();
    const [reading, before, after] = [
      await connectClient(server),
      await connectClient(server),
      await connectClient(server),
    ];
    const reader = readTokens(reading, 'gatehouse.v1.tok.ann.job-1');
    await reading.flush();
    const hub = createLiveHub();
    const feed = createTokenFeed({
      subjects: createSubjects(),
      userOf: () => 'ann',
      textSoFar: (jobId) => hub.textSoFar(jobId),
      onChunk: () => undefined,
    });
    hub.subscribe(null, feed);
    feed.attach(before);
    hub.text('job-1', 'before ', false);
    await until(() => reader.text === 'before ');
    feed.detach();
    hub.text('job-1', 'during ', false);
    feed.attach(after);
    await until(() => reader.text === 'before during ');
    hub.text('job-1', 'after', false);
    await until(() => reader.text === 'before during after');
    expect(reader.frames.map(({ n, off }) => [n, off])).toEqual([
      [1, 0],
      [2, 0],
      [3, 14],
    ]);
    feed.detach();
  });

  test('continue after an outage of the broker', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    await connected(rig);
    const { say } = await thinking(rig);
    say('before ');
    await until(() => rig.messaging.status().counts.tokenFrames > 0);
    await server.kill();
    await until(() => rig.messaging.status().bus === 'connecting');
    say('during ');
    const sent = rig.messaging.status().counts.tokenFrames;
    await server.restart();
    await connected(rig);
    await until(() => rig.messaging.status().counts.tokenFrames > sent);
    say(null);
  });

  test('are not sent without a connection', async () => {
    const server = await broker();
    await server.kill();
    const rig = await openGatehouse({ url: server.url });
    const { say, jobId } = await thinking(rig);
    for (let n = 0; n < 1_000; n += 1) say(`piece ${n} `);
    say(null);
    await until(async () => (await rig.jobService.get(jobId)).state === 'done');
    expect(rig.messaging.status().counts.tokenFrames).toBe(0);
  });

  test('of one huge piece fit the size limit of the broker and are not cut within a character', async () => {
    const server = await broker({ config: 'max_payload: 4096' });
    const rig = await openGatehouse({ url: server.url });
    await connected(rig);
    const nc = await connectClient(server);
    const reader = readTokens(nc, 'gatehouse.v1.tok.>');
    await nc.flush();
    const { say } = await thinking(rig);
    const huge = `\u0001${'👍'.repeat(20_000)}`;
    say(huge);
    await until(() => reader.text?.length === huge.length);
    expect(reader.text).toBe(huge);
    expect(reader.frames.every(({ content }) => content.isWellFormed())).toBe(true);
    say(null);
  });
});
