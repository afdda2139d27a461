/** The events of a gate as fast-check commands: each runs on the model and on the live gate. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { GateMachine } from '#machines/gate';
import { GateModel } from './gate-model.ts';
import type { ModelOptions, ModelRequest, ModelSlot } from './gate-model.ts';
import { GateWorld, flushPromises } from './gate-world.ts';
import type { Caller, AbortBehavior } from './gate-world.ts';

type Command = fc.AsyncCommand<GateModel, GateWorld>;

const callerOf = (world: GateWorld, request: ModelRequest): Caller =>
  world.callers[request.id - 1] as Caller;

const permitOf = (world: GateWorld, slot: ModelSlot) =>
  callerOf(world, slot.request).permits.find((permit) => permit.fence === slot.fence);

/** Asserts that the live gate and the model agree in everything observable. */
function compare(model: GateModel, world: GateWorld): void {
  expect(world.callers.map(({ outcomes: told }) => told)).toEqual(
    model.requests.map(({ outcomes: told }) => told),
  );
  expect(world.violations).toEqual([]);
  const view = world.gate.view();
  expect(view.waiting.map(({ user, waitedMs }) => ({ user, waitedMs }))).toEqual(
    model.order().map(({ user, arrivedAt }) => ({ user, waitedMs: model.now - arrivedAt })),
  );
  expect(
    view.running.map(({ fence, phase, speculative = false }) => ({ fence, phase, speculative })),
  ).toEqual(
    model.slots.map(({ fence, phase, request: { speculative } }) => ({
      fence,
      phase,
      speculative,
    })),
  );
  const { concurrency, maxQueue } = model.options;
  const isDraining = view.running.some((holder) => holder.phase === 'draining');
  const runs = view.running.some((holder) => holder.phase === 'running');
  const taken = runs ? 'running' : isDraining ? 'draining' : 'idle';
  expect(view.state).toBe(model.down ? 'down' : taken);
  // G2: a free slot and a waiter never coexist.
  expect(view.running.length < concurrency && view.waiting.length > 0).toBe(false);
  // G10: while a speculative request runs, every waiting request has a slot that drains for it.
  if (view.running.some(({ phase, speculative }) => phase === 'running' && speculative)) {
    const comingFree = view.running.filter(({ phase }) => phase === 'draining').length;
    expect(view.waiting.length).toBeLessThanOrEqual(comingFree);
  }
  // G7: only requests that were admitted before may wait beyond maxQueue.
  const returned = view.waiting.filter((waiter) => waiter.preemptions > 0).length;
  expect(view.waiting.length - returned).toBeLessThanOrEqual(maxQueue);
  // G9: no request waits while the gate is down.
  expect(view.state === 'down' && view.waiting.length > 0).toBe(false);
}

/** One command: `targets` lists the possible targets, `pick` selects one of them. */
function command<Target>(
  name: string,
  pick: number,
  targets: (model: GateModel) => Target[],
  run: (target: Target, model: GateModel, world: GateWorld) => void,
): Command {
  return {
    check: (model) => targets(model as GateModel).length > 0,
    run: async (model, world) => {
      const all = targets(model);
      run(all[pick % all.length] as Target, model, world);
      await flushPromises();
      compare(model, world);
    },
    toString: () => name,
  };
}

const always = () => [null];

const askWith = (
  speculative: fc.Arbitrary<boolean>,
  isPossible: (model: GateModel) => boolean = () => true,
) =>
  fc
    .record({
      user: fc.constantFrom('ann', 'bob', 'cho'),
      priority: fc.constantFrom(
        'foreground' as const,
        'foreground' as const,
        'background' as const,
      ),
      preemptible: fc.boolean(),
      speculative,
      deadlineMs: fc.option(fc.integer({ min: 0, max: 700 }), { freq: 6 }),
      manner: fc.constantFrom<AbortBehavior>('drains', 'drains', 'releases', 'silent'),
    })
    .map(({ deadlineMs, manner, ...question }) =>
      command(
        `Ask(${JSON.stringify({ ...question, deadlineMs, manner })})`,
        0,
        (model) => (isPossible(model) ? [null] : []),
        (_, model, world) => {
          const deadlineAt = deadlineMs === null ? null : model.now + deadlineMs;
          world.addRequest({ ...question, deadlineAt }, manner);
          const releasesAtOnce = manner === 'releases';
          model.addRequest({
            ...question,
            deadlineAt,
            releasesAtOnce,
            id: model.requests.length + 1,
          });
        },
      ),
    );

const ask = askWith(fc.constantFrom(false, false, false, false, false, true));
/** Most of them need a free slot to be granted at all. */
const speculate = askWith(
  fc.constant(true),
  ({ slots, options: { concurrency } }) => slots.length < concurrency,
);

const running = (model: GateModel) => model.slots.filter((slot) => slot.phase === 'running');
const draining = (model: GateModel) => model.slots.filter((slot) => slot.phase === 'draining');

const finish = fc
  .record({
    pick: fc.nat(9),
    result: fc.constantFrom(
      'ok' as const,
      'ok' as const,
      'failed' as const,
      'unreachable' as const,
    ),
  })
  .map(({ pick, result }) =>
    command(`Finish(${pick}, ${result})`, pick, running, (slot, model, world) => {
      const permit = permitOf(world, slot);
      if (permit) world.release(permit, result);
      model.finish(slot, result);
    }),
  );

