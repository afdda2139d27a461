/** Requests to the owner of a lease, over an in-memory transport that loses, delays and refuses as NATS does. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLeaseDoors, doorOperation, type LeaseDoors } from '#cluster/lease-doors';
import { GatehouseError } from '#shared/errors';
import { silentLog } from '#shared/log';
import type { MessageTransport } from '#shared/message-transport';
import { createBroker } from './memory-broker.ts';

function openProcess(transport: MessageTransport, isConfirmed = () => true): LeaseDoors {
  const subjectOf = (lease: string): string => `door.${lease}`;
  return createLeaseDoors({ transport, subjectOf, isConfirmed, log: silentLog() });
}

const text = z.object({ text: z.string() });

/** Operations that count how often they ran. */
function counted(isIdempotent = true) {
  const ran: string[] = [];
  const echo = doorOperation(
    text,
    async (input) => {
      ran.push(input.text);
      return input.text.length;
    },
    isIdempotent,
  );
  return { ran, operations: { echo } };
}

describe('the door of a lease', () => {
  test('answers in the own process without a message, and from another one over the transport', async () => {
    const { broker, transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    const { operations } = counted();
    owner.open('part/1', operations);
    expect(await owner.call('part/1', 'echo', { text: 'abc' })).toBe(3);
    expect(broker.requests).toBe(0);
    expect(await other.call('part/1', 'echo', { text: 'abcd' })).toBe(4);
    expect(broker.requests).toBe(1);
  });

  test('is asked again until the lease has an owner', async () => {
    const { transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    const answer = other.call('part/1', 'echo', { text: 'a' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    owner.open('part/1', counted().operations);
    expect(await answer).toBe(1);
  });

  test('is asked for at its next owner when the first refuses because it has lost the lease', async () => {
    const { transport } = createBroker();
    const [first, second, other] = [1, 2, 3].map(() => openProcess(transport));
    first!.open('part/1', {
      echo: doorOperation(text, async () => {
        await first!.close('part/1').catch(() => undefined);
        throw new GatehouseError('GH_STORE_FENCED');
      }),
    });
    const { ran, operations } = counted();
    const answer = other!.call('part/1', 'echo', { text: 'a' });
    second!.open('part/1', operations);
    expect(await answer).toBe(1);
    expect(ran).toEqual(['a']);
  });

  test('carries a request out once when its answer is lost', async () => {
    const { broker, transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    const { ran, operations } = counted(false);
    owner.open('part/1', operations);
    broker.loses = 2;
    expect(await other.call('part/1', 'echo', { text: 'once' })).toBe(4);
    expect(ran).toEqual(['once']);
  });

  test('does not repeat at another owner what is not idempotent and may have been done', async () => {
    const { broker, transport } = createBroker();
    const [first, second, other] = [1, 2, 3].map(() => openProcess(transport));
    const [one, two] = [counted(false), counted(false)];
    first!.open('part/1', one.operations);
    broker.loses = 1;
    const answer = other!.call('part/1', 'echo', { text: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    await first!.close('part/1');
    second!.open('part/1', two.operations);
    await expect(answer).rejects.toMatchObject({ code: 'GH_STORE_UNKNOWN' });
    expect([one.ran, two.ran]).toEqual([['a'], []]);
  });

  test('passes on the errors of an operation with their codes and fields', async () => {
    const { transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    owner.open('part/1', {
      fail: doorOperation(z.object({}), async () => {
        throw new GatehouseError('GH_JOB_QUEUE_FULL', 'full', { retryAfterMs: 5_000 });
      }),
    });
    await expect(other.call('part/1', 'fail', {})).rejects.toMatchObject({
      code: 'GH_JOB_QUEUE_FULL',
      status: 429,
      message: 'full',
      retryAfterMs: 5_000,
    });
    await expect(other.call('part/1', 'toString', {})).rejects.toMatchObject({
      code: 'GH_REQUEST_INVALID',
    });
  });

  test('refuses input of another form', async () => {
    const { transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    owner.open('part/1', counted().operations);
    await expect(other.call('part/1', 'echo', { text: 1 })).rejects.toMatchObject({
      code: 'GH_REQUEST_INVALID',
    });
  });

  test('does not answer while the beats of its owner are not confirmed', async () => {
    const { transport } = createBroker();
    let isConfirmed = false;
    const owner = openProcess(transport, () => isConfirmed);
    const other = openProcess(transport);
    const { ran, operations } = counted();
    owner.open('part/1', operations);
    await expect(
      other.call('part/1', 'echo', { text: 'a' }, { limitMs: 30 }),
    ).rejects.toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    expect(ran).toEqual([]);
    isConfirmed = true;
    expect(await other.call('part/1', 'echo', { text: 'a' })).toBe(1);
  });

  test('takes messages that are larger than a server carries', async () => {
    const { broker, transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    const { ran, operations } = counted();
    owner.open('part/1', operations);
    const long = '가나"\\\n😀'.repeat(200_000);
    expect(await other.call('part/1', 'echo', { text: long })).toBe(long.length);
    expect(broker.requests).toBeGreaterThan(8);
    expect(ran).toEqual([long]);
  });

  test.each([8 * 1024, 64 * 1024])(
    'follows the limit of a server that carries %i bytes',
    async (bytes) => {
      const { broker, transport } = createBroker();
      broker.payloadMax = bytes;
      const [owner, other] = [openProcess(transport), openProcess(transport)];
      const { ran, operations } = counted();
      owner.open('part/1', {
        ...operations,
        read: doorOperation(z.object({}), async () => 'a'.repeat(bytes)),
      });
      const long = '가나"\\\n\u0001😀'.repeat(8_000);
      expect(await other.call('part/1', 'echo', { text: long })).toBe(long.length);
      expect(ran).toEqual([long]);
      await expect(other.call('part/1', 'read', {})).rejects.toMatchObject({
        code: 'GH_BUS_TOO_LARGE',
      });
    },
  );

  test('refuses an answer with more bytes than a server carries, whatever its number of characters', async () => {
    const { transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    owner.open('part/1', { read: doorOperation(z.object({}), async () => '가'.repeat(400_000)) });
    await expect(other.call('part/1', 'read', {})).rejects.toMatchObject({
      code: 'GH_BUS_TOO_LARGE',
    });
  });

  test('begins a large message anew when it moves between two of its pieces', async () => {
    const { broker, transport } = createBroker();
    const [first, second, other] = [1, 2, 3].map(() => openProcess(transport));
    const [one, two] = [counted(), counted()];
    first!.open('part/1', one.operations);
    broker.onRequest = (count) => {
      if (count !== 4) return;
      void first!.close('part/1');
      second!.open('part/1', two.operations);
    };
    expect(await other!.call('part/1', 'echo', { text: 'x'.repeat(1_000_000) })).toBe(1_000_000);
    expect([one.ran.length, two.ran.length]).toEqual([0, 1]);
  });

  test('closes when the requests in hand have ended', async () => {
    const { transport } = createBroker();
    const [owner, other] = [openProcess(transport), openProcess(transport)];
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    owner.open('part/1', { wait: doorOperation(z.object({}), () => held) });
    const answers = [owner.call('part/1', 'wait', {}), other.call('part/1', 'wait', {})];
    await new Promise((resolve) => setImmediate(resolve));
    let isClosed = false;
    const closed = owner.close('part/1').then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    release();
    await Promise.all([...answers, closed]);
  });
});
