/** The states of one delivery: it always ends, and no part is sent again that may have been posted (D1 to D3). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeliveryEvent } from '#machines/delivery';
import { applyDeliveryEvent, hasEnded, newDelivery } from '#channels/outbox/delivery-transitions';
import type { StoredDelivery } from '#channels/bridge-storage-port';

const run = (delivery: StoredDelivery, ...events: DeliveryEvent[]): StoredDelivery =>
  events.reduce(applyDeliveryEvent, delivery);
const send = (next: number): DeliveryEvent => ({ type: 'send', next });
const lost: DeliveryEvent = { type: 'lost', error: 'cut' };

describe('a delivery', () => {
  test('is sent when every part was posted', () => {
    const done = run(newDelivery('abcdef'), send(3), { type: 'posted' }, send(6), {
      type: 'posted',
    });
    expect(done).toMatchObject({ state: 'sent', context: { posts: 2, lost: 0 } });
  });

  test('continues after a part with an unknown result, and ends as uncertain', () => {
    const done = run(newDelivery('abcdef'), send(3), lost, send(6), { type: 'posted' });
    expect(done).toMatchObject({
      state: 'uncertain',
      context: { posts: 1, lost: 1, error: 'cut' },
    });
  });

  test('that was being posted when the process ended is not sent again', () => {
    expect(run(newDelivery('abc'), send(3), { type: 'restarted' })).toMatchObject({
      state: 'uncertain',
      context: { error: 'the process ended while the post was out' },
    });
  });

  test('waits longer after each refusal as too fast, up to 8 seconds', () => {
    let delivery = newDelivery('abc');
    const pauses: number[] = [];
    for (let tries = 0; tries < 6; tries += 1) {
      delivery = run(delivery, send(3), { type: 'tooFast' });
      pauses.push(delivery.context.pauseMs);
      delivery = run(delivery, { type: 'resume' });
    }
    expect(pauses).toEqual([700, 1_400, 2_800, 5_600, 8_000, 8_000]);
    expect(run(delivery, send(3), { type: 'posted' }).state).toBe('sent');
  });

  test('halves its limit when it is too long, and is dead when even a short part is too long', () => {
    const tooLong = (chars: number): DeliveryEvent => ({ type: 'tooLong', chars, error: '410' });
    const shorter = run(newDelivery('x'.repeat(1_800)), send(1_800), tooLong(1_800));
    expect(shorter).toMatchObject({ state: 'waiting', context: { offset: 0, limit: 900 } });
    expect(run(shorter, send(30), tooLong(30)).state).toBe('dead');
  });

  test('survives any number of outages, but is given up after four busy refusals', () => {
    const again = (event: DeliveryEvent, times: number): StoredDelivery =>
      Array.from({ length: times }).reduce<StoredDelivery>(
        (delivery) => run(delivery, send(3), event, { type: 'resume' }),
        newDelivery('abc'),
      );
    expect(again({ type: 'unreachable', error: 'off' }, 500).state).toBe('waiting');
    expect(again({ type: 'stopped', error: '102' }, 500).state).toBe('waiting');
    expect(again({ type: 'busy', error: '117' }, 3).state).toBe('waiting');
    expect(again({ type: 'busy', error: '117' }, 4).state).toBe('dead');
    const expired = run(again({ type: 'unreachable', error: 'off' }, 3), { type: 'expired' });
    expect(expired.context.error).toBe('given up after waiting: off');
  });

  test('never sends a part again that may have been posted, for any sequence of events', () => {
    const outcome = fc.constantFrom<DeliveryEvent>(
      { type: 'posted' },
      lost,
      { type: 'restarted' },
      { type: 'tooFast' },
      { type: 'unreachable', error: 'off' },
      { type: 'busy', error: '117' },
      { type: 'tooLong', chars: 1_000, error: '410' },
      { type: 'refused', error: '404' },
    );
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 40 }), (outcomes) => {
        let delivery = newDelivery('x'.repeat(10));
        let maybeThere = 0;
        for (const event of outcomes) {
          if (hasEnded(delivery)) break;
          expect(delivery.context.offset).toBeGreaterThanOrEqual(maybeThere);
          const next = Math.min(10, delivery.context.offset + 2);
          delivery = run(delivery, send(next), event);
          if (['posted', 'lost', 'restarted'].includes(event.type)) maybeThere = next;
          delivery = run(delivery, { type: 'resume' });
        }
        expect(hasEnded(delivery)).toBe(
          ['sent', 'uncertain', 'dead', 'dropped'].includes(delivery.state),
        );
        if (delivery.state === 'sent') expect(delivery.context.lost).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
