/** The model of the shared gate in docs/gate-cluster.pml holds, and Spin finds each fault that it can be given. */
import { describe, expect, test } from 'vitest';
import { faultsOf, spinErrors, spinMissing } from '#test/support/spin';

const model = 'gate-cluster.pml';
const faults = faultsOf(model);

describe.skipIf(spinMissing() !== null)('the model of the shared gate', { timeout: 60_000 }, () => {
  test('never has two requests at the model server', async () => {
    expect(await spinErrors(model, 'safe')).toBe(0);
  });

  test.each(faults)('has them with the fault %s', async (fault) => {
    expect(await spinErrors(model, 'safe', { fault })).toBe(1);
  });

  test('names its faults', () => {
    expect(faults).toHaveLength(6);
  });
});
