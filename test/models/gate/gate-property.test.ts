/**
 * Goal: any order of questions, ends, cancels, drains, crashes, probes and passing time keeps G1 to G9.
 * Method: fast-check commands against the live gate under virtual time, beside a model that shares no code with it.
 */
import * as fc from 'fast-check';
import { test } from 'vitest';
import { gateMatchesModel } from './gate-commands.ts';

test('a gate does what its description says in any history', { timeout: 120_000 }, async () => {
  await fc.assert(gateMatchesModel(), { numRuns: 2_000 });
});
