/** The view of a gate for `/backends`, `/queue/stats`, the inspector and the metrics. */
import type { SnapshotFrom } from 'xstate';
import type { GateMachine } from '#machines/gate';
import type { RefusalReason } from '#machines/gate-steps';
import type { Ticket, PriorityClass } from '#machines/gate-queue';
import { treeSize } from '#machines/persistent-sorted-tree';
import type { QueuePosition } from '#machines/job-types';
import type { Gate } from './gate-types.ts';
import { queuePositions } from './wait-estimates.ts';
import type { ServiceTimes } from './wait-estimates.ts';

export type GateState = 'idle' | 'running' | 'draining' | 'down' | 'stopped';

interface RequestView {
  kind: string;
  priority: PriorityClass;
  user: string;
  /** Omitted for a request without a job. */
  jobId?: string | undefined;
  /** How often it was preempted by a foreground request. */
  preemptions: number;
  /** True: it runs in advance and is aborted as soon as anyone waits. Omitted for ordinary requests. */
  speculative?: true;
}

export interface HolderView extends RequestView {
  fence: number;
  phase: 'running' | 'draining';
  /** Time since the grant, ms. */
  heldMs: number;
}

export interface WaiterView extends RequestView, QueuePosition {
  /** Time since its first arrival, preemptions included, ms. */
  waitedMs: number;
}

/** Counts since the gate was created. */
export interface GateCounters {
  grants: number;
  preemptions: number;
  /** Grants of a foreground request while earlier background requests went on waiting. */
  overtakes: number;
  /** Holders that exceeded their lease. */
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
  /** In queue order. */
  waiting: WaiterView[];
  waitingByClass: Record<PriorityClass, number>;
  counters: GateCounters;
  /** Moving average of the service time per request kind. */
  serviceMs: Record<string, number>;
  /** Moving average of the drain time; null without a measurement. */
  drainMs: number | null;
  /** Over several workers: which of them grants, null while none is known. Omitted for a gate of one machine. */
  arbiter?: GateArbiterView | null;
}

export interface GateArbiterView {
  /** Name of the worker. */
  worker: string;
  epoch: number;
  /** This process; the counters of the others are zero. */
  isSelf: boolean;
  /** The requests with a permit, by the fences that the gate proxy sees. */
  permits: { worker: string; fence: string }[];
}

/** A gate with its view. */
export interface ObservableGate extends Gate {
  view(): GateView;
  /** Calls the listener after changes. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /** Refuses all waiting and later requests. Idempotent. */
  stop(): void;
}

export const zeroCounters = (): GateCounters => ({
  grants: 0,
  preemptions: 0,
  overtakes: 0,
  expiredLeases: 0,
  refusals: { queue_full: 0, deadline: 0, breaker_open: 0, cancelled: 0 },
});

const requestViewOf = (ticket: Ticket): RequestView => {
  const { kind, priority, user, jobId, preemptions, speculative } = ticket;
  const view = { kind, priority, user, jobId, preemptions };
  return speculative === true ? { ...view, speculative } : view;
};

/** The requests that run or wait, without those in advance: they make way. */
export const ownRequests = ({ running, waiting }: GateView): number =>
  running.filter(({ speculative }) => speculative !== true).length + waiting.length;

/** Builds the current view; O(n) in the number of waiters. */
export function gateViewOf(
  id: string,
  snapshot: SnapshotFrom<GateMachine>,
  measured: {
    times: ServiceTimes;
    counters: GateCounters;
    /** By the gate's clock, like all times in the snapshot. */
    now: number;
    wallClockOffsetMs: number;
  },
): GateView {
  const { context, value } = snapshot;
  const { times, counters, now, wallClockOffsetMs } = measured;
  const waiting: WaiterView[] = [];
  for (const { ticket, position } of queuePositions(context, times, now)) {
    const waitedMs = now - ticket.arrivedAt;
    waiting.push({ ...requestViewOf(ticket), waitedMs, ...position });
  }
  const isDown = typeof value === 'object';
  return {
    id,
    state: isDown ? 'down' : value,
    circuit: isDown ? (value.down === 'probing' ? 'half-open' : 'open') : 'closed',
    nextProbeAt: context.nextProbeAt === null ? null : context.nextProbeAt + wallClockOffsetMs,
    concurrency: context.rules.concurrency,
    maxQueue: context.rules.maxQueue,
    running: context.slots.map(({ fence, phase, grantedAt, ticket }) => ({
      fence,
      phase,
      ...requestViewOf(ticket),
      heldMs: now - grantedAt,
    })),
    waiting,
    waitingByClass: {
      foreground: treeSize(context.queue.foreground),
      background: treeSize(context.queue.background),
    },
    counters: structuredClone(counters),
    serviceMs: times.serviceMs,
    drainMs: times.drainMs,
  };
}
