/** NATS subjects contain safe tokens only, whatever the ids are; cut payloads stay valid. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliveryReport } from '#shared/wire/reply';
import { createSubjects, serviceVerbs, userToken } from '#shared/wire/subjects';
import type { StateEvent } from '#shared/wire/state-event';
import { GatehouseError } from '#shared/errors';
import { eventMessage } from '#events/outbox/outgoing-messages';
import { compareStream, createStreamSpecs } from '#events/streams/streams';

const subjects = createSubjects();
const anyId = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom('a b', 'x\r\nPUB y 0\r\n', '*', '>', 'a.b', '', 'u_AAAAAAAAAAAAAAAAAAAAAA'),
);
const tokens = /^gatehouse\.v1(\.[A-Za-z0-9_-]{1,64})+$/;

describe('subjects', () => {
  test('contain only safe tokens, for any ids', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (userId, jobId, channel) => {
        const job = { userId, jobId };
        for (const subject of [
          subjects.event({ ...job, type: 'ack' }),
          subjects.tokens(job),
          subjects.reply({ ...job, channel }),
          subjects.delivery({ ...job, channel }),
          subjects.deadLetter('submit', channel),
          subjects.door(`part/${channel}`),
          subjects.worker(userId),
          subjects.gate(channel).door,
          subjects.gate(channel).worker(userId),
        ]) {
          expect(subject).toMatch(tokens);
        }
      }),
    );
  });

  test('never give two users the same token', () => {
    fc.assert(
      fc.property(anyId, anyId, (one, other) => {
        if (one !== other) expect(userToken(one)).not.toBe(userToken(other));
        // A user whose id is the token of another user gets a different token.
        if (userToken(one) !== one) expect(userToken(userToken(one))).not.toBe(userToken(one));
      }),
    );
  });

  test('of submits and delivery reports can be parsed, and other subjects are not parsed as these', () => {
    expect(subjects.parseSubmitSource(subjects.submit('mail'))).toBe('mail');
    const address = { userId: 'ann', jobId: 'j1', channel: 'synology' };
    expect(subjects.parseDeliverySubject(subjects.delivery(address))).toEqual({
      channel: 'synology',
      user: 'ann',
      job: 'j1',
    });
    for (const other of ['gatehouse.v1.cmd.submit', 'gatehouse.v1.cmd.submit.a.b', 'x', '']) {
      expect(subjects.parseSubmitSource(other)).toBe(null);
      expect(subjects.parseDeliverySubject(other)).toBe(null);
    }
    expect(() => subjects.submit('a b')).toThrow(GatehouseError);
  });

  test('of service requests are in no stream, because the stream would answer them', () => {
    const streamed = Object.values(createStreamSpecs(subjects)).flatMap((spec) => spec.subjects);
    for (const verb of serviceVerbs) {
      const subject = subjects.service(verb);
      expect(streamed.some((one) => subject.startsWith(one.slice(0, -1)))).toBe(false);
    }
  });

  test('have the configured prefix, and an unsafe prefix is refused', () => {
    expect(createSubjects('home.v2').wildcards.events).toBe('home.v2.evt.>');
    const { worker, ...gate } = createSubjects('home.v2').gate('large');
    expect(gate).toEqual({
      door: 'home.v2.gate.large.door',
      all: 'home.v2.gate.large.all',
      view: 'home.v2.gate.large.view',
    });
    expect(worker('w1')).toBe('home.v2.gate.large.worker.w1');
    for (const prefix of ['', 'a b', 'a.', '.a', 'a..b', 'a.*', '>', 'a\r\nb', 'x'.repeat(101)]) {
      expect(() => createSubjects(prefix)).toThrow(/nats\.prefix/);
    }
  });
});

describe('an event for the broker', () => {
  const event = (data: Record<string, unknown>): StateEvent => ({
    id: 'j:1',
    job_id: 'j',
    seq: 1,
    type: 'result',
    state: 'done',
    at: '2026-11-18T00:00:00.000Z',
    user_id: 'ann',
    channel: 'http',
    data,
  });

  test('is sent unchanged if it fits the limit, and is cut to the limit if not', () => {
    const bytesMax = 8_192;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20_000, size: 'max' }), (content) => {
        const { payload } = eventMessage(event({ content }), subjects, bytesMax);
        const { data } = JSON.parse(payload) as { data: StateEvent };
        expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(bytesMax);
        if (data.data['truncated'] === true) {
          expect(content.startsWith(String(data.data['content']))).toBe(true);
        } else {
          expect(data.data['content']).toBe(
            content.toWellFormed() === content ? content : data.data['content'],
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('compareStream', () => {
  const spec = createStreamSpecs(subjects).events;
  const found = { ...spec, num_replicas: 3 } as Parameters<typeof compareStream>[1];

  test('accepts more replicas, and reports settings on which guarantees depend as broken', () => {
    expect(compareStream(spec, found)).toEqual({ broken: [], notes: [] });
    const without = { ...found, republish: undefined } as unknown as typeof found;
    expect(compareStream(spec, without).broken).toEqual([
      expect.stringContaining('republish is none'),
    ]);
    expect(compareStream(spec, { ...found, subjects: ['x.>'] }).broken).toHaveLength(1);
    expect(compareStream(spec, { ...found, sealed: true }).broken).toEqual(['it is sealed']);
    expect(compareStream(spec, { ...found, duplicate_window: 1 }).notes).toHaveLength(1);
  });
});

describe('a delivery report', () => {
  test('names its reply by job and seq', () => {
    const report = { status: 'sent', parts: 1 };
    expect(deliveryReport.safeParse({ ...report, reply_id: 'j:1' }).success).toBe(true);
    for (const reply_id of ['j', 'j:', ':1', 'j:x', 'a b:1', `${'x'.repeat(65)}:1`, 5]) {
      expect(deliveryReport.safeParse({ ...report, reply_id }).success).toBe(false);
    }
  });
});
