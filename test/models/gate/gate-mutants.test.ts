/**
 * Goal: the property of gate-property.test.ts can fail. Method: each mutant has one known fault of gates, made by
 * replacing actions or guards of the statechart; the property must detect every mutant.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { gateMachine, runStep } from '#machines/gate';
import type { GateMachine } from '#machines/gate';
import {
  emptyQueue,
  findWaiting,
  ticketsInOrder,
  addTicket,
  removeTicket,
} from '#machines/gate-queue';
import type { QueueRules, Ticket } from '#machines/gate-queue';
import * as steps from '#machines/gate-steps';
import type { GateContext, StepResult } from '#machines/gate-steps';
import { gateMatchesModel } from './gate-commands.ts';

const grantingEvents = ['request', 'requeue', 'ended', 'drained'] as const;

const withRules = (context: GateContext, rules: Partial<QueueRules>): GateContext => ({
  ...context,
  rules: { ...context.rules, ...rules },
});

/** A hand-off that grants the slot to the wrong ticket. */
const grantTo = (pick: (waiting: Ticket[]) => Ticket | undefined) =>
  runStep(grantingEvents, (context, event) => {
    let now = context;
    const effects: StepResult['effects'] = [];
    for (;;) {
      const ticket = pick([...ticketsInOrder(now.queue, now.rules)]);
      if (ticket === undefined || now.slots.length >= now.rules.concurrency) break;
      const done = steps.grantFreeSlots({ ...now, queue: addTicket(emptyQueue, ticket) }, event);
      now = { ...now, ...done.context, queue: removeTicket(now.queue, ticket) };
      effects.push(...done.effects);
    }
    const { queue, slots, fence } = now;
    return { context: { queue, slots, fence }, effects };
  });

const lastArrived = (waiting: Ticket[]) => waiting.toSorted((a, b) => b.id - a.id)[0];
const backgroundFirst = (waiting: Ticket[]) =>
  waiting.find((ticket) => ticket.priority === 'background') ?? waiting[0];

const mutants: Record<string, GateMachine> = {
  'lost wake-up: a drained slot is not handed on': gateMachine.provide({
    actions: { grantFreeSlots: runStep(['request', 'requeue', 'ended'], steps.grantFreeSlots) },
  }),
  'early release: a cancelled holder frees its slot at once': gateMachine.provide({
    actions: {
      withdraw: runStep(['withdraw'], (context, event) => {
        const done = steps.withdraw(context, event);
        const slots = (done.context.slots ?? context.slots).filter((s) => s.phase === 'running');
        const freed = steps.grantFreeSlots({ ...context, ...done.context, slots }, event);
        return {
          context: { ...done.context, ...freed.context },
          effects: [...done.effects, ...freed.effects],
        };
      }),
    },
  }),
  'last in, first out': gateMachine.provide({ actions: { grantFreeSlots: grantTo(lastArrived) } }),
  'background first': gateMachine.provide({
    actions: { grantFreeSlots: grantTo(backgroundFirst) },
  }),
  'no aging': gateMachine.provide({
    actions: {
      grantFreeSlots: runStep(grantingEvents, (context, event) =>
        steps.grantFreeSlots(withRules(context, { agingMs: Infinity }), event),
      ),
    },
  }),
  'no fairness': gateMachine.provide({
    actions: {
      admit: runStep(['request'], (context, event) =>
        steps.admit(withRules(context, { fairShareMs: 0 }), event),
      ),
    },
  }),
  'zombie waiter: one that left keeps its place': gateMachine.provide({
    actions: {
      withdraw: runStep(['withdraw'], (context, event) => {
        const done = steps.withdraw(context, event);
        return { context: { ...done.context, queue: context.queue }, effects: done.effects };
      }),
    },
  }),
  'preempted to the tail': gateMachine.provide({
    actions: {
      readmit: runStep(['requeue'], (context, event) =>
        steps.readmit(context, { ...event, ticket: { ...event.ticket, key: event.at } }),
      ),
    },
  }),
  'preempted without end': gateMachine.provide({
    actions: {
      preempt: runStep(['request'], (context, event) =>
        steps.preempt(withRules(context, { maxPreemptions: Infinity }), event),
      ),
    },
  }),
  'preempts what counts as foreground': gateMachine.provide({
    actions: {
      preempt: runStep(['request'], (context, event) =>
        steps.preempt(withRules(context, { agingMs: Infinity }), event),
      ),
    },
  }),
  'never preempts': gateMachine.provide({ actions: { preempt: () => {} } }),
  'a speculative request is like any other': gateMachine.provide({
    actions: {
      admit: runStep(['request'], (context, event) =>
        steps.admit(context, { ...event, request: { ...event.request, speculative: false } }),
      ),
    },
  }),
  'a speculative request waits': gateMachine.provide({
    actions: {
      admit: runStep(['request'], (context, event) => {
        const { request } = event;
        const done = steps.admit(context, {
          ...event,
          request: { ...request, speculative: false },
        });
        const ticket = findWaiting(done.context.queue ?? emptyQueue, request.id);
        if (ticket === undefined) return done;
        const queue = removeTicket(done.context.queue!, ticket);
        return { ...done, context: { queue: addTicket(queue, { ...ticket, ...request }) } };
      }),
    },
  }),
  'a speculative request keeps its slot while others wait': gateMachine.provide({
    actions: { abortSpeculative: () => {} },
  }),
  'an adopted request stays speculative': gateMachine.provide({ actions: { adopt: () => {} } }),
  'the failure of a speculative request counts for the circuit': gateMachine.provide({
    actions: {
      freeSlot: runStep(['ended', 'drained'], (context, event) => {
        const done = steps.freeSlot(context, event);
        const isUnreachable = event.type === 'ended' && event.result === 'unreachable';
        if (steps.slotOf(context, event.fence)?.ticket.speculative !== true) return done;
        const failures = context.failures + (isUnreachable ? 1 : 0);
        return { ...done, context: { ...done.context, failures } };
      }),
    },
  }),
  'no fence: a late release frees the slot of another': gateMachine.provide({
    actions: {
      freeSlot: runStep(['ended', 'drained'], (context, event) => {
        const fence = steps.slotOf(context, event.fence)?.fence ?? context.slots[0]?.fence ?? 0;
        return steps.freeSlot(context, { ...event, fence });
      }),
    },
  }),
  'a queue without a bound': gateMachine.provide({
    actions: {
      admit: runStep(['request'], (context, event) =>
        steps.admit(withRules(context, { maxQueue: Infinity }), event),
      ),
    },
  }),
  'deadlines ignored': gateMachine.provide({ actions: { rejectPastDeadline: () => {} } }),
  'a lost holder keeps its slot': gateMachine.provide({ actions: { expireLease: () => {} } }),
  'the circuit never opens': gateMachine.provide({ guards: { trips: () => false } }),
  'the circuit opens and tells nobody': gateMachine.provide({
    actions: { rejectAllAsDown: () => {} },
  }),
  'an answer to an earlier probe closes the circuit': gateMachine.provide({
    guards: { reachedServer: ({ event }) => event.type === 'probed' && event.ok },
  }),
  'the wait between probes does not grow': gateMachine.provide({
    actions: { increaseBackoff: runStep(['probed'], steps.openCircuit) },
  }),
};

test.each(Object.entries(mutants))(
  'the property test of the gate detects the fault: %s',
  { timeout: 120_000 },
  async (_, machine) => {
    const found = await fc.check(gateMatchesModel(machine), {
      numRuns: 3_000,
      endOnFailure: true,
    });
    expect(found.failed).toBe(true);
  },
);
