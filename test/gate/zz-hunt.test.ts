import * as fc from 'fast-check';
import { test } from 'vitest';
import { gateAgreesWithModel } from './gate-commands.ts';
test('hunt', { timeout: 550_000 }, async () => {
  const r = await fc.check(gateAgreesWithModel(), { numRuns: 100_000 });
  console.log(
    r.failed,
    r.numRuns,
    r.seed,
    String(r.counterexample),
    (r.errorInstance as Error)?.message,
  );
});
