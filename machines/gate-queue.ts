/**
 * Who waits at a gate, and who goes next. Pure: data in, data out; each operation is O(log n).
 *
 * The place of a waiter is a number that is fixed when it arrives, so nothing has to be re-sorted as time goes:
 *
 *     key = arrival + fairness shift          a point in time of the gate's clock, ms; smaller goes first
 *
 * Q1 Within a class the smallest key goes first, the earlier arrival on ties. One user's requests therefore
 *    keep their order, and a user who asks for much at once stands behind a neighbour who asks for little.
 * Q2 Between the classes foreground goes first, except that the first background waiter `b` goes before the
 *    first foreground waiter `f` when `b.key + agingMs < f.arrivedAt`: it then counts as foreground.
 *    `f`'s own shift is left out on purpose: with it, the shifted requests of one busy person would fall
 *    behind background work that nobody has waited for.
 * Q3 The bound that follows: a background request is overtaken only by foreground requests that arrive no
 *    later than `agingMs` plus its own shift after it. The shift is 0 for a user with nothing else waiting,
 *    and at most `fairShiftMaxMs`.
 * Q4 A preempted request comes back with the key it had (or the moment of its grant, where that is earlier:
 *    its turn had come), so at most the one that pushed it away has gained a place.
 */
import { countWhere, first, inOrder, insert, lastWhere, remove, sizeOf } from './gate-tree.ts';
import type { Tree } from './gate-tree.ts';

export type TicketClass = 'foreground' | 'background';

/** What a request says of itself at the gate. */
export interface TicketAsk {
  /** Counts the requests of this gate; a later arrival has the larger one. */
  id: number;
  user: string;
  priority: TicketClass;
  /** What the request is for. Carried for those who look; no rule reads it. */
  kind: string;
  /** The job of the request, where it has one. For display only, as `kind`. */
  jobId?: string | undefined;
  preemptible: boolean;
  /** By the gate's clock, ms; null for a request that waits as long as it takes. */
  deadlineAt: number | null;
}

/** A request that was let into the queue. */
export interface Ticket extends TicketAsk {
  /** By the gate's clock, ms. Not changed by a preemption. */
  arrivedAt: number;
  /** The place in the queue: see the head of this file. */
  key: number;
  /** How often it was pushed out for a foreground request. */
  preemptions: number;
}

export interface QueueRules {
  /** How many may wait. 0 lets in only what can start at once. */
  maxQueue: number;
  /** From this age on a background request counts as foreground. Infinity switches aging off. */
  agingMs: number;
  /** The further waiting requests of one user stand this far apart. 0 switches fairness off. */
  fairShareMs: number;
  /** No request is shifted by more than this. */
  fairShiftMaxMs: number;
  preemptBackground: boolean;
  /** After so many preemptions a request is left to finish. */
  maxPreemptions: number;
}

export interface GateQueue {
  /** Both in the order Q1. */
  readonly foreground: Tree<Ticket>;
  readonly background: Tree<Ticket>;
  /** All, by class, user and arrival: finds the last one of a user. */
  readonly byUser: Tree<Ticket>;
  /** All, by id: finds the one that leaves. */
  readonly byId: Tree<Ticket>;
}

export const emptyQueue: GateQueue = {
  foreground: null,
  background: null,
  byUser: null,
  byId: null,
};

const byPlace = (a: Ticket, b: Ticket): number => a.key - b.key || a.id - b.id;
const byId = (a: Ticket, b: Ticket): number => a.id - b.id;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byUser = (a: Ticket, b: Ticket): number =>
  compareText(a.priority, b.priority) || compareText(a.user, b.user) || a.id - b.id;

export const waitingCount = (queue: GateQueue): number => sizeOf(queue.byId);

/** The waiting ticket of this id. */
export function findWaiting(queue: GateQueue, id: number): Ticket | undefined {
  const found = lastWhere(queue.byId, (ticket) => ticket.id <= id);
  return found?.id === id ? found : undefined;
}

