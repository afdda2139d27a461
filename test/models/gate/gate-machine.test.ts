/**
 * Goal: the statechart is pure, so that every Stately tool can run it. Method: the pure functions of XState on
 * frozen snapshots, without the live gate and without a clock.
 */
import { initialTransition, transition } from 'xstate';
import { expect, test } from 'vitest';
import { gateMachine } from '#machines/gate';
import { ticketsInOrder, waitingCount } from '#machines/gate-queue';
import type { TicketRequest } from '#machines/gate-queue';
import type { GateEvent, GateRules } from '#machines/gate-steps';

const rules: GateRules = {
  concurrency: 1,
  maxQueue: 4,
  agingMs: 1_000,
  fairShareMs: 100,
  fairShiftMaxMs: 1_000,
  preemptBackground: true,
  maxPreemptions: 2,
  breakerFailures: 2,
  probeBackoffMs: 100,
  probeBackoffMaxMs: 400,
};

const ask = (id: number, at: number, more: Partial<TicketRequest> = {}): GateEvent => ({
  type: 'request',
  at,
  request: {
    id,
    user: `u${id}`,
    priority: 'foreground',
    kind: 'reason',
    preemptible: true,
    deadlineAt: null,
    ...more,
  },
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Runs the events one by one; each context is frozen before the next event. */
function play(events: GateEvent[], start: Partial<GateRules> = {}) {
  let [snapshot] = initialTransition(gateMachine, { ...rules, ...start });
  const told: string[] = [];
  const states: unknown[] = [];
  for (const event of events) {
    deepFreeze(snapshot.context);
    const [next, actions] = transition(gateMachine, snapshot, event);
    for (const action of actions as { type: string; params?: { event?: { type: string } } }[]) {
      if (action.type === 'xstate.emit') told.push(action.params?.event?.type ?? '');
    }
    states.push(next.value);
    snapshot = next;
  }
  return { snapshot, told, states };
}

const ended = (at: number, fence: number, result: 'ok' | 'unreachable' = 'ok'): GateEvent => ({
  type: 'ended',
  at,
  fence,
  result,
});

/** The pure machine runs no timers: this is the event that the backoff timer sends. */
const backoffIsOver = {
  type: 'xstate.after.probeBackoff.gate.down.waiting',
} as unknown as GateEvent;

test('the gate machine runs two requests one after the other and returns to idle', () => {
  const { states, told } = play([ask(1, 0), ask(2, 1), ended(5, 1), ended(9, 2)]);
  expect(states).toEqual(['running', 'running', 'running', 'idle']);
  expect(told).toEqual(['granted', 'waits', 'freed', 'granted', 'freed']);
});

test('a slot whose request was aborted drains before it is granted to the next request', () => {
  const { states, told } = play([
    ask(1, 0),
    ask(2, 1),
    { type: 'withdraw', at: 2, id: 1 },
    { type: 'drained', at: 9, fence: 1 },
  ]);
  expect(states).toEqual(['running', 'running', 'draining', 'running']);
  expect(told).toEqual(['granted', 'waits', 'aborted', 'freed', 'granted']);
});

test('the gate machine goes down after two connect failures in a row, and a successful probe returns it to idle', () => {
  const { states, snapshot } = play([
    ask(1, 0),
    ended(1, 1, 'unreachable'),
    ask(2, 2),
    ended(3, 2, 'unreachable'),
    backoffIsOver,
    { type: 'probed', at: 110, probe: 1, ok: false },
    backoffIsOver,
    { type: 'probed', at: 320, probe: 2, ok: true },
  ]);
  expect(states.slice(3)).toEqual([
    { down: 'waiting' },
    { down: 'probing' },
    { down: 'waiting' },
    { down: 'probing' },
    'idle',
  ]);
  expect(snapshot.context.failures).toBe(0);
  expect(snapshot.context.nextProbeAt).toBeNull();
});

test('a successful request resets the count of connect failures', () => {
  const { states } = play([
    ask(1, 0),
    ended(1, 1, 'unreachable'),
    ask(2, 2),
    ended(3, 2, 'ok'),
    ask(3, 4),
    ended(5, 3, 'unreachable'),
  ]);
  expect(states.at(-1)).toBe('idle');
});

test('a connect failure of a request that the gate has aborted does not count for the circuit', () => {
  const { states } = play(
    [ask(1, 0), { type: 'withdraw', at: 1, id: 1 }, ended(2, 1, 'unreachable')],
    { breakerFailures: 1 },
  );
  expect(states).toEqual(['running', 'draining', 'idle']);
});

test('the stop event stops the gate machine in every state and empties the queue', () => {
  const toEach: GateEvent[][] = [
    [],
    [ask(1, 0), ask(2, 1)],
    [ask(1, 0), ask(2, 1), { type: 'withdraw', at: 2, id: 1 }],
    [ask(1, 0), ended(1, 1, 'unreachable'), ask(2, 2), ended(3, 2, 'unreachable')],
  ];
  for (const events of toEach) {
    const { snapshot } = play([...events, { type: 'stop', at: 10 }]);
    expect(snapshot.value).toBe('stopped');
    expect(waitingCount(snapshot.context.queue)).toBe(0);
  }
});

test('the same events give the same context and notices, and never change an earlier snapshot', () => {
  const events: GateEvent[] = [];
  for (let id = 1; id <= 40; id += 1) {
    events.push(
      ask(id, id * 7, { user: `u${id % 5}`, priority: id % 3 ? 'foreground' : 'background' }),
    );
    if (id % 4 === 0) events.push({ type: 'withdraw', at: id * 7 + 1, id: id - 1 });
    if (id % 5 === 0) events.push(ended(id * 7 + 2, id / 5));
    events.push({ type: 'drained', at: id * 7 + 3, fence: Math.ceil(id / 5) });
  }
  const once = play(events, { maxQueue: 100 });
  const again = play(events, { maxQueue: 100 });
  expect(again.snapshot.context).toEqual(once.snapshot.context);
  expect(again.told).toEqual(once.told);
  expect([...ticketsInOrder(once.snapshot.context.queue, rules)].length).toBeGreaterThan(5);
});

test('every state of the gate machine has a label and at least one tag', () => {
  const states = Object.values(gateMachine.states);
  expect(states.map((state) => state.key)).toEqual([
    'idle',
    'running',
    'draining',
    'down',
    'stopped',
  ]);
  for (const state of states) {
    expect(state.meta?.label).toBeTruthy();
    expect(state.tags.length).toBeGreaterThan(0);
  }
});
