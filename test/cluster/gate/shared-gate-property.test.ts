/**
 * Goal: P6 over several workers holds for any order of requests, lost and late messages, cut and killed workers, and arbiters
 * that die, hand over, or go on for one beat after they were replaced. Each mutant has one known fault and must be found.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sharedGateHolds } from './gate-history.ts';
import { timing, type NetworkFault } from './gate-network.ts';

test(
  'a shared gate never has more permits than concurrency and forgets no request',
  { timeout: 300_000 },
  async () => {
    await fc.assert(sharedGateHolds(), { numRuns: 300 });
  },
);

const mutants: Record<string, () => NetworkFault> = {
  'early free: a silent worker loses its slots before its permits end': () => ({
    timing: { freeMs: 3_000 },
  }),
  'no quiet time: a new arbiter grants at once': () => ({ timing: { quietMs: 1 } }),
  'no expiry: a holder without confirmation goes on': () => ({ timing: { abortMs: 80_000 } }),
  'no last words: a new arbiter forgets what the replaced one confirms until it is mute': () => ({
    timing: { quietMs: timing.gate.permitMs },
  }),
  'no epoch check: the states of a replaced arbiter count': () => {
    let seq = 1_000_000;
    let epoch = 0;
    return {
      tamper: (message) => {
        const state = message as { epoch?: number; seq?: number; confirmed?: number };
        if (state.confirmed === undefined) return message;
        seq += 1;
        epoch = Math.max(epoch, state.epoch ?? 0);
        return { ...state, epoch, seq };
      },
    };
  },
  'lost waiter: a waiting request is missing in each beat': () => ({
    tamper: (message) => {
      const beat = message as { tickets?: { id: number; phase?: string }[] };
      if (!beat.tickets?.some(({ phase }) => phase !== undefined)) return message;
      const isLost = ({ id, phase }: { id: number; phase?: string }) =>
        phase === 'waiting' && id % 3 === 0;
      return { ...beat, tickets: beat.tickets.filter((ticket) => !isLost(ticket)) };
    },
  }),
};

test.each(Object.entries(mutants))(
  'the property test of the shared gate detects the fault: %s',
  { timeout: 300_000 },
  async (_, fault) => {
    const found = await fc.check(sharedGateHolds(fault()), { numRuns: 2_000, endOnFailure: true });
    expect(found.failed).toBe(true);
  },
);
