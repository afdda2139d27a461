/**
 * The steps of a gate: what each event changes in the slots and the queue, and which effects follow.
 * Pure: context and event in, changed fields and effects out. gate.ts defines which step runs in which state.
 *
 * S1 A slot is taken from its grant until `ended` or `drained` names its fence. Aborting a request does not free it:
 *    the server may still be busy, so the slot drains first.
 * S2 A fence is issued once. A step with a fence that no slot holds does nothing.
 * S3 `grantFreeSlots` follows every step that may leave a slot free while requests wait.
 * S4 A speculative request never waits. While one runs, no more requests wait than slots drain.
 * S5 Every ticket gets exactly one of `granted` and `refused` per request (`request` or `requeue`).
 */
import {
  countsAsForeground,
  emptyQueue,
  findWaiting,
  ticketsInOrder,
  addTicket,
  queueKey,
  removeTicket,
  mayPreempt,
  nextTicket,
  preemptedTicket,
  waitingCount,
} from './gate-queue.ts';
import type { GateQueue, QueueRules, Ticket, TicketRequest } from './gate-queue.ts';
import { treeFirst, treeSize } from './persistent-sorted-tree.ts';

export interface GateRules extends QueueRules {
  /** How many requests the server runs in parallel. */
  concurrency: number;
  /** Number of consecutive failures to reach the server that opens the circuit. */
  breakerFailures: number;
  /** Delay before the first probe; doubles with each failed probe, up to the maximum. */
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
  /** The last fence issued. */
  fence: number;
  /** Consecutive requests that ended without reaching the server. */
  failures: number;
  /** Number of probes so far; the result of an earlier probe is ignored. */
  probe: number;
  /** Delay before the next probe. */
  backoffMs: number;
  /** By the gate's clock, ms; null while the circuit is closed. */
  nextProbeAt: number | null;
}

export interface TicketPast extends Pick<Ticket, 'arrivedAt' | 'preemptions'> {
  /** It was admitted there and is not refused as `queue_full`. */
  isAdmitted: boolean;
}

export type RefusalReason = 'queue_full' | 'deadline' | 'breaker_open' | 'cancelled';
export type AbortReason = 'cancelled' | 'preempted' | 'expired';

/** `at` is ms by the clock of the live gate and never goes back: the machine has no clock. */
export type GateEvent =
  /** `past`: it comes from another gate of the same server. */
  | { type: 'request'; at: number; request: TicketRequest; past?: TicketPast }
  /** A preempted request queues again, with the ticket that its abort carried. */
  | { type: 'requeue'; at: number; ticket: Ticket }
  /** The caller cancelled: a waiter leaves the queue, a holder is aborted. */
  | { type: 'withdraw'; at: number; id: number }
  /** The deadline of a waiter passed. */
  | { type: 'deadlinePassed'; at: number; id: number }
  /** The holder's request ended by itself. */
  | { type: 'ended'; at: number; fence: number; result: 'ok' | 'failed' | 'unreachable' }
  /** The holder closed its connection; the server may still be busy. */
  | { type: 'drainStarted'; at: number; fence: number }
  /** The server has finished an aborted request, or the drain limit has passed. */
  | { type: 'drained'; at: number; fence: number }
  /** The result of a speculative request is needed: from now on it is an ordinary request. */
  | { type: 'adopted'; at: number; fence: number }
  /** The holder exceeded its lease and counts as lost. */
  | { type: 'leaseExpired'; at: number; fence: number }
  | { type: 'probed'; at: number; probe: number; ok: boolean }
  | { type: 'stop'; at: number };

/** What the live gate (src/models/gate/gate.ts) must do or report. Emitted in order of occurrence. */
export type GateEffect =
  | { type: 'waits'; ticket: Ticket }
  /** `overtook`: a background request that arrived earlier still waits. */
  | { type: 'granted'; at: number; ticket: Ticket; fence: number; overtook: boolean }
  | { type: 'refused'; at: number; id: number; reason: RefusalReason }
  /** The slot drains from now on. A preempted request queues again with `ticket`. */
  | { type: 'aborted'; at: number; ticket: Ticket; fence: number; reason: AbortReason }
  | { type: 'adopted'; fence: number }
  | { type: 'freed'; at: number; slot: Slot }
  | { type: 'probe'; probe: number };

export interface StepResult {
  context: Partial<GateContext>;
  effects: GateEffect[];
}

const noChange: StepResult = { context: {}, effects: [] };

export type EventOf<Type extends GateEvent['type']> = Extract<GateEvent, { type: Type }>;

const refusal = (id: number, at: number, reason: RefusalReason): GateEffect => ({
  type: 'refused',
  at,
  id,
  reason,
});

const isPastDeadline = (deadlineAt: number | null, at: number): boolean =>
  deadlineAt !== null && deadlineAt <= at;

export const slotOf = (context: GateContext, fence: number): Slot | undefined =>
  context.slots.find((slot) => slot.fence === fence);

const drainingFrom = (slots: readonly Slot[], fence: number, at: number): Slot[] =>
  slots.map((slot) => (slot.fence === fence ? { ...slot, phase: 'draining', since: at } : slot));

