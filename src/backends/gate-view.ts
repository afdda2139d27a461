/** What a gate shows of itself: to `/backends`, `/queue/stats`, the inspector and the metrics. */
import type { SnapshotFrom } from 'xstate';
import type { GateMachine } from '../../machines/gate.ts';
import type { RefusalReason } from '../../machines/gate-slots.ts';
import type { Ticket } from '../../machines/gate-queue.ts';
import { sizeOf } from '../../machines/gate-tree.ts';
import type { PriorityClass, QueuePosition } from '../contract/model.ts';
import { places } from './gate-estimates.ts';
import type { ServiceTimes } from './gate-estimates.ts';

export type GateState = 'idle' | 'running' | 'draining' | 'down' | 'stopped';

interface RequestView {
  kind: string;
  priority: PriorityClass;
  user: string;
  /** Left out for a request that is for no job. */
  jobId?: string | undefined;
  /** How often it was pushed out for a foreground request. */
  preemptions: number;
}

export interface HolderView extends RequestView {
  fence: number;
  phase: 'running' | 'draining';
  /** Since the grant. */
  heldMs: number;
}

export interface WaiterView extends RequestView, QueuePosition {
  /** Since it first arrived, over preemptions too. */
  waitedMs: number;
}

/** Since the gate was made. */
export interface GateCounters {
  grants: number;
  preemptions: number;
  /** Grants of a foreground request while background work that came earlier went on waiting. */
  overtakes: number;
  /** Holders that outlived their lease. */
  expiredLeases: number;
  refusals: Record<RefusalReason, number>;
}

export interface GateView {
  id: string;
  state: GateState;
  circuit: 'closed' | 'open' | 'half-open';
  /** By the wall clock, epoch ms; null while the circuit is closed. */
  nextProbeAt: number | null;
  concurrency: number;
  maxQueue: number;
  running: HolderView[];
  /** In the order of their turn. */
  waiting: WaiterView[];
  waitingByClass: Record<PriorityClass, number>;
  counters: GateCounters;
  /** Moving average per kind. */
  serviceMs: Record<string, number>;
  /** Moving average; null while nothing has drained. */
  drainMs: number | null;
}

export const noCounts = (): GateCounters => ({
  grants: 0,
  preemptions: 0,
  overtakes: 0,
  expiredLeases: 0,
  refusals: { queue_full: 0, deadline: 0, breaker_open: 0, cancelled: 0 },
});

const requestOf = ({ kind, priority, user, jobId, preemptions }: Ticket): RequestView => ({
  kind,
  priority,
  user,
  jobId,
  preemptions,
});

/** Builds the view of this moment; O(n) in those who wait. */
export function viewOf(
  id: string,
  snapshot: SnapshotFrom<GateMachine>,
  measured: {
    times: ServiceTimes;
    counters: GateCounters;
    /** By the gate's clock, as all times in the snapshot. */
    now: number;
    wallAheadMs: number;
  },
): GateView {
  const { context, value } = snapshot;
  const { times, counters, now, wallAheadMs } = measured;
  const waiting: WaiterView[] = [];
  for (const { ticket, position } of places(context, times, now)) {
    const waitedMs = now - ticket.arrivedAt;
    waiting.push({ ...requestOf(ticket), waitedMs, ...position });
  }
  const isDown = typeof value === 'object';
  return {
    id,
    state: isDown ? 'down' : value,
    circuit: isDown ? (value.down === 'probing' ? 'half-open' : 'open') : 'closed',
    nextProbeAt: context.nextProbeAt === null ? null : context.nextProbeAt + wallAheadMs,
    concurrency: context.rules.concurrency,
    maxQueue: context.rules.maxQueue,
    running: context.slots.map(({ fence, phase, grantedAt, ticket }) => ({
      fence,
      phase,
      ...requestOf(ticket),
      heldMs: now - grantedAt,
    })),
    waiting,
    waitingByClass: {
      foreground: sizeOf(context.queue.foreground),
      background: sizeOf(context.queue.background),
    },
    counters: structuredClone(counters),
    serviceMs: times.serviceMs,
    drainMs: times.drainMs,
  };
}
