/** A wall clock that was ahead and is set right: nobody waits for it to come round again. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { direct } from '../support/core.ts';
import { natsCommand, waitMs, world } from './setting.ts';

/** Sets the clock of this process wrong; right again when the test has ended. */
function clockOff(): { offMs: number } {
  const clock = { offMs: 0 };
  const real = Date.now.bind(Date);
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + clock.offMs);
  onTestFinished(() => spy.mockRestore());
  return clock;
}

const hourMs = 3_600_000;

describe.skipIf(natsCommand === null)('a clock that was an hour ahead and is set right', () => {
  test('leaves people their messages and answers', async () => {
    const clock = clockOff();
    const { fixture, type, heard } = await world();
    fixture.small.script(direct('하나'), direct('둘'));
    clock.offMs = hourMs;
    await type(4, '첫째');
    await heard(4, 1);
    clock.offMs = 0;
    await type(4, '둘째');
    expect(await heard(4, 2)).toEqual(['하나', '둘']);
  });

  test('does not lengthen the pause after a NAS that was away', async () => {
    const clock = clockOff();
    const { fixture, dsm, type, heard, storage } = await world();
    fixture.small.script(direct('답'));
    await dsm.refuseConnections();
    clock.offMs = hourMs;
    await type(4, '안녕');
    await expect
      .poll(() => storage.heads()[0]?.delivery.state, { timeout: waitMs, interval: 10 })
      .toBe('pausing');
    clock.offMs = 0;
    await dsm.acceptConnections();
    expect(await heard(4, 1)).toEqual(['답']);
  });
});