/** Whether the end of this slot's request by itself counts for the circuit. */
const countsForCircuit = (slot: Slot | undefined): boolean =>
  slot?.phase === 'running' && slot.ticket.speculative !== true;

/** Whether this end opens the circuit: it is one more consecutive failure to reach the server. */
export const tripsCircuit = (context: GateContext, event: EventOf<'ended'>): boolean =>
  event.result === 'unreachable' &&
  countsForCircuit(slotOf(context, event.fence)) &&
  context.failures + 1 >= context.rules.breakerFailures;

/** Adds a request to the queue, or refuses it: its deadline has passed, or the queue is full. */
export function admit(context: GateContext, event: EventOf<'request'>): StepResult {
  const { rules, queue, slots } = context;
  const { request, at, past } = event;
  if (isPastDeadline(request.deadlineAt, at)) {
    return { context: {}, effects: [refusal(request.id, at, 'deadline')] };
  }
  // With a free slot the queue is empty (S3), and this request is granted at once.
  const hasNoFreeSlot = slots.length >= rules.concurrency;
  if (hasNoFreeSlot && request.speculative === true) {
    return { context: {}, effects: [refusal(request.id, at, 'queue_full')] };
  }
  const isFull = hasNoFreeSlot && waitingCount(queue) >= rules.maxQueue;
  if (isFull && past?.isAdmitted !== true) {
    return { context: {}, effects: [refusal(request.id, at, 'queue_full')] };
  }
  const { arrivedAt, preemptions } = past ?? { arrivedAt: at, preemptions: 0 };
  // A preempted request was first in the queue: it keeps the key of its arrival.
  const key = preemptions > 0 ? arrivedAt : queueKey(queue, request, arrivedAt, rules);
  const ticket: Ticket = { ...request, arrivedAt, key, preemptions };
  return { context: { queue: addTicket(queue, ticket) }, effects: [] };
}

/** Puts a preempted request back into the queue. Never refused as `queue_full`: it was admitted before. */
export function readmit(context: GateContext, event: EventOf<'requeue'>): StepResult {
  const { ticket, at } = event;
  if (isPastDeadline(ticket.deadlineAt, at)) {
    return { context: {}, effects: [refusal(ticket.id, at, 'deadline')] };
  }
  return { context: { queue: addTicket(context.queue, ticket) }, effects: [] };
}

/** Grants free slots to waiting requests in queue order, until no slot is free or no request waits. */
export function grantFreeSlots(context: GateContext, event: { at: number }): StepResult {
  const { rules } = context;
  const { at } = event;
  let { queue, slots, fence } = context;
  const effects: GateEffect[] = [];
  while (slots.length < rules.concurrency) {
    const ticket = nextTicket(queue, rules);
    if (ticket === undefined) break;
    queue = removeTicket(queue, ticket);
    // The deadline timer may fire late; G8 must hold all the same.
    if (isPastDeadline(ticket.deadlineAt, at)) {
      effects.push(refusal(ticket.id, at, 'deadline'));
      continue;
    }
    fence += 1;
    slots = [...slots, { fence, ticket, phase: 'running', grantedAt: at, since: at }];
    const passed = ticket.priority === 'foreground' ? treeFirst(queue.background) : undefined;
    const overtook = passed !== undefined && passed.id < ticket.id;
    effects.push({ type: 'granted', at, ticket, fence, overtook });
  }
  return { context: { queue, slots, fence }, effects };
}

/** Emits `waits` for a request that was not granted at once. */
export function reportWaiting(
  context: GateContext,
  event: EventOf<'request'> | EventOf<'requeue'>,
): StepResult {
  const ticket = findWaiting(
    context.queue,
    event.type === 'request' ? event.request.id : event.ticket.id,
  );
  return ticket === undefined ? noChange : { context: {}, effects: [{ type: 'waits', ticket }] };
}

/** Aborts one speculative request for a request that has just begun to wait, unless enough slots drain already. */
export function abortSpeculative(
  context: GateContext,
  event: EventOf<'request'> | EventOf<'requeue'>,
): StepResult {
  const { queue, slots } = context;
  const comingFree = slots.filter((slot) => slot.phase === 'draining').length;
  if (comingFree >= waitingCount(queue)) return noChange;
  const victim = slots.findLast(
    (slot) => slot.phase === 'running' && slot.ticket.speculative === true,
  );
  return victim === undefined ? noChange : abort(context, victim, event.at, 'preempted');
}

/** Makes a speculative request that still runs an ordinary one. */
export function adopt(context: GateContext, event: EventOf<'adopted'>): StepResult {
  const found = slotOf(context, event.fence);
  if (found?.phase !== 'running' || found.ticket.speculative !== true) return noChange;
  const adopted = { ...found, ticket: { ...found.ticket, speculative: false } };
  return {
    context: { slots: context.slots.map((slot) => (slot === found ? adopted : slot)) },
    effects: [{ type: 'adopted', fence: found.fence }],
  };
}

/**
 * Aborts one running background request for a foreground request that has just begun to wait, unless enough slots drain
 * already for all waiting foreground requests. The victim is the request that has run the shortest.
 */
