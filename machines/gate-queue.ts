/**
 * The queue of a gate: the waiting requests, and which of them is granted next. Pure: data in, data out; each operation
 * is O(log n).
 *
 * The sort key of a waiter is fixed when it arrives, so the queue never has to be re-sorted as time passes:
 *
 *     key = arrival + fairness shift          a point in time of the gate's clock, ms; smaller goes first
 *
 * Q1 Within a class the smallest key goes first, the earlier arrival on ties. One user's requests therefore keep their
 *    order, and a user with many requests waits behind a user with few.
 * Q2 Foreground goes before background, except that the first background waiter `b` goes before the first foreground
 *    waiter `f` when `b.key + agingMs < f.arrivedAt`: it then counts as foreground. `f`'s own shift is left out on
 *    purpose: with it, the shifted requests of one busy user would fall behind background work that has not aged.
 * Q3 The bound that follows: a background request is overtaken only by foreground requests that arrive no later than
 *    `agingMs` plus its own shift after it. The shift is 0 for a user with nothing else waiting, and at most
 *    `fairShiftMaxMs`.
 * Q4 A preempted request comes back with its old key (or the time of its grant, if that is earlier: it was first in the
 *    queue then), so at most the request that preempted it has gained a position.
 */
import {
  treeCountWhere,
  treeFirst,
  treeValues,
  treeInsert,
  treeFindLast,
  treeRemove,
  treeSize,
} from './persistent-sorted-tree.ts';
import type { SortedTree } from './persistent-sorted-tree.ts';

export type PriorityClass = 'foreground' | 'background';

/** What a caller states about its request. */
export interface TicketRequest {
  /** Sequence number of the gate's requests; a later arrival has the larger number. */
  id: number;
  user: string;
  priority: PriorityClass;
  /** Purpose of the request. For display only; no rule reads it. */
  kind: string;
  /** The job of the request, if any. For display only, as `kind`. */
  jobId?: string | undefined;
  preemptible: boolean;
  /**
   * Takes a free slot or is refused, and is aborted as soon as any request has to wait for a slot. `priority` applies
   * once it is adopted.
   */
  speculative?: boolean | undefined;
  /** By the gate's clock, ms; null: no deadline. */
  deadlineAt: number | null;
}

/** A request that was admitted to the queue. */
export interface Ticket extends TicketRequest {
  /** By the gate's clock, ms. A preemption does not change it. */
  arrivedAt: number;
  /** The sort key: see the head of this file. */
  key: number;
  /** How often it was preempted by a foreground request. */
  preemptions: number;
}

export interface QueueRules {
  /** Maximum number of waiting requests. 0 admits only requests that can start at once. */
  maxQueue: number;
  /** From this age on a background request counts as foreground. Infinity disables aging. */
  agingMs: number;
  /** Distance between the keys of one user's waiting requests. 0 disables fairness. */
  fairShareMs: number;
  /** Maximum shift of a request. */
  fairShiftMaxMs: number;
  preemptBackground: boolean;
  /** After this many preemptions a request is no longer preempted. */
  maxPreemptions: number;
}

export interface GateQueue {
  /** Both sorted by Q1. */
  readonly foreground: SortedTree<Ticket>;
  readonly background: SortedTree<Ticket>;
  /** All tickets by class, user and arrival: finds the last ticket of a user. */
  readonly byUser: SortedTree<Ticket>;
  /** All tickets by id: finds a ticket to remove. */
  readonly byId: SortedTree<Ticket>;
}

export const emptyQueue: GateQueue = {
  foreground: null,
  background: null,
  byUser: null,
  byId: null,
};

const byKey = (a: Ticket, b: Ticket): number => a.key - b.key || a.id - b.id;
const byId = (a: Ticket, b: Ticket): number => a.id - b.id;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byUser = (a: Ticket, b: Ticket): number =>
  compareText(a.priority, b.priority) || compareText(a.user, b.user) || a.id - b.id;

export const waitingCount = (queue: GateQueue): number => treeSize(queue.byId);

/** The waiting ticket with this id. */
export function findWaiting(queue: GateQueue, id: number): Ticket | undefined {
  const found = treeFindLast(queue.byId, (ticket) => ticket.id <= id);
  return found?.id === id ? found : undefined;
}

