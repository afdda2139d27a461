/**
 * The steps of a gate: what each event does to the slots and to the queue, and what the shell is told.
 * Pure: context and event in, the changed fields and the effects out. gate.ts says in which state which step runs.
 *
 * S1 A slot is taken from its grant until `ended` or `drained` names its fence. Aborting a request does not
 *    free it: the server may still be busy, so the slot drains first.
 * S2 A fence is given out once. A step with a fence that no slot holds does nothing.
 * S3 `handOff` follows every step after which a slot may be free and somebody may wait.
 * S4 Every ticket gets exactly one of `granted` and `refused` for each time that it asked.
 */
import {
  countsAsForeground,
  emptyQueue,
  findWaiting,
  inTurn,
  join,
  keyOf,
  leave,
  mayPreempt,
  nextOf,
  preempted,
  waitingCount,
} from './gate-queue.ts';
import type { GateQueue, QueueRules, Ticket, TicketAsk } from './gate-queue.ts';
import { first, sizeOf } from './gate-tree.ts';

export interface GateRules extends QueueRules {
  /** How many requests the server really runs at once. */
  concurrency: number;
  /** So many ends in a row without reaching the server open the circuit. */
  breakerFailures: number;
  /** Wait before the first probe; doubles with each that fails, up to the maximum. */
  probeBackoffMs: number;
  probeBackoffMaxMs: number;
}

export interface Slot {
  /** Grows with every grant of this gate. */
  fence: number;
  ticket: Ticket;
  /** `draining`: the request was aborted, the server may still be busy with it. */
  phase: 'running' | 'draining';
  grantedAt: number;
  /** When the phase began. */
  since: number;
}

export interface GateContext {
  rules: GateRules;
  queue: GateQueue;
  /** The taken slots, at most `rules.concurrency`. */
  slots: readonly Slot[];
  /** The last fence given out. */
  fence: number;
  /** Ends in a row without reaching the server. */
  failures: number;
  /** Counts the probes: an answer to an earlier one is ignored. */
  probe: number;
  /** The wait before the next probe. */
  backoffMs: number;
  /** By the gate's clock, ms; null while the circuit is closed. */
  nextProbeAt: number | null;
}

export type RefusalReason = 'queue_full' | 'deadline' | 'breaker_open' | 'cancelled';
export type AbortReason = 'cancelled' | 'preempted' | 'expired';

/** `at` is ms by the clock of the live gate and never goes back: the machine has no clock. */
export type GateEvent =
  | { type: 'ask'; at: number; ask: TicketAsk }
  /** A preempted request asks again, with the ticket that its abort carried. */
  | { type: 'requeue'; at: number; ticket: Ticket }
  /** The caller gave up: a waiter leaves, a holder is aborted. */
  | { type: 'withdraw'; at: number; id: number }
  /** The deadline of a waiter passed. */
  | { type: 'overdue'; at: number; id: number }
  /** The holder's request ended by itself. */
  | { type: 'ended'; at: number; fence: number; result: 'ok' | 'failed' | 'unreachable' }
  /** The holder closed its connection; the server may still be busy. */
  | { type: 'closing'; at: number; fence: number }
  /** The server is done with an aborted request, or the bound for that has passed. */
  | { type: 'drained'; at: number; fence: number }
  /** The holder outlived its lease and counts as lost. */
  | { type: 'lapsed'; at: number; fence: number }
  | { type: 'probed'; at: number; probe: number; ok: boolean }
  | { type: 'stop'; at: number };

/** What the shell is to do or to tell. Emitted by the machine, in this order of happening. */
export type GateEffect =
  | { type: 'waits'; ticket: Ticket }
  /** `overtook`: a background request that arrived earlier still waits. */
  | { type: 'granted'; at: number; ticket: Ticket; fence: number; overtook: boolean }
  | { type: 'refused'; at: number; id: number; reason: RefusalReason }
  /** The slot drains from now on. `ticket` is what a preempted request asks again with. */
  | { type: 'aborted'; at: number; ticket: Ticket; fence: number; reason: AbortReason }
  | { type: 'freed'; at: number; slot: Slot }
  | { type: 'probe'; probe: number };

export interface Step {
  context: Partial<GateContext>;
  effects: GateEffect[];
}

const nothing: Step = { context: {}, effects: [] };

export type EventOf<Type extends GateEvent['type']> = Extract<GateEvent, { type: Type }>;