/** The key of Q1 for a request that arrives now. */
export function keyOf(queue: GateQueue, ask: TicketAsk, at: number, rules: QueueRules): number {
  const before = lastWhere(
    queue.byUser,
    (ticket) =>
      (compareText(ticket.priority, ask.priority) || compareText(ticket.user, ask.user)) <= 0,
  );
  if (before === undefined || before.user !== ask.user || before.priority !== ask.priority) {
    return at;
  }
  // The cap never breaks the order of one user: the capped keys of later arrivals still grow with time.
  return Math.min(Math.max(at, before.key + rules.fairShareMs), at + rules.fairShiftMaxMs);
}

/** The queue with the ticket in it. */
export function join(queue: GateQueue, ticket: Ticket): GateQueue {
  return {
    ...queue,
    [ticket.priority]: insert(queue[ticket.priority], ticket, byPlace),
    byUser: insert(queue.byUser, ticket, byUser),
    byId: insert(queue.byId, ticket, byId),
  };
}

/** The queue without the ticket, wherever it stood. */
export function leave(queue: GateQueue, ticket: Ticket): GateQueue {
  return {
    ...queue,
    [ticket.priority]: remove(queue[ticket.priority], ticket, byPlace),
    byUser: remove(queue.byUser, ticket, byUser),
    byId: remove(queue.byId, ticket, byId),
  };
}

/** Q2: whether a background ticket has waited long enough to go before this foreground one. */
export const countsAsForeground = (
  background: Ticket,
  foreground: Ticket,
  agingMs: number,
): boolean => background.key + agingMs < foreground.arrivedAt;

/** Who goes next, by Q1 and Q2. */
export function nextOf(queue: GateQueue, rules: QueueRules): Ticket | undefined {
  const foreground = first(queue.foreground);
  const background = first(queue.background);
  if (foreground === undefined || background === undefined) return foreground ?? background;
  return countsAsForeground(background, foreground, rules.agingMs) ? background : foreground;
}

/** All in the order in which they would go if nobody else came. */
export function* inTurn(queue: GateQueue, rules: QueueRules): Generator<Ticket, undefined> {
  const people = inOrder(queue.foreground);
  const others = inOrder(queue.background);
  let foreground = people.next().value;
  let background = others.next().value;
  while (foreground !== undefined || background !== undefined) {
    const takeBackground =
      background !== undefined &&
      (foreground === undefined || countsAsForeground(background, foreground, rules.agingMs));
    if (takeBackground && background !== undefined) {
      yield background;
      background = others.next().value;
    } else if (foreground !== undefined) {
      yield foreground;
      foreground = people.next().value;
    }
  }
}

/**
 * The position of a ticket, 1 for the next one, without walking the queue. Exact for one that has just arrived;
 * for one that came back after a preemption it may be too large until the next walk.
 */
export function positionOf(queue: GateQueue, ticket: Ticket, rules: QueueRules): number {
  const inClass = countWhere(queue[ticket.priority], (other) => byPlace(other, ticket) < 0);
  const ofOthers =
    ticket.priority === 'background'
      ? sizeOf(queue.foreground)
      : countWhere(queue.background, (other) => countsAsForeground(other, ticket, rules.agingMs));
  return inClass + ofOthers + 1;
}

/** Whether this running request may be aborted for that foreground one, which waits. */
export function mayPreempt(running: Ticket, foreground: Ticket, rules: QueueRules): boolean {
  return (
    rules.preemptBackground &&
    running.priority === 'background' &&
    running.preemptible &&
    running.preemptions < rules.maxPreemptions &&
    // One that counts as foreground would only get the slot back at once.
    !countsAsForeground(running, foreground, rules.agingMs)
  );
}

/** Q4: the ticket of a preempted request, to join the queue again. */
export const preempted = (ticket: Ticket, grantedAt: number): Ticket => ({
  ...ticket,
  key: Math.min(ticket.key, grantedAt),
  preemptions: ticket.preemptions + 1,
});
