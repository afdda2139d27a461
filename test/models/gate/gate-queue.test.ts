import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
  positionOf,
  preemptedTicket,
  waitingCount,
} from '#machines/gate-queue';
import type { GateQueue, QueueRules, Ticket, PriorityClass } from '#machines/gate-queue';

const rules: QueueRules = {
  maxQueue: 64,
  agingMs: 300_000,
  fairShareMs: 30_000,
  fairShiftMaxMs: 300_000,
  preemptBackground: true,
  maxPreemptions: 2,
};

let lastId = 0;

/** The queue after one more arrival, and the new ticket. */
function arrive(
  queue: GateQueue,
  at: number,
  user: string,
  priority: PriorityClass = 'foreground',
): { queue: GateQueue; ticket: Ticket } {
  lastId += 1;
  const ask = { id: lastId, user, priority, kind: 'reason', preemptible: true, deadlineAt: null };
  const ticket = { ...ask, arrivedAt: at, key: queueKey(queue, ask, at, rules), preemptions: 0 };
  return { queue: addTicket(queue, ticket), ticket };
}

function arriveAll(arrivals: [at: number, user: string, priority?: PriorityClass][]) {
  let queue = emptyQueue;
  const tickets: Ticket[] = [];
  for (const [at, user, priority] of arrivals) {
    const next = arrive(queue, at, user, priority);
    queue = next.queue;
    tickets.push(next.ticket);
  }
  return { queue, tickets };
}

const usersInTurn = (queue: GateQueue) =>
  [...ticketsInOrder(queue, rules)].map((ticket) => ticket.user);

describe('the order of the gate queue', () => {
  test('puts foreground requests before a background request that arrived earlier', () => {
    const { queue } = arriveAll([
      [0, 'draft', 'background'],
      [10, 'ann'],
      [20, 'bob'],
    ]);
    expect(usersInTurn(queue)).toEqual(['ann', 'bob', 'draft']);
  });

  test('keeps the order of requests of one class that arrive in the same millisecond', () => {
    const { queue } = arriveAll([
      [5, 'ann'],
      [5, 'bob'],
      [5, 'cho'],
    ]);
    expect(usersInTurn(queue)).toEqual(['ann', 'bob', 'cho']);
  });

  test('puts the further requests of one user behind a request of another user that arrives 1 s later', () => {
    const { queue } = arriveAll([
      [0, 'ann'],
      [0, 'ann'],
      [0, 'ann'],
      [1_000, 'bob'],
    ]);
    expect(usersInTurn(queue)).toEqual(['ann', 'bob', 'ann', 'ann']);
  });

  test('does not shift a user whose requests arrive fairShareMs apart', () => {
    const { tickets } = arriveAll([
      [0, 'ann'],
      [30_000, 'ann'],
      [60_000, 'ann'],
    ]);
    expect(tickets.map((ticket) => ticket.key)).toEqual([0, 30_000, 60_000]);
  });

  test('shifts no request by more than fairShiftMaxMs, and keeps the order of the requests of one user', () => {
    const { queue, tickets } = arriveAll(Array.from({ length: 40 }, (_, n) => [n, 'ann']));
    for (const ticket of tickets) {
      expect(ticket.key - ticket.arrivedAt).toBeLessThanOrEqual(rules.fairShiftMaxMs);
    }
    expect([...ticketsInOrder(queue, rules)].map(({ id }) => id)).toEqual(
      tickets.map(({ id }) => id),
    );
  });

  test('puts background work before a foreground request that arrives more than agingMs after it', () => {
    const aged: [number, string, PriorityClass] = [0, 'draft', 'background'];
    expect(usersInTurn(arriveAll([aged, [300_000, 'ann']]).queue)).toEqual(['ann', 'draft']);
    expect(usersInTurn(arriveAll([aged, [300_001, 'ann']]).queue)).toEqual(['draft', 'ann']);
  });

  test('puts forty requests of one user before background work that has not aged', () => {
    const many = Array.from({ length: 40 }, (): [number, string] => [1_000, 'ann']);
    const { queue } = arriveAll([[0, 'draft', 'background'], ...many]);
    expect(usersInTurn(queue).at(-1)).toBe('draft');
  });
});

