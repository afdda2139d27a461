/**
 * One model server behind its gate: waits for a permit, sends the request, streams the answer, gives the
 * permit back. It must never send anything without a permit, and never keep one after `run` has resolved.
 *
 * 1. The outcome of an aborted request is decided by who aborted it, not by what the server still managed to send.
 * 2. A preempted request waits again at its old place; what it had streamed is taken back first.
 * 3. A backend that was asked for is used, or the outcome says why not; nothing is ever sent elsewhere.
 */
import type {
  Backend,
  ErrorReason,
  ModelFailure,
  ModelOutcome,
  ModelRequest,
  ModelTimings,
  RunOptions,
} from '../contract/model.ts';
import { readTraceParent } from '../contract/trace.ts';
import type { Clock } from '../lib/clock.ts';
import type { BackendLog } from './backend-log.ts';
import type { BackendConfig } from './backend-config.ts';
import { createAgent } from './exchange.ts';
import { cleanMessage } from './failure-reason.ts';
import type { Gate, GateAnswer, GateRequest, Permit } from './gate-types.ts';
import { takeTurn, type RequestOrigin, type Turn, type TurnContext } from './turn.ts';

export interface BackendOptions {
  config: BackendConfig;
  gate: Gate;
  clock: Clock;
  log?: BackendLog;
}

export interface OwnedBackend extends Backend {
  /** Closes all connections at once; what still runs ends as `connection_lost`. */
  close(): Promise<void>;
}

/**
 * How often one request is sent again after a preemption. The gate's own bound is far below; this one ends the
 * request should a gate have none.
 */
const PREEMPTIONS_MAX = 16;

/** Why the permit was taken away; null when it was not. */
function takenAway(permit: Permit): ErrorReason | null {
  if (!permit.signal.aborted) return null;
  const reason: unknown = permit.signal.reason;
  if (reason === 'preempted') return 'preempted';
  return reason === 'expired' ? 'timeout_total' : 'cancelled';
}

const timingsOf = (turn: Turn, queueMs: number): ModelTimings => ({
  queueMs,
  firstTokenMs:
    turn.firstVisibleAt === null ? null : Math.max(0, turn.firstVisibleAt - turn.startedAt),
  totalMs: Math.max(0, turn.endedAt - turn.startedAt),
});

type FailureParts = Pick<ModelFailure, 'errorReason' | 'message' | 'timings'> &
  Partial<ModelFailure>;

function failure({ config, log, request }: TurnContext, parts: FailureParts): ModelFailure {
  const message = cleanMessage(parts.message, config.apiKey);
  const { errorReason, timings, status = null } = parts;
  const fields = { ...request.fields, backend: config.id, error_reason: errorReason, status };
  // Servers quote what they were asked: their own words are for whoever looks for a fault.
  log?.debug({ ...fields, ...timings }, message);
  if (errorReason !== 'cancelled') log?.warn({ ...fields, ...timings }, 'no answer from the model');
  return {
    ok: false,
    backend: config.id,
    status: null,
    partialText: '',
    retryAfterMs: null,
    ...parts,
    message,
  };
}

function refusal(
  context: TurnContext,
  answer: Extract<GateAnswer, { ok: false }>,
  queueMs: number,
): ModelFailure {
  const { errorReason, retryAfterMs } = answer;
  return failure(context, {
    errorReason,
    message: `not let in at the gate: ${errorReason}`,
    retryAfterMs,
    timings: { queueMs, firstTokenMs: null, totalMs: 0 },
  });
}

function outcomeOf(
  context: TurnContext,
  turn: Turn,
  queueMs: number,
  taken: ErrorReason | null,
): ModelOutcome {
  const { reading, status, retryAfterMs } = turn.result;
  const timings = timingsOf(turn, queueMs);
  if (taken) {
    const partialText = reading.ok ? reading.text : reading.partialText;
    const message = `broken off: ${taken}`;
    return failure(context, { errorReason: taken, message, status, partialText, timings });
  }
  if (!reading.ok) {
    const { errorReason, message, partialText } = reading;
    return failure(context, { errorReason, message, status, partialText, retryAfterMs, timings });
  }
  const { text, toolCalls, finishReason, usage } = reading;
  const backend = context.config.id;
  const fields = { ...context.request.fields, backend, finish: finishReason };
  context.log?.debug({ ...fields, ...timings }, 'answered');
  return { ok: true, backend, text, toolCalls, finishReason, usage, timings };
}

async function runRequest(
  context: TurnContext,
  gate: Gate,
  request: ModelRequest,
  run: RunOptions,
): Promise<ModelOutcome> {
  const { clock, learnt } = context;
  let waiting = false;
  const gateRequest: GateRequest = {
    kind: run.kind,
    priority: run.priority,
    user: run.user,
    preemptible: run.preemptible ?? false,
    signal: run.signal,
    deadlineAt: run.deadlineAt ?? null,
    jobId: run.jobId,
    onQueued(position) {
      waiting = true;
      run.onQueued?.(position);
    },
  };
  let queueMs = 0;
  let askedAt = clock.now();
  let answer = await gate.acquire(gateRequest);
  for (let preemptions = 0; ; preemptions++) {
    if (!answer.ok) return refusal(context, answer, queueMs + Math.max(0, clock.now() - askedAt));
    const { permit } = answer;
    queueMs += permit.queuedMs;
    if (waiting) run.onGranted?.();
    waiting = false;
    const turn = await takeTurn(context, permit, request, (text, replace) =>
      run.onText?.(text, replace),
    );
    const { reading } = turn.result;
    // Forgotten by the first answer without such a close: else one that only mentioned the tag would for
    // ever keep the answers of this backend from streaming.
    if (reading.ok && request.thinking !== false) learnt.endsOrphanThinking = reading.orphanClose;
    const taken = takenAway(permit);
    if (taken !== 'preempted' || preemptions >= PREEMPTIONS_MAX) {
      return outcomeOf(context, turn, queueMs, taken);
    }
    const fields = { ...context.request.fields, backend: context.config.id, kind: run.kind };
    context.log?.debug(fields, 'preempted, waits again');
    if (turn.streamed) run.onText?.('', true);
    run.onPreempted?.();
    askedAt = clock.now();
    answer = await permit.requeue();
  }
}

function originOf({ jobId, traceparent }: RunOptions): RequestOrigin {
  const traceId = readTraceParent(traceparent)?.traceId;
  return {
    fields: {
      ...(jobId === undefined ? {} : { job: jobId }),
      ...(traceId === undefined ? {} : { trace_id: traceId }),
    },
    traceparent,
  };
}

/** A backend for one configured server. `close` it when it is no longer needed. */
export function createBackend({ config, gate, clock, log }: BackendOptions): OwnedBackend {
  const shared = {
    config,
    agent: createAgent(config.timeoutsMs.connect),
    clock,
    log,
    learnt: { refusesSchema: false, endsOrphanThinking: false },
  };
  return {
    id: config.id,
    model: config.model,
    run: (request, run) => runRequest({ ...shared, request: originOf(run) }, gate, request, run),
    close: () => shared.agent.destroy(),
  };
}
