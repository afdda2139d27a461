/**
 * The gate in front of one model server: a scheduler that admits as many requests as the server runs in parallel,
 * foreground before background, with a circuit breaker for a server that cannot be reached. Pure; the guarantees are in
 * docs/gate.md.
 *
 * idle      No slot is taken. A new request is granted in the same step. Leaves to `running`.
 * running   At least one request runs. Others wait once all slots are taken; a foreground request that has to wait
 *           aborts a preemptible background request, and any request that has to wait a speculative one. Leaves to `draining` when only aborted requests hold slots, to
 *           `idle` when no slot is taken, to `down` after too many consecutive failures to reach the server.
 * draining  Every taken slot belongs to an aborted request that the server may still be busy with. A draining slot is
 *           not free; a slot that was never taken still is. Leaves like `running`.
 * down      The circuit is open: all waiting requests were refused, new requests are refused at once, and no slot is
 *           granted. Requests that still run continue to their own end. Two substates:
 *   waiting   until the next probe is due;
 *   probing   a probe is running. Its result closes the circuit, or doubles the backoff.
 * stopped   Final: all waiting requests were refused with `cancelled`.
 *
 * The live gate (src/models/gate/gate.ts) sends events that carry the time, and runs the emitted effects (gate-steps.ts
 * lists both). `running`, `draining` and `idle` follow from the slots, by `always`.
 */
import { setup } from 'xstate';
import { emptyQueue } from './gate-queue.ts';
import * as steps from './gate-steps.ts';
import type { GateContext, GateEffect, GateEvent, GateRules, StepResult } from './gate-steps.ts';

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
    trips: ({ context, event }) => event.type === 'ended' && steps.tripsCircuit(context, event),
    isThisProbe: ({ context, event }) => event.type === 'probed' && event.probe === context.probe,
    reachedServer: ({ context, event }) =>
      event.type === 'probed' && event.probe === context.probe && event.ok,
  },
  delays: {
    probeBackoff: ({ context }) => context.backoffMs,
  },
});

/** Action that runs a step on the given events: assigns its fields to the context and emits its effects. */
export const runStep = <Type extends GateEvent['type']>(
  types: readonly Type[],
  step: (context: GateContext, event: Extract<GateEvent, { type: Type }>) => StepResult,
) =>
  gateSetup.enqueueActions(({ context, event, enqueue }) => {
    if (!(types as readonly string[]).includes(event.type)) return;
    const result = step(context, event as Extract<GateEvent, { type: Type }>);
    enqueue.assign(result.context);
    for (const effect of result.effects) enqueue.emit(effect);
  });

const freeingEvents = ['ended', 'drained'] as const;
const requestEvents = ['request', 'requeue'] as const;

const gateWithSteps = gateSetup.extend({
  actions: {
    admit: runStep(['request'], steps.admit),
    readmit: runStep(['requeue'], steps.readmit),
    grantFreeSlots: runStep([...requestEvents, ...freeingEvents], steps.grantFreeSlots),
    reportWaiting: runStep(requestEvents, steps.reportWaiting),
    abortSpeculative: runStep(requestEvents, steps.abortSpeculative),
    preempt: runStep(['request'], steps.preempt),
    adopt: runStep(['adopted'], steps.adopt),
    withdraw: runStep(['withdraw'], steps.withdraw),
    rejectPastDeadline: runStep(['deadlinePassed'], steps.rejectPastDeadline),
    startDraining: runStep(['drainStarted'], steps.startDraining),
    expireLease: runStep(['leaseExpired'], steps.expireLease),
    freeSlot: runStep(freeingEvents, steps.freeSlot),
    rejectOpenCircuit: runStep(requestEvents, steps.rejectOpenCircuit),
    openCircuit: runStep(['ended'], steps.openCircuit),
    rejectAllAsDown: runStep(['ended'], (context, event) =>
      steps.rejectAll(context, event.at, 'breaker_open'),
    ),
    rejectAllAsStopped: runStep(['stop'], (context, event) =>
      steps.rejectAll(context, event.at, 'cancelled'),
    ),
    increaseBackoff: runStep(['probed'], steps.increaseBackoff),
    closeCircuit: runStep(['probed'], steps.closeCircuit),
    requestProbe: gateSetup.enqueueActions(({ context, enqueue }) => {
      const result = steps.requestProbe(context);
      enqueue.assign(result.context);
      for (const effect of result.effects) enqueue.emit(effect);
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
    request: {
      actions: ['admit', 'grantFreeSlots', 'reportWaiting', 'abortSpeculative', 'preempt'],
    },
    requeue: { actions: ['readmit', 'grantFreeSlots', 'reportWaiting', 'abortSpeculative'] },
    withdraw: { actions: 'withdraw' },
    deadlinePassed: { actions: 'rejectPastDeadline' },
    drainStarted: { actions: 'startDraining' },
    leaseExpired: { actions: 'expireLease' },
    adopted: { actions: 'adopt' },
    ended: [
      { guard: 'trips', target: '.down', actions: ['freeSlot', 'openCircuit', 'rejectAllAsDown'] },
      { actions: ['freeSlot', 'grantFreeSlots'] },
    ],
    drained: { actions: ['freeSlot', 'grantFreeSlots'] },
    stop: { target: '.stopped', actions: 'rejectAllAsStopped' },
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
        request: { actions: 'rejectOpenCircuit' },
        requeue: { actions: 'rejectOpenCircuit' },
        ended: { actions: 'freeSlot' },
        drained: { actions: 'freeSlot' },
      },
      initial: 'waiting',
      states: {
        waiting: {
          meta: { label: 'Until the next probe' },
          after: { probeBackoff: 'probing' },
        },
        probing: {
          meta: { label: 'A probe is under way' },
          entry: 'requestProbe',
          on: {
            probed: [
              { guard: 'reachedServer', target: '#gate.idle', actions: 'closeCircuit' },
              { guard: 'isThisProbe', target: 'waiting', actions: 'increaseBackoff' },
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

/** Type of the statechart, also with replaced actions (`gateMachine.provide`). */
export type GateMachine = typeof gateMachine;
