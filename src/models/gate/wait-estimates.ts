/**
 * Measured times of a gate's server, and the wait estimates that follow. The estimates are only reported; no rule of
 * the gate depends on them.
 */
import type { GateContext } from '#machines/gate-steps';
import { ticketsInOrder, waitingCount } from '#machines/gate-queue';
import type { Ticket } from '#machines/gate-queue';
import type { QueuePosition } from '#machines/job-types';

/**
 * Weight of the newest measurement in the moving average. With a smaller weight a changed model shows only after dozens
 * of calls; with a larger weight one long answer doubles all estimates.
 */
const smoothingFactor = 0.3;

const movingAverage = (average: number | undefined, ms: number): number =>
  average === undefined ? ms : average + smoothingFactor * (ms - average);

/** Moving averages of service times per kind of request, and of drain times. */
export class ServiceTimes {
  readonly #byKind = new Map<string, number>();
  #ofAny: number | undefined;
  #drain: number | undefined;

  record(kind: string, ms: number): void {
    this.#byKind.set(kind, movingAverage(this.#byKind.get(kind), ms));
    this.#ofAny = movingAverage(this.#ofAny, ms);
  }

  recordDrain(ms: number): void {
    this.#drain = movingAverage(this.#drain, ms);
  }

  /**
   * Expected duration of a request of this kind, in ms; for an unknown kind, the average of all; null without a
   * measurement.
   */
  expected(kind: string): number | null {
    return this.#byKind.get(kind) ?? this.#ofAny ?? null;
  }

  /** Expected duration of a drain, in ms; null without a measurement. */
  get drainMs(): number | null {
    return this.#drain ?? null;
  }

  get serviceMs(): Record<string, number> {
    return Object.fromEntries(this.#byKind);
  }
}

/** When each slot becomes free, in ms from now; null without a measurement. */
function slotFreeTimesMs(context: GateContext, times: ServiceTimes, now: number): number[] | null {
  const free: number[] = Array.from({ length: context.rules.concurrency }, () => 0);
  for (const [index, slot] of context.slots.entries()) {
    const expected =
      slot.phase === 'draining' ? (times.drainMs ?? 0) : times.expected(slot.ticket.kind);
    if (expected === null) return null;
    free[index] = Math.max(0, expected - (now - slot.since));
  }
  return free;
}

/**
 * Time until the next slot is granted, and with it a queue position becomes free, in ms; null without a measurement.
 */
export function estimateFreeSlotMs(
  context: GateContext,
  times: ServiceTimes,
  now: number,
): number | null {
  const free = slotFreeTimesMs(context, times, now);
  return free === null ? null : Math.round(Math.min(...free));
}

export interface QueuedTicket {
  ticket: Ticket;
  position: QueuePosition;
}

/** All waiting tickets in queue order, with positions. The first few cost little, all of them O(n). */
export function* queuePositions(
  context: GateContext,
  times: ServiceTimes,
  now: number,
): Generator<QueuedTicket, undefined> {
  const free = slotFreeTimesMs(context, times, now);
  let position = 0;
  for (const ticket of ticketsInOrder(context.queue, context.rules)) {
    const etaMs =
      free === null ? null : reserveEarliestSlot(free, times.expected(ticket.kind) ?? 0);
    yield {
      ticket,
      position: { position: position + 1, ahead: context.slots.length + position, etaMs },
    };
    position += 1;
  }
}

/** Puts a request of this length into the slot that becomes free first; returns the start time. */
function reserveEarliestSlot(free: number[], lengthMs: number): number {
  let earliest = 0;
  for (let index = 1; index < free.length; index += 1) {
    if ((free[index] ?? 0) < (free[earliest] ?? 0)) earliest = index;
  }
  const start = free[earliest] ?? 0;
  free[earliest] = start + lengthMs;
  return Math.round(start);
}

/** How many queue positions are estimated exactly; beyond that the average of the walked part is extrapolated. */
const exactEstimatesMax = 64;

/**
 * The estimate for one ticket whose position is known, without walking a long queue: exact within the first
 * `exactEstimatesMax` positions, extrapolated beyond.
 */
export function positionAt(
  context: GateContext,
  times: ServiceTimes,
  now: number,
  position: number,
): QueuePosition {
  const ahead = context.slots.length + position - 1;
  let walked = 0;
  let etaMs: number | null = null;
  for (const queued of queuePositions(context, times, now)) {
    walked += 1;
    etaMs = queued.position.etaMs;
    if (walked === position || walked === exactEstimatesMax) break;
  }
  if (etaMs !== null && walked < Math.min(position, waitingCount(context.queue))) {
    etaMs = Math.round((etaMs * position) / walked);
  }
  return { position, ahead, etaMs };
}
