/**
 * Goal: G1 to G9 hold for any order of requests, ends, cancels, drains, lost holders, probes and passing time.
 * Method: fast-check commands on the live gate under virtual time and on a model that shares no code with it.
 */
import * as fc from 'fast-check';
import { test } from 'vitest';
import { gateMatchesModel } from './gate-commands.ts';

test(
  'the live gate agrees with the gate model after every step of any history',
  { timeout: 120_000 },
  async () => {
    await fc.assert(gateMatchesModel(), { numRuns: 2_000 });
  },
);