const refusal = (id: number, at: number, reason: RefusalReason): GateEffect => ({
  type: 'refused',
  at,
  id,
  reason,
});

const isOverdue = (deadlineAt: number | null, at: number): boolean =>
  deadlineAt !== null && deadlineAt <= at;

export const slotOf = (context: GateContext, fence: number): Slot | undefined =>
  context.slots.find((slot) => slot.fence === fence);

const drainingFrom = (slots: readonly Slot[], fence: number, at: number): Slot[] =>
  slots.map((slot) => (slot.fence === fence ? { ...slot, phase: 'draining', since: at } : slot));

/** The circuit opens with this end: it is one more in a row without reaching the server. */
export const trips = (context: GateContext, event: EventOf<'ended'>): boolean =>
  event.result === 'unreachable' &&
  slotOf(context, event.fence)?.phase === 'running' &&
  context.failures + 1 >= context.rules.breakerFailures;

/** Lets a request into the queue, or refuses it: too late, or too many wait. */
export function admit(context: GateContext, event: EventOf<'ask'>): Step {
  const { rules, queue, slots } = context;
  const { ask, at } = event;
  if (isOverdue(ask.deadlineAt, at)) {
    return { context: {}, effects: [refusal(ask.id, at, 'deadline')] };
  }
  // With a slot free nobody waits (S3), and this one will not either.
  if (slots.length >= rules.concurrency && waitingCount(queue) >= rules.maxQueue) {
    return { context: {}, effects: [refusal(ask.id, at, 'queue_full')] };
  }
  const ticket: Ticket = {
    ...ask,
    arrivedAt: at,
    key: keyOf(queue, ask, at, rules),
    preemptions: 0,
  };
  return { context: { queue: join(queue, ticket) }, effects: [] };
}

/** Lets a preempted request wait again. Never refused as one too many: it had been let in before. */
export function readmit(context: GateContext, event: EventOf<'requeue'>): Step {
  const { ticket, at } = event;
  if (isOverdue(ticket.deadlineAt, at)) {
    return { context: {}, effects: [refusal(ticket.id, at, 'deadline')] };
  }
  return { context: { queue: join(context.queue, ticket) }, effects: [] };
}

/** Gives free slots to those whose turn it is, until one of the two runs out. */
export function handOff(context: GateContext, event: { at: number }): Step {
  const { rules } = context;
  const { at } = event;
  let { queue, slots, fence } = context;
  const effects: GateEffect[] = [];
  while (slots.length < rules.concurrency) {
    const ticket = nextOf(queue, rules);
    if (ticket === undefined) break;
    queue = leave(queue, ticket);
    // The timer of a deadline may come late; the promise of G8 does not depend on it.
    if (isOverdue(ticket.deadlineAt, at)) {
      effects.push(refusal(ticket.id, at, 'deadline'));
      continue;
    }
    fence += 1;
    slots = [...slots, { fence, ticket, phase: 'running', grantedAt: at, since: at }];
    const passed = ticket.priority === 'foreground' ? first(queue.background) : undefined;
    const overtook = passed !== undefined && passed.id < ticket.id;
    effects.push({ type: 'granted', at, ticket, fence, overtook });
  }
  return { context: { queue, slots, fence }, effects };
}

/** Tells a request that was not served at once that it waits. */
export function tellWait(context: GateContext, event: EventOf<'ask'> | EventOf<'requeue'>): Step {
  const ticket = findWaiting(context.queue, event.type === 'ask' ? event.ask.id : event.ticket.id);
  return ticket === undefined ? nothing : { context: {}, effects: [{ type: 'waits', ticket }] };
}

/**
 * Aborts one running background request for the foreground request that has just begun to wait, unless the
 * slots that drain already suffice for the people who wait. The victim is the one that ran the shortest.
 */
export function preempt(context: GateContext, event: EventOf<'ask'>): Step {
  const { queue, rules, slots } = context;
  const arrived = findWaiting(queue, event.ask.id);
  if (arrived === undefined || arrived.priority !== 'foreground') return nothing;
  const comingFree = slots.filter((slot) => slot.phase === 'draining').length;
  if (comingFree >= sizeOf(queue.foreground)) return nothing;
  // An aged background request in front would take the slot: then nothing is gained.
  const aged = first(queue.background);
  const head = first(queue.foreground);
  if (aged && head && countsAsForeground(aged, head, rules.agingMs)) return nothing;
  const victim = slots.findLast(
    (slot) => slot.phase === 'running' && mayPreempt(slot.ticket, arrived, rules),
  );
  return victim === undefined ? nothing : abort(context, victim, event.at, 'preempted');
}