export function preempt(context: GateContext, event: EventOf<'request'>): StepResult {
  const { queue, rules, slots } = context;
  const arrived = findWaiting(queue, event.request.id);
  if (arrived === undefined || arrived.priority !== 'foreground') return noChange;
  const comingFree = slots.filter((slot) => slot.phase === 'draining').length;
  if (comingFree >= treeSize(queue.foreground)) return noChange;
  // An aged background request at the head of the queue would take the slot: preemption would gain nothing.
  const aged = treeFirst(queue.background);
  const head = treeFirst(queue.foreground);
  if (aged && head && countsAsForeground(aged, head, rules.agingMs)) return noChange;
  const victim = slots.findLast(
    (slot) => slot.phase === 'running' && mayPreempt(slot.ticket, arrived, rules),
  );
  return victim === undefined ? noChange : abort(context, victim, event.at, 'preempted');
}

function abort(context: GateContext, slot: Slot, at: number, reason: AbortReason): StepResult {
  const ticket =
    reason === 'preempted' ? preemptedTicket(slot.ticket, slot.grantedAt) : slot.ticket;
  return {
    context: { slots: drainingFrom(context.slots, slot.fence, at) },
    effects: [{ type: 'aborted', at, ticket, fence: slot.fence, reason }],
  };
}

/** Removes a waiter from the queue, or aborts the holder. */
export function withdraw(context: GateContext, event: EventOf<'withdraw'>): StepResult {
  const { id, at } = event;
  const waiting = findWaiting(context.queue, id);
  if (waiting !== undefined) {
    return {
      context: { queue: removeTicket(context.queue, waiting) },
      effects: [refusal(id, at, 'cancelled')],
    };
  }
  const slot = context.slots.find((slot) => slot.ticket.id === id && slot.phase === 'running');
  return slot === undefined ? noChange : abort(context, slot, at, 'cancelled');
}

/** Refuses a waiter whose deadline has passed. */
export function rejectPastDeadline(
  context: GateContext,
  event: EventOf<'deadlinePassed'>,
): StepResult {
  const waiting = findWaiting(context.queue, event.id);
  if (waiting === undefined || !isPastDeadline(waiting.deadlineAt, event.at)) return noChange;
  return {
    context: { queue: removeTicket(context.queue, waiting) },
    effects: [refusal(event.id, event.at, 'deadline')],
  };
}

/** The holder aborted its own request, after a stall for instance. */
export function startDraining(context: GateContext, event: EventOf<'drainStarted'>): StepResult {
  if (slotOf(context, event.fence)?.phase !== 'running') return noChange;
  return { context: { slots: drainingFrom(context.slots, event.fence, event.at) }, effects: [] };
}

/** Aborts a holder whose lease has expired. */
export function expireLease(context: GateContext, event: EventOf<'leaseExpired'>): StepResult {
  const slot = slotOf(context, event.fence);
  return slot?.phase === 'running' ? abort(context, slot, event.at, 'expired') : noChange;
}

/** Frees the slot of this fence. An end that was not caused by an abort counts for the circuit. */
export function freeSlot(
  context: GateContext,
  event: EventOf<'ended'> | EventOf<'drained'>,
): StepResult {
  const slot = slotOf(context, event.fence);
  // A request that still runs cannot have been drained: the event is about an earlier holder.
  if (slot === undefined || (event.type === 'drained' && slot.phase === 'running')) return noChange;
  const counts = event.type === 'ended' && countsForCircuit(slot);
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

/** Refuses one request: the circuit is open. */
export function rejectOpenCircuit(
  _context: GateContext,
  event: EventOf<'request'> | EventOf<'requeue'>,
): StepResult {
  const id = event.type === 'request' ? event.request.id : event.ticket.id;
  return { context: {}, effects: [refusal(id, event.at, 'breaker_open')] };
}

/** Empties the queue and refuses every waiter with this reason. */
export function rejectAll(context: GateContext, at: number, reason: RefusalReason): StepResult {
  const effects = [...ticketsInOrder(context.queue, context.rules)].map((ticket) =>
    refusal(ticket.id, at, reason),
  );
  return { context: { queue: emptyQueue }, effects };
}

/** Opens the circuit: the first probe is due after the shortest backoff. */
export function openCircuit(context: GateContext, event: { at: number }): StepResult {
  const backoffMs = context.rules.probeBackoffMs;
  return { context: { backoffMs, nextProbeAt: event.at + backoffMs }, effects: [] };
}

/** A probe failed: doubles the backoff for the next probe. */
export function increaseBackoff(context: GateContext, event: { at: number }): StepResult {
  const backoffMs = Math.min(context.backoffMs * 2, context.rules.probeBackoffMaxMs);
  return { context: { backoffMs, nextProbeAt: event.at + backoffMs }, effects: [] };
}

export const requestProbe = (context: GateContext): StepResult => ({
  context: { probe: context.probe + 1 },
  effects: [{ type: 'probe', probe: context.probe + 1 }],
});

export const closeCircuit = (): StepResult => ({
  context: { failures: 0, nextProbeAt: null },
  effects: [],
});
