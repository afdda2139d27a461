/** A disk that fails during a delivery: nothing is posted twice, and the user receives an answer or an apology. */
import { describe, expect, test } from 'vitest';
import type { BridgeStorage } from '#channels/bridge-storage-port';
import { GatehouseError } from '#shared/errors';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import {
  openBridgeWithoutCore,
  fakeNas,
  finalReply,
  waitMs,
  type BridgeWithoutCore,
} from './bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };
const apology = '답변을 채팅에 표시하지 못했습니다. 다시 요청해주세요.';

interface Disk {
  /** Calls count from then: the start itself must not fail. */
  isStarted: boolean;
  of(storage: BridgeStorage): BridgeStorage;
}

/** A disk on which the `nth` of these calls fails. */
function diskFailingAt(call: keyof BridgeStorage, nth: number): Disk {
  let count = 0;
  const disk: Disk = {
    isStarted: false,
    of(storage) {
      const real = storage[call] as (...args: unknown[]) => unknown;
      return {
        ...storage,
        [call]: (...args: unknown[]): unknown => {
          if (disk.isStarted) count += 1;
          if (count === nth) {
            count += 1;
            throw new Error('disk I/O error');
          }
          return real(...args);
        },
      };
    },
  };
  return disk;
}

const all = (call: keyof BridgeStorage, length: number): [keyof BridgeStorage, number][] =>
  Array.from({ length }, (_, index) => [call, index + 1]);

async function afterReply(dsm: FakeDsm, disk: Disk, text: string): Promise<BridgeWithoutCore> {
  const chat = await openBridgeWithoutCore(dsm, {}, { disk: disk.of });
  disk.isStarted = true;
  // The broker redelivers an unacknowledged reply.
  const take = (): Promise<string> => chat.reply(finalReply('job', text)).catch(() => 'failed');
  await expect.poll(take, polled).toBe('done');
  await expect
    .poll(() => chat.storage.counts(), polled)
    .toMatchObject({ outbox: 0, unreported: 0 });
  return chat;
}

describe('a disk that fails once', () => {
  test('in the middle of a delivery neither duplicates nor loses a part of a reply', async () => {
    const calls = [
      ...all('saveDelivery', 3),
      ...all('transaction', 2),
      ...all('nextPerLane', 1),
      ...all('saveCharLimit', 1),
    ];
    // The NAS refuses the first post as too long, and the bridge halves it.
    const parts = ['가'.repeat(750), '나'.repeat(750)];
    const outcomes = await Promise.all(
      calls.map(async ([call, nth]) => {
        const dsm = await fakeNas({ rules: { textLengthMax: 1_000 } });
        const { reports, textsShownTo: said } = await afterReply(
          dsm,
          diskFailingAt(call, nth),
          parts.join(''),
        );
        return { at: `${call} ${nth}`, said: said(4), reports };
      }),
    );
    for (const { at, said, reports } of outcomes) {
      expect({ at, said }).toEqual({ at, said: parts });
      expect({ at, reports }).toMatchObject({ at, reports: [{ status: 'sent', parts: 2 }] });
    }
  });

  test('in the middle of a delivery does not suppress the apology for an answer that is dead', async () => {
    const calls = [...all('saveDelivery', 2), ...all('transaction', 2), ...all('insertOutbox', 2)];
    await Promise.all(
      calls.map(async ([call, nth]) => {
        const dsm = await fakeNas();
        dsm.fail({ kind: 'error', code: 407 });
        const { reports, textsShownTo: said } = await afterReply(
          dsm,
          diskFailingAt(call, nth),
          '답',
        );
        const at = `${call} ${nth}`;
        expect({ at, reports }).toMatchObject({ at, reports: [{ status: 'dead' }] });
        expect({ at, said: said(4) }).toEqual({ at, said: [apology] });
      }),
    );
  });
});

test('GET /healthz of the bridge returns 503 while its database fails, and 200 afterwards', async () => {
  const dsm = await fakeNas();
  let isBroken = true;
  const disk = (storage: BridgeStorage): BridgeStorage => ({
    ...storage,
    counts() {
      if (isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE', 'disk I/O error');
      return storage.counts();
    },
  });
  const { bridge } = await openBridgeWithoutCore(dsm, {}, { disk });
  const health = async () => {
    const response = await fetch(new URL('/healthz', bridge.url));
    return { status: response.status, body: (await response.json()) as object };
  };
  expect(await health()).toEqual({
    status: 503,
    body: { code: 'GH_STORE_UNAVAILABLE', message: 'disk I/O error' },
  });
  isBroken = false;
  expect(await health()).toMatchObject({ status: 200, body: { nats: 'connected', outbox: 0 } });
});

test('a reply that a disk error left in the state sending is uncertain and is not sent again', async () => {
  const dsm = await fakeNas();
  let isWhole = false;
  const of = (storage: BridgeStorage): BridgeStorage => ({
    ...storage,
    saveDelivery(id, delivery, change) {
      storage.saveDelivery(id, delivery, change);
      if (isWhole || delivery.state !== 'sending') return;
      isWhole = true;
      throw new Error('disk I/O error');
    },
  });
  const { reports, textsShownTo: said } = await afterReply(dsm, { isStarted: true, of }, '답');
  expect(reports).toMatchObject([{ status: 'uncertain', parts: 1 }]);
  expect(said(4)).toEqual([]);
});
