/** The draft machine by itself, in simulated time: rounds, growing delays, pauses, hours. */
import { afterEach, describe, expect, test } from 'vitest';
import { createActor, fromPromise, SimulatedClock, type Actor } from 'xstate';
import {
  draftMachine,
  type DraftLook,
  type DraftMachine,
  type DraftResult,
  type DraftRules,
  type DraftTicket,
} from '#machines/draft';
import { yieldToEventLoop } from '#test/support/journal';

const minute = 60_000;
const rules: DraftRules = {
  intervalMs: 2 * minute,
  batch: 2,
  awayMsMax: 15 * minute,
  paused: false,
};
const claimed = (documentId: string): DraftLook => ({
  kind: 'claimed',
  ticket: { documentId, attempt: 1 },
});

let actor: Actor<DraftMachine>;
afterEach(() => void actor.stop());

/** `looks`, `results`: what the looks and attempts return, in order; after that `none` and `settled`. */
function start(
  looks: (DraftLook | Error)[],
  results: (DraftResult | Error | 'never')[] = [],
  change: Partial<DraftRules> = {},
) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const machine = draftMachine.provide({
    actors: {
      look: fromPromise<DraftLook>(async () => {
        log.push('look');
        const next = looks.shift() ?? { kind: 'none' };
        if (next instanceof Error) throw next;
        return next;
      }),
      draft: fromPromise<DraftResult, DraftTicket>(async ({ input, signal }) => {
        log.push(input.documentId);
        signal.addEventListener('abort', () => log.push(`${input.documentId} aborted`));
        const next = results.shift() ?? 'settled';
        if (next instanceof Error) throw next;
        return next === 'never' ? new Promise<DraftResult>(() => undefined) : next;
      }),
    },
  });
  actor = createActor(machine, { input: { ...rules, ...change }, clock });
  actor.start();
  return {
    log,
    state: () => actor.getSnapshot().value,
    async send(type: 'wake' | 'retry' | 'pause' | 'resume' | 'stop') {
      actor.send({ type });
      await yieldToEventLoop();
    },
    async pass(ms: number) {
      clock.increment(ms);
      await yieldToEventLoop();
    },
  };
}

describe('the draft machine', () => {
  test('drafts at most a batch per round, one after another, then waits for the interval', async () => {
    const { log, state, pass } = start([claimed('a'), claimed('b'), claimed('c')]);
    await yieldToEventLoop();
    expect(log).toEqual(['look', 'a', 'look', 'b']);
    expect(state()).toBe('waiting');
    await pass(2 * minute - 1);
    expect(log).toHaveLength(4);
    await pass(1);
    expect(log.slice(4)).toEqual(['look', 'c', 'look']);
    expect(state()).toBe('waiting');
  });

  test('begins at once when a memo is added and no round runs', async () => {
    const { log, send } = start([{ kind: 'none' }, claimed('a')]);
    await yieldToEventLoop();
    await send('wake');
    expect(log).toEqual(['look', 'look', 'a', 'look']);
  });

  test('waits longer each time its server is away, and a new memo does not shorten the wait', async () => {
    const looks = Array.from({ length: 20 }, () => claimed('a'));
    const { log, state, pass, send } = start(
      looks,
      Array.from({ length: 19 }, () => 'away' as const),
    );
    await yieldToEventLoop();
    const waits: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      expect(state()).toBe('away');
      await send('wake');
      expect(state()).toBe('away');
      const before = log.length;
      let waited = 0;
      while (log.length === before) {
        await pass(minute);
        waited += 1;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([2, 4, 8, 15, 15, 15]);
    const before = log.length;
    await send('retry');
    expect(log.length).toBeGreaterThan(before);
  });

  test('waits the shortest time again once its server has been back', async () => {
    const { state, pass } = start(
      [claimed('a'), claimed('a'), { kind: 'none' }, claimed('b')],
      ['away', 'settled', 'away'],
    );
    await yieldToEventLoop();
    expect(state()).toBe('away');
    await pass(2 * minute);
    expect(state()).toBe('waiting');
    await pass(2 * minute);
    expect(state()).toBe('away');
    await pass(2 * minute);
    expect(state()).toBe('waiting');
  });

  test('aborts the running draft when it is paused, and starts nothing until it is resumed', async () => {
    const { log, state, pass, send } = start([claimed('a'), claimed('b')], ['never']);
    await yieldToEventLoop();
    expect(state()).toBe('drafting');
    await send('pause');
    expect(log).toEqual(['look', 'a', 'a aborted']);
    await send('wake');
    await send('retry');
    await pass(60 * minute);
    expect(state()).toBe('paused');
    await send('resume');
    expect(log.slice(3)).toEqual(['look', 'b', 'look']);
  });

  test('starts no draft if it was paused before a restart', async () => {
    const { log, state } = start([claimed('a')], [], { paused: true });
    await yieldToEventLoop();
    expect(state()).toBe('paused');
    expect(log).toEqual([]);
  });

  test('looks again when its hours begin, and not earlier for a new memo', async () => {
    const { log, state, pass, send } = start([
      { kind: 'closed', lookMs: 10 * minute },
      claimed('a'),
    ]);
    await yieldToEventLoop();
    expect(state()).toBe('closed');
    await send('wake');
    await pass(10 * minute - 1);
    expect(log).toEqual(['look']);
    await pass(1);
    expect(log.slice(1)).toEqual(['look', 'a', 'look']);
  });

  test('continues after the database could not be read or written', async () => {
    const { log, state, pass } = start(
      [new Error('disk'), claimed('a'), claimed('b')],
      [new Error('disk')],
    );
    await yieldToEventLoop();
    expect(state()).toBe('waiting');
    await pass(2 * minute);
    expect(state()).toBe('waiting');
    await pass(2 * minute);
    expect(log).toEqual(['look', 'look', 'a', 'look', 'b', 'look']);
  });

  test('ends when it is stopped, and aborts the running draft', async () => {
    const { log, state, send } = start([claimed('a')], ['never']);
    await yieldToEventLoop();
    await send('stop');
    expect(state()).toBe('stopped');
    expect(log.at(-1)).toBe('a aborted');
  });
});
