/**
 * The messages between the workers and the arbiter of a gate. Both sides send their whole state with a sequence number, so
 * that a lost, doubled or late message heals with the next one. Times are durations in ms: clocks are never compared.
 */
import { z } from 'zod';
import type { GateView } from '#models/gate/gate-view';

const count = z.int().nonnegative();
const milliseconds = z.number().nonnegative();

const ticketSchema = z.object({
  id: count,
  /** Grows with each wait of the request: 1, and one more for each preemption. */
  turn: count,
  phase: z.enum(['waiting', 'running', 'draining']),
  /** `EPOCH.N`; null while it waits. */
  fence: z.string().nullable(),
  waitedMs: milliseconds,
  preemptions: count,
  /** A gate has admitted it: it is not refused as `queue_full` any more. */
  isAdmitted: z.boolean(),
  kind: z.enum(['classify', 'reason', 'answer', 'word', 'draft', 'ask', 'embed', 'direct']),
  priority: z.enum(['foreground', 'background']),
  user: z.string(),
  jobId: z.string().optional(),
  preemptible: z.boolean(),
  speculative: z.literal(true).optional(),
});
export type TicketReport = z.infer<typeof ticketSchema>;

/** A clean end of an arbiter: the workers that its table names. */
const closingSchema = z.object({ epoch: count, workers: z.array(z.string()) });
export type Closing = z.infer<typeof closingSchema>;

export const beatSchema = z.object({
  worker: z.string(),
  seq: count,
  /** The highest epoch that the worker knows: it refuses the messages of lower ones. */
  epoch: count,
  /** All its requests: one that is missing was withdrawn or has ended. */
  tickets: z.array(ticketSchema),
  ended: z.array(z.object({ fence: z.string(), result: z.enum(['ok', 'failed', 'unreachable']) })),
  closing: closingSchema.nullable(),
});
export type GateBeat = z.infer<typeof beatSchema>;

const verdictSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('waits'),
    position: z.object({ position: count, ahead: count, etaMs: z.number().nullable() }).nullable(),
  }),
  z.object({ type: z.literal('granted'), fence: z.string() }),
  z.object({
    type: z.literal('refused'),
    reason: z.enum(['queue_full', 'deadline', 'breaker_open', 'cancelled']),
    retryAfterMs: z.number().nullable(),
  }),
  z.object({
    type: z.literal('aborted'),
    /** Null: no slot belongs to the request. */
    fence: z.string().nullable(),
    reason: z.enum(['cancelled', 'preempted', 'expired']),
  }),
]);
export type Verdict = z.infer<typeof verdictSchema>;

export const stateSchema = z.object({
  epoch: count,
  seq: count,
  /** The last beat that this state takes into account; 0: none. */
  confirmed: count,
  tickets: z.array(z.object({ id: count, turn: count, verdict: verdictSchema })),
});
export type GateState = z.infer<typeof stateSchema>;

/** To all workers: a new arbiter asks who is there, or one that ends says so. */
export const announcementSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('who'), epoch: count }),
  z.object({ type: z.literal('closing'), closing: closingSchema }),
]);
export type Announcement = z.infer<typeof announcementSchema>;

/** From the arbiter to all workers, for their views. */
export const gateNewsSchema = z.object({
  arbiter: z.string(),
  epoch: count,
  permits: z.array(z.object({ worker: z.string(), fence: z.string() })),
  view: z.custom<GateView>((view) =>
    ['running', 'waiting'].every((list) =>
      Array.isArray((view as Record<string, unknown> | null)?.[list]),
    ),
  ),
});
export type GateNews = z.infer<typeof gateNewsSchema>;
