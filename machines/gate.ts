/**
 * The gate in front of one model server: lets in as many requests as the server really runs, people before
 * background work, and stops asking a server that cannot be reached. Pure; the promises are in docs/gate.md.
 *
 * idle      No slot is taken. A request that comes is granted in the same step. Leaves to `running`.
 * running   At least one request runs. Others wait once all slots are taken; a foreground request that has to
 *           wait aborts a preemptible background one. Leaves to `draining` when only aborted requests are left
 *           in the slots, to `idle` when none is, to `down` when the server was out of reach too often in a row.
 * draining  Every taken slot belongs to a request that was aborted and that the server may still be busy with.
 *           A draining slot is not free; one that was never taken still is. Leaves like `running`.
 * down      The circuit is open: all who waited have been told, all who come are told at once, and no slot
 *           is given. Requests that still run go on to their own end. Two states within:
 *   waiting   until the next probe is due;
 *   probing   a probe is under way. Its answer closes the circuit, or doubles the wait.
 * stopped   Final: all who waited have been told `cancelled`.
 *
 * The shell sends events with the time in them, and carries out the effects, which are emitted
 * (gate-slots.ts lists both). `running`, `draining` and `idle` follow from the slots, by `always`.
 */
import { setup } from 'xstate';
import { emptyQueue } from './gate-queue.ts';
import * as steps from './gate-slots.ts';
import type { GateContext, GateEffect, GateEvent, GateRules, Step } from './gate-slots.ts';

const gateSetup = setup({
  types: {
    context: {} as GateContext,
    events: {} as GateEvent,
    input: {} as GateRules,
    emitted: {} as GateEffect,
    meta: {} as { label: string },
    tags: {} as 'accepting' | 'taken' | 'refusing',
  },
  guards: {
    runs: ({ context }) => context.slots.some((slot) => slot.phase === 'running'),
    drainsOnly: ({ context }) =>
      context.slots.length > 0 && context.slots.every((slot) => slot.phase === 'draining'),
    isFree: ({ context }) => context.slots.length === 0,
    trips: ({ context, event }) => event.type === 'ended' && steps.trips(context, event),
    isThisProbe: ({ context, event }) => event.type === 'probed' && event.probe === context.probe,
    reachedServer: ({ context, event }) =>
      event.type === 'probed' && event.probe === context.probe && event.ok,
  },
  delays: {
    probeBackoff: ({ context }) => context.backoffMs,
  },
});

/** Runs a step on the events it is for: its fields go into the context, its effects out to the shell. */
export const perform = <Type extends GateEvent['type']>(
  types: readonly Type[],
  step: (context: GateContext, event: Extract<GateEvent, { type: Type }>) => Step,
) =>
  gateSetup.enqueueActions(({ context, event, enqueue }) => {
    if (!(types as readonly string[]).includes(event.type)) return;
    const done = step(context, event as Extract<GateEvent, { type: Type }>);
    enqueue.assign(done.context);
    for (const effect of done.effects) enqueue.emit(effect);
  });

const freeing = ['ended', 'drained'] as const;
const asking = ['ask', 'requeue'] as const;

const gateWithSteps = gateSetup.extend({
  actions: {
    admit: perform(['ask'], steps.admit),
    readmit: perform(['requeue'], steps.readmit),
    handOff: perform([...asking, ...freeing], steps.handOff),
    tellWait: perform(asking, steps.tellWait),
    preempt: perform(['ask'], steps.preempt),
    withdraw: perform(['withdraw'], steps.withdraw),
    expire: perform(['overdue'], steps.expire),
    startDraining: perform(['closing'], steps.startDraining),
    reclaim: perform(['lapsed'], steps.reclaim),
    vacate: perform(freeing, steps.vacate),
    turnAway: perform(asking, steps.turnAway),
    open: perform(['ended'], steps.open),
    dismissAsDown: perform(['ended'], (context, event) =>
      steps.dismiss(context, event.at, 'breaker_open'),
    ),
    dismissAsStopped: perform(['stop'], (context, event) =>
      steps.dismiss(context, event.at, 'cancelled'),
    ),
    backOff: perform(['probed'], steps.backOff),
    close: perform(['probed'], steps.close),
    askProbe: gateSetup.enqueueActions(({ context, enqueue }) => {
      const done = steps.askProbe(context);
      enqueue.assign(done.context);
      for (const effect of done.effects) enqueue.emit(effect);
    }),
  },
});

export const gateMachine = gateWithSteps.createMachine({
  id: 'gate',
  context: ({ input }) => ({
    rules: input,
    queue: emptyQueue,
    slots: [],
    fence: 0,
    failures: 0,
    probe: 0,
    backoffMs: input.probeBackoffMs,
    nextProbeAt: null,
  }),
  initial: 'idle',
  on: {
    ask: { actions: ['admit', 'handOff', 'tellWait', 'preempt'] },
    requeue: { actions: ['readmit', 'handOff', 'tellWait'] },
    withdraw: { actions: 'withdraw' },
    overdue: { actions: 'expire' },
    closing: { actions: 'startDraining' },
    lapsed: { actions: 'reclaim' },
    ended: [
      { guard: 'trips', target: '.down', actions: ['vacate', 'open', 'dismissAsDown'] },
      { actions: ['vacate', 'handOff'] },
    ],
    drained: { actions: ['vacate', 'handOff'] },
    stop: { target: '.stopped', actions: 'dismissAsStopped' },
  },
  states: {
    idle: {
      tags: ['accepting'],
      meta: { label: 'Free' },
      always: [
        { guard: 'runs', target: 'running' },
        { guard: 'drainsOnly', target: 'draining' },
      ],
    },
    running: {
      tags: ['accepting', 'taken'],
      meta: { label: 'A request runs' },
      always: [
        { guard: 'isFree', target: 'idle' },
        { guard: 'drainsOnly', target: 'draining' },
      ],
    },
    draining: {
      tags: ['accepting', 'taken'],
      meta: { label: 'The server finishes an aborted request' },
      always: [
        { guard: 'isFree', target: 'idle' },
        { guard: 'runs', target: 'running' },
      ],
    },
    down: {
      tags: ['refusing'],
      meta: { label: 'The server cannot be reached' },
      on: {
        ask: { actions: 'turnAway' },
        requeue: { actions: 'turnAway' },
        ended: { actions: 'vacate' },
        drained: { actions: 'vacate' },
      },
      initial: 'waiting',
      states: {
        waiting: {
          meta: { label: 'Until the next probe' },
          after: { probeBackoff: 'probing' },
        },
        probing: {
          meta: { label: 'A probe is under way' },
          entry: 'askProbe',
          on: {
            probed: [
              { guard: 'reachedServer', target: '#gate.idle', actions: 'close' },
              { guard: 'isThisProbe', target: 'waiting', actions: 'backOff' },
            ],
          },
        },
      },
    },
    stopped: {
      type: 'final',
      tags: ['refusing'],
      meta: { label: 'Stopped' },
    },
  },
});

/** The statechart, also with replaced actions (`gateMachine.provide`). */
export type GateMachine = typeof gateMachine;
