/** The model of a gate in docs/gate.pml has the properties of docs/gate.md, and Spin finds each fault that it can be given. */
import { describe, expect, test } from 'vitest';
import { faultsOf, spinErrors, spinMissing } from '#test/support/spin';

const model = 'gate.pml';

/** The properties that each fault breaks. */
const broken: Record<string, string[]> = {
  EARLY: ['safe'],
  LOST: ['wake'],
  KEEP: ['gives'],
  NOAGE: ['live', 'ends'],
};

describe.skipIf(spinMissing() !== null)('the model of a gate', { timeout: 60_000 }, () => {
  test.each(['safe', 'wake', 'gives', 'live', 'ends'])('holds %s', async (property) => {
    expect(await spinErrors(model, property, { isFair: true })).toBe(0);
  });

  test.each(Object.entries(broken))('with the fault %s breaks %s', async (fault, properties) => {
    for (const property of properties)
      expect(await spinErrors(model, property, { fault, isFair: true })).toBe(1);
  });

  test('names its faults', () => {
    expect(faultsOf(model).toSorted()).toEqual(Object.keys(broken).toSorted());
  });
});