/** A holder whose slot was freed earlier calls its permit late. */
const speakLate = fc.nat(9).map((pick) =>
  command(
    `SpeakLate(${pick})`,
    pick,
    (model) => model.requests.filter((request) => request.outcomes.includes('granted')),
    (request, model, world) => {
      for (const permit of callerOf(world, request).permits) {
        if (model.slots.some((slot) => slot.fence === permit.fence)) continue;
        permit.release({ result: 'unreachable' });
        permit.drain(Promise.resolve());
      }
    },
  ),
);

const adopt = fc.nat(9).map((pick) =>
  command(
    `Adopt(${pick})`,
    pick,
    (model) => model.slots.filter((slot) => slot.request.speculative),
    (slot, model, world) => {
      permitOf(world, slot)?.adopt();
      model.adopt(slot);
    },
  ),
);

const close = fc.nat(9).map((pick) =>
  command(`Close(${pick})`, pick, running, (slot, model, world) => {
    const permit = permitOf(world, slot);
    if (permit) world.drain(callerOf(world, slot.request), permit);
    model.startDraining(slot);
  }),
);

const isAnswered = (slot: ModelSlot, world: GateWorld) =>
  callerOf(world, slot.request).drained.has(slot.fence);

const drained = fc.nat(9).map((pick) =>
  command(`Drained(${pick})`, pick, draining, (slot, model, world) => {
    if (!isAnswered(slot, world)) return;
    callerOf(world, slot.request).drained.get(slot.fence)?.();
    model.drained(slot);
  }),
);

const cancel = fc.nat(99).map((pick) =>
  command(
    `Cancel(${pick})`,
    pick,
    (model) => model.requests.filter((request) => !request.isCancelled),
    (request, model, world) => {
      callerOf(world, request).abortController.abort();
      model.cancel(request);
    },
  ),
);

const requeue = fc.nat(9).map((pick) =>
  command(
    `Requeue(${pick})`,
    pick,
    (model) =>
      model.requests.filter(
        (request) =>
          request.outcomes.at(-1) === 'abort:preempted' &&
          !request.speculative &&
          !model.waiting.includes(request),
      ),
    (request, model, world) => {
      world.requeue(callerOf(world, request));
      model.requeue(request);
    },
  ),
);

const advance = fc.integer({ min: 1, max: 260 }).map((ms) =>
  command(`Advance(${ms})`, 0, always, (_, model, world) => {
    world.time.advance(ms);
    model.advance(ms);
  }),
);

const probed = fc.record({ ok: fc.boolean(), pick: fc.nat(2) }).map(({ ok, pick }) =>
  command(
    `Probed(${ok}, ${pick})`,
    0,
    (model) => (model.down?.phase === 'probing' ? [null] : []),
    (_, model, world) => {
      // Sometimes an earlier probe answers first: its result must be ignored.
      if (pick === 0) for (const probe of world.probes.slice(0, -1)) probe(true);
      world.probes.at(-1)?.(ok);
      model.probeFinished(ok);
    },
  ),
);

/** Sets the wall clock; the model has no wall clock. */
const setClock = fc
  .constantFrom(-3_600_000, -250, 90, 3_600_000)
  .map((ms) =>
    command(`SetClock(${ms})`, 0, always, (_, __, world) => world.time.shiftWallClock(ms)),
  );

const options = (base: {
  concurrency: number;
  maxQueue: number;
  maxPreemptions: number;
  agingMs: number;
  failures: number;
}): ModelOptions => ({
  ...base,
  fairShareMs: 50,
  fairShiftMaxMs: 500,
  preemptBackground: true,
  drainBoundMs: 61,
  leaseMs: 907,
  probeBackoffMs: 103,
  probeBackoffMaxMs: 400,
  probeBoundMs: 151,
});

/** The property: the live gate and the model agree after every step of any history. */
export const gateMatchesModel = (machine?: GateMachine) =>
  fc.asyncProperty(
    fc.record({
      concurrency: fc.constantFrom(1, 1, 2, 3),
      maxQueue: fc.constantFrom(0, 2, 4, 50),
      maxPreemptions: fc.constantFrom(0, 1, 2),
      agingMs: fc.constantFrom(120, 500),
      failures: fc.constantFrom(1, 2),
    }),
    fc.commands(
      [
        ask,
        ask,
        ask,
        ask,
        speculate,
        finish,
        finish,
        finish,
        speakLate,
        adopt,
        close,
        drained,
        drained,
        cancel,
        requeue,
        requeue,
        advance,
        advance,
        probed,
        probed,
        setClock,
      ],
      { maxCommands: 60, size: 'max' },
    ),
    async (base, commands) => {
      const world = new GateWorld(options(base), machine);
      const model = new GateModel(options(base), world.time.now());
      try {
        await fc.asyncModelRun(() => ({ model, real: world }), commands);
      } finally {
        world.gate.stop();
        await flushPromises();
      }
      // After the stop every request has its result, and no timer is left.
      expect(world.callers.filter((caller) => caller.isWaiting)).toEqual([]);
      expect(world.time.pending).toBe(0);
    },
  );