describe('a background ticket', () => {
  test('returns to its old position after a preemption', () => {
    const { queue, tickets } = arriveAll([
      [0, 'a', 'background'],
      [1, 'b', 'background'],
      [2, 'c', 'background'],
    ]);
    const [running] = tickets as [Ticket];
    const back = addTicket(removeTicket(queue, running), preemptedTicket(running, 5));
    expect(usersInTurn(back)).toEqual(['a', 'b', 'c']);
    expect(findWaiting(back, running.id)?.preemptions).toBe(1);
  });

  test('stays before a later request of the same user after a preemption, even if its key was shifted', () => {
    const { queue, tickets } = arriveAll([
      [0, 'a', 'background'],
      [0, 'a', 'background'],
    ]);
    const [one, two] = tickets as [Ticket, Ticket];
    const running = removeTicket(removeTicket(queue, one), two);
    const later = arrive(running, 6, 'a', 'background');
    const back = addTicket(later.queue, preemptedTicket(two, 5));
    expect(nextTicket(back, rules)?.id).toBe(two.id);
  });

  test('is not preempted at maxPreemptions, if not preemptible, once aged, or with preemption off', () => {
    const { tickets } = arriveAll([
      [0, 'a', 'background'],
      [10, 'ann'],
    ]);
    const [background, person] = tickets as [Ticket, Ticket];
    expect(mayPreempt(background, person, rules)).toBe(true);
    expect(mayPreempt({ ...background, preemptions: 2 }, person, rules)).toBe(false);
    expect(mayPreempt({ ...background, preemptible: false }, person, rules)).toBe(false);
    expect(mayPreempt(background, { ...person, arrivedAt: 300_001 }, rules)).toBe(false);
    expect(mayPreempt(background, person, { ...rules, preemptBackground: false })).toBe(false);
  });
});

const arrivals = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 90_000 }),
    user: fc.constantFrom('ann', 'bob', 'cho'),
    priority: fc.constantFrom<PriorityClass>('foreground', 'background'),
    leaves: fc.boolean(),
  }),
  { maxLength: 60, size: 'max' },
);

test('a foreground request never overtakes background work that is older by more than agingMs plus its shift', () => {
  fc.assert(
    fc.property(arrivals, (history) => {
      let queue = emptyQueue;
      let at = 0;
      for (const { gapMs, user, priority, leaves } of history) {
        at += gapMs;
        queue = arrive(queue, at, user, priority).queue;
        const next = leaves ? nextTicket(queue, rules) : undefined;
        if (next === undefined) continue;
        queue = removeTicket(queue, next);
        for (const other of ticketsInOrder(queue, rules)) {
          const isOvertaken = next.priority === 'foreground' && other.priority === 'background';
          const shiftMs = other.key - other.arrivedAt;
          if (isOvertaken) {
            expect(next.arrivedAt).toBeLessThanOrEqual(other.arrivedAt + rules.agingMs + shiftMs);
          }
          const goesFirst = next.priority === 'background' && other.priority === 'foreground';
          if (goesFirst) expect(at - next.arrivedAt).toBeGreaterThan(rules.agingMs);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the position of a ticket that has just arrived is its place in the order, counted from 1', () => {
  fc.assert(
    fc.property(arrivals, (history) => {
      let queue = emptyQueue;
      let at = 0;
      for (const { gapMs, user, priority, leaves } of history) {
        at += gapMs;
        const { queue: next, ticket } = arrive(queue, at, user, priority);
        queue = next;
        const place = [...ticketsInOrder(queue, rules)].findIndex(({ id }) => id === ticket.id) + 1;
        expect(positionOf(queue, ticket, rules)).toBe(place);
        const head = nextTicket(queue, rules);
        expect(head).toBe([...ticketsInOrder(queue, rules)][0]);
        if (leaves && head !== undefined) queue = removeTicket(queue, head);
      }
      expect(waitingCount(queue)).toBe([...ticketsInOrder(queue, rules)].length);
    }),
    { numRuns: 1_000 },
  );
});

test('a foreground request goes before a background request that has waited exactly agingMs', () => {
  const { tickets } = arriveAll([
    [0, 'draft', 'background'],
    [300_000, 'ann'],
  ]);
  const [background, foreground] = tickets as [Ticket, Ticket];
  expect(countsAsForeground(background, foreground, rules.agingMs)).toBe(false);
});
