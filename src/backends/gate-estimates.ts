/**
 * What a gate has measured of its server, and what follows for those who wait. The estimates are only told;
 * no rule of the gate depends on them.
 */
import type { GateContext } from '../../machines/gate-slots.ts';
import { inTurn, waitingCount } from '../../machines/gate-queue.ts';
import type { Ticket } from '../../machines/gate-queue.ts';
import type { QueuePosition } from '../contract/model.ts';

/**
 * Weight of the newest measurement in the moving average. Smaller and a changed model shows only after dozens
 * of calls; larger and one long answer doubles everybody's estimate.
 */
const newestWeight = 0.3;

const blend = (average: number | undefined, ms: number): number =>
  average === undefined ? ms : average + newestWeight * (ms - average);

/** Moving averages of service times per kind of request, and of drain times. */
export class ServiceTimes {
  readonly #byKind = new Map<string, number>();
  #ofAny: number | undefined;
  #drain: number | undefined;

  record(kind: string, ms: number): void {
    this.#byKind.set(kind, blend(this.#byKind.get(kind), ms));
    this.#ofAny = blend(this.#ofAny, ms);
  }

  recordDrain(ms: number): void {
    this.#drain = blend(this.#drain, ms);
  }

  /** What a request of this kind takes, in ms; of a kind never seen, what any takes; null without a measurement. */
  expected(kind: string): number | null {
    return this.#byKind.get(kind) ?? this.#ofAny ?? null;
  }

  /** What a drain takes, in ms; null without a measurement. */
  get drainMs(): number | null {
    return this.#drain ?? null;
  }

  get serviceMs(): Record<string, number> {
    return Object.fromEntries(this.#byKind);
  }
}

/** When each slot comes free, in ms from now; null while nothing has been measured. */
function slotsFree(context: GateContext, times: ServiceTimes, now: number): number[] | null {
  const free: number[] = Array.from({ length: context.rules.concurrency }, () => 0);
  for (const [index, slot] of context.slots.entries()) {
    const expected =
      slot.phase === 'draining' ? (times.drainMs ?? 0) : times.expected(slot.ticket.kind);
    if (expected === null) return null;
    free[index] = Math.max(0, expected - (now - slot.since));
  }
  return free;
}

/** Until the next slot is given away, and with it a place in the queue, in ms; null without a measurement. */
export function untilPlaceFree(
  context: GateContext,
  times: ServiceTimes,
  now: number,
): number | null {
  const free = slotsFree(context, times, now);
  return free === null ? null : Math.round(Math.min(...free));
}

export interface Place {
  ticket: Ticket;
  position: QueuePosition;
}

/** Everybody who waits, in the order of their turn. The first few cost little, all of them O(n). */
export function* places(
  context: GateContext,
  times: ServiceTimes,
  now: number,
): Generator<Place, undefined> {
  const free = slotsFree(context, times, now);
  let position = 0;
  for (const ticket of inTurn(context.queue, context.rules)) {
    const etaMs = free === null ? null : takeEarliest(free, times.expected(ticket.kind) ?? 0);
    yield {
      ticket,
      position: { position: position + 1, ahead: context.slots.length + position, etaMs },
    };
    position += 1;
  }
}

/** Puts a request of this length into the slot that comes free first, and returns when that is. */
function takeEarliest(free: number[], lengthMs: number): number {
  let earliest = 0;
  for (let index = 1; index < free.length; index += 1) {
    if ((free[index] ?? 0) < (free[earliest] ?? 0)) earliest = index;
  }
  const start = free[earliest] ?? 0;
  free[earliest] = start + lengthMs;
  return Math.round(start);
}

/** How far an estimate of one place walks the queue; beyond, the average of what it saw goes on. */
const walkMax = 64;

/**
 * The place of one ticket whose position is known, without walking a long queue: exact within the first
 * `walkMax`, from there on by the average.
 */
export function placeAt(
  context: GateContext,
  times: ServiceTimes,
  now: number,
  position: number,
): QueuePosition {
  const ahead = context.slots.length + position - 1;
  let walked = 0;
  let etaMs: number | null = null;
  for (const place of places(context, times, now)) {
    walked += 1;
    etaMs = place.position.etaMs;
    if (walked === position || walked === walkMax) break;
  }
  if (etaMs !== null && walked < Math.min(position, waitingCount(context.queue))) {
    etaMs = Math.round((etaMs * position) / walked);
  }
  return { position, ahead, etaMs };
}