/** The key of Q1 for a request that arrives now. */
export function queueKey(
  queue: GateQueue,
  request: TicketRequest,
  at: number,
  rules: QueueRules,
): number {
  const previous = treeFindLast(
    queue.byUser,
    (ticket) =>
      (compareText(ticket.priority, request.priority) || compareText(ticket.user, request.user)) <=
      0,
  );
  if (
    previous === undefined ||
    previous.user !== request.user ||
    previous.priority !== request.priority
  ) {
    return at;
  }
  // The cap never breaks the order of one user: the capped keys of later arrivals still grow with time.
  return Math.min(Math.max(at, previous.key + rules.fairShareMs), at + rules.fairShiftMaxMs);
}

/** The queue with the ticket added. */
export function addTicket(queue: GateQueue, ticket: Ticket): GateQueue {
  return {
    ...queue,
    [ticket.priority]: treeInsert(queue[ticket.priority], ticket, byKey),
    byUser: treeInsert(queue.byUser, ticket, byUser),
    byId: treeInsert(queue.byId, ticket, byId),
  };
}

/** The queue without the ticket, from any position. */
export function removeTicket(queue: GateQueue, ticket: Ticket): GateQueue {
  return {
    ...queue,
    [ticket.priority]: treeRemove(queue[ticket.priority], ticket, byKey),
    byUser: treeRemove(queue.byUser, ticket, byUser),
    byId: treeRemove(queue.byId, ticket, byId),
  };
}

/** Q2: whether a background ticket has waited long enough to go before this foreground ticket. */
export const countsAsForeground = (
  background: Ticket,
  foreground: Ticket,
  agingMs: number,
): boolean => background.key + agingMs < foreground.arrivedAt;

/** The ticket that is granted next, by Q1 and Q2. */
export function nextTicket(queue: GateQueue, rules: QueueRules): Ticket | undefined {
  const foreground = treeFirst(queue.foreground);
  const background = treeFirst(queue.background);
  if (foreground === undefined || background === undefined) return foreground ?? background;
  return countsAsForeground(background, foreground, rules.agingMs) ? background : foreground;
}

/** All tickets in the order in which they would be granted if no other request arrived. */
export function* ticketsInOrder(queue: GateQueue, rules: QueueRules): Generator<Ticket, undefined> {
  const foregroundTickets = treeValues(queue.foreground);
  const backgroundTickets = treeValues(queue.background);
  let foreground = foregroundTickets.next().value;
  let background = backgroundTickets.next().value;
  while (foreground !== undefined || background !== undefined) {
    const takeBackground =
      background !== undefined &&
      (foreground === undefined || countsAsForeground(background, foreground, rules.agingMs));
    if (takeBackground && background !== undefined) {
      yield background;
      background = backgroundTickets.next().value;
    } else if (foreground !== undefined) {
      yield foreground;
      foreground = foregroundTickets.next().value;
    }
  }
}

/**
 * The position of a ticket, 1 for the next, without walking the queue. Exact for a ticket that has just arrived; may be
 * too large for a ticket that came back after a preemption, until the next walk.
 */
export function positionOf(queue: GateQueue, ticket: Ticket, rules: QueueRules): number {
  const inClass = treeCountWhere(queue[ticket.priority], (other) => byKey(other, ticket) < 0);
  const inOtherClass =
    ticket.priority === 'background'
      ? treeSize(queue.foreground)
      : treeCountWhere(queue.background, (other) =>
          countsAsForeground(other, ticket, rules.agingMs),
        );
  return inClass + inOtherClass + 1;
}

/** Whether this running request may be preempted for the waiting foreground request. */
export function mayPreempt(running: Ticket, foreground: Ticket, rules: QueueRules): boolean {
  return (
    rules.preemptBackground &&
    running.priority === 'background' &&
    running.speculative !== true &&
    running.preemptible &&
    running.preemptions < rules.maxPreemptions &&
    // A request that counts as foreground would get the slot back at once.
    !countsAsForeground(running, foreground, rules.agingMs)
  );
}

/** Q4: the ticket with which a preempted request joins the queue again. */
export const preemptedTicket = (ticket: Ticket, grantedAt: number): Ticket => ({
  ...ticket,
  key: Math.min(ticket.key, grantedAt),
  preemptions: ticket.preemptions + 1,
});