function abort(context: GateContext, slot: Slot, at: number, reason: AbortReason): Step {
  const ticket = reason === 'preempted' ? preempted(slot.ticket, slot.grantedAt) : slot.ticket;
  return {
    context: { slots: drainingFrom(context.slots, slot.fence, at) },
    effects: [{ type: 'aborted', at, ticket, fence: slot.fence, reason }],
  };
}

/** Takes a waiter out of the queue, or aborts the holder. */
export function withdraw(context: GateContext, event: EventOf<'withdraw'>): Step {
  const { id, at } = event;
  const waiting = findWaiting(context.queue, id);
  if (waiting !== undefined) {
    return {
      context: { queue: leave(context.queue, waiting) },
      effects: [refusal(id, at, 'cancelled')],
    };
  }
  const slot = context.slots.find((slot) => slot.ticket.id === id && slot.phase === 'running');
  return slot === undefined ? nothing : abort(context, slot, at, 'cancelled');
}

/** Tells a waiter that its deadline has passed. */
export function expire(context: GateContext, event: EventOf<'overdue'>): Step {
  const waiting = findWaiting(context.queue, event.id);
  if (waiting === undefined || !isOverdue(waiting.deadlineAt, event.at)) return nothing;
  return {
    context: { queue: leave(context.queue, waiting) },
    effects: [refusal(event.id, event.at, 'deadline')],
  };
}

/** The holder aborted its request by itself, on a stall for instance. */
export function startDraining(context: GateContext, event: EventOf<'closing'>): Step {
  if (slotOf(context, event.fence)?.phase !== 'running') return nothing;
  return { context: { slots: drainingFrom(context.slots, event.fence, event.at) }, effects: [] };
}

/** Aborts a holder that counts as lost. */
export function reclaim(context: GateContext, event: EventOf<'lapsed'>): Step {
  const slot = slotOf(context, event.fence);
  return slot?.phase === 'running' ? abort(context, slot, event.at, 'expired') : nothing;
}

/** Frees the slot of this fence, and counts for the circuit an end that nobody had ordered. */
export function vacate(context: GateContext, event: EventOf<'ended'> | EventOf<'drained'>): Step {
  const slot = slotOf(context, event.fence);
  // A request that still runs cannot have been drained: the message is about an earlier holder.
  if (slot === undefined || (event.type === 'drained' && slot.phase === 'running')) return nothing;
  const counts = event.type === 'ended' && slot.phase === 'running';
  const failures =
    event.type === 'ended' && event.result === 'unreachable' ? context.failures + 1 : 0;
  return {
    context: {
      slots: context.slots.filter((other) => other !== slot),
      ...(counts ? { failures } : {}),
    },
    effects: [{ type: 'freed', at: event.at, slot }],
  };
}

/** Refuses one request: the gate is down. */
export function turnAway(_context: GateContext, event: EventOf<'ask'> | EventOf<'requeue'>): Step {
  const id = event.type === 'ask' ? event.ask.id : event.ticket.id;
  return { context: {}, effects: [refusal(id, event.at, 'breaker_open')] };
}

/** Empties the queue and tells everybody why. */
export function dismiss(context: GateContext, at: number, reason: RefusalReason): Step {
  const effects = [...inTurn(context.queue, context.rules)].map((ticket) =>
    refusal(ticket.id, at, reason),
  );
  return { context: { queue: emptyQueue }, effects };
}

/** The circuit opens: the first probe is due after the shortest wait. */
export function open(context: GateContext, event: { at: number }): Step {
  const backoffMs = context.rules.probeBackoffMs;
  return { context: { backoffMs, nextProbeAt: event.at + backoffMs }, effects: [] };
}

/** A probe failed: the next one waits twice as long. */
export function backOff(context: GateContext, event: { at: number }): Step {
  const backoffMs = Math.min(context.backoffMs * 2, context.rules.probeBackoffMaxMs);
  return { context: { backoffMs, nextProbeAt: event.at + backoffMs }, effects: [] };
}

export const askProbe = (context: GateContext): Step => ({
  context: { probe: context.probe + 1 },
  effects: [{ type: 'probe', probe: context.probe + 1 }],
});

export const close = (): Step => ({
  context: { failures: 0, nextProbeAt: null },
  effects: [],
});
