/** A wall clock that was ahead and is set back: no wait is extended by the difference. */
import { describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { clockAhead, natsCommand, waitMs, openBridgeWithCore } from './bridge-fixture.ts';

const hourMs = 3_600_000;

describe.skipIf(natsCommand === null)('a wall clock that is set back by an hour', () => {
  test('does not delay messages and answers', async () => {
    const clock = clockAhead();
    const { fixture, type, waitForTexts: heard } = await openBridgeWithCore();
    fixture.small.script(direct('하나'), direct('둘'));
    clock.ms = hourMs;
    await type(4, '첫째');
    await heard(4, 1);
    clock.ms = 0;
    await type(4, '둘째');
    expect(await heard(4, 2)).toEqual(['하나', '둘']);
  });

  test('does not extend the pause after the NAS was unreachable', async () => {
    const clock = clockAhead();
    const { fixture, dsm, type, waitForTexts: heard, storage } = await openBridgeWithCore();
    fixture.small.script(direct('답'));
    await dsm.refuseConnections();
    clock.ms = hourMs;
    await type(4, '안녕');
    await expect
      .poll(() => storage.nextPerLane()[0]?.delivery.state, { timeout: waitMs, interval: 10 })
      .toBe('pausing');
    clock.ms = 0;
    await dsm.acceptConnections();
    expect(await heard(4, 1)).toEqual(['답']);
  });
});
