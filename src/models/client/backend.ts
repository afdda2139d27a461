/**
 * One model server behind its gate: runs each request in a slot of the gate and streams the answer.
 * It must never send anything outside a slot.
 *
 * 1. The outcome of an aborted request follows from the reason of the abort, not from what the server still managed to
 *    send.
 * 2. A preempted request waits again at its old position; its streamed text is revoked first.
 * 3. A requested backend is used, or the outcome says why not; no request is ever sent to another backend.
 */
import type {
  Backend,
  ErrorReason,
  ModelFailure,
  ModelOutcome,
  ModelRequest,
  ModelTimings,
  RunOptions,
} from '#shared/model/model';
import { parseTraceParent } from '#shared/wire/trace';
import type { Clock } from '#shared/clock';
import type { BackendConfig, BackendLog } from '../backend-config.ts';
import { createHttpAgent } from './model-http.ts';
import { hasPictures } from '#shared/model/message-parts';
import { serverProfiles } from './server-profiles.ts';
import { redactMessage } from './error-mapping.ts';
import type { Gate, AcquireResult, GateRequest } from '../gate/gate-types.ts';
import { runAtGate } from '../gate/run-at-gate.ts';
import {
  sendRequest,
  type RequestOrigin,
  type RequestAttempt,
  type RequestContext,
} from './request-attempt.ts';

export interface BackendOptions {
  config: BackendConfig;
  gate: Gate;
  clock: Clock;
  log?: BackendLog;
}

export interface ClosableBackend extends Backend {
  /** Closes all connections at once; running requests end as `connection_lost`. */
  close(): Promise<void>;
}

/**
 * How often one request is sent again after a preemption. The gate's own limit is far lower; this limit ends the
 * request if a gate has none.
 */
const preemptionsMax = 16;

/** Why the gate aborted the request; null when it did not. */
function abortReasonOf(signal: AbortSignal): ErrorReason | null {
  if (!signal.aborted) return null;
  const reason: unknown = signal.reason;
  if (reason === 'preempted') return 'preempted';
  return reason === 'expired' ? 'timeout_total' : 'cancelled';
}

const timingsOf = (attempt: RequestAttempt, queueMs: number): ModelTimings => ({
  queueMs,
  firstTokenMs:
    attempt.firstVisibleAt === null
      ? null
      : Math.max(0, attempt.firstVisibleAt - attempt.startedAt),
  totalMs: Math.max(0, attempt.endedAt - attempt.startedAt),
});

type FailureParts = Pick<ModelFailure, 'errorReason' | 'message' | 'timings'> &
  Partial<ModelFailure>;

function failure({ config, log, origin }: RequestContext, parts: FailureParts): ModelFailure {
  const message = redactMessage(parts.message, config.apiKey);
  const { errorReason, timings, status = null } = parts;
  const fields = { ...origin.fields, backend: config.id, error_reason: errorReason, status };
  // Servers quote the request: their messages are logged at debug level only.
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

function gateRefusal(
  context: RequestContext,
  refusal: Extract<AcquireResult, { ok: false }>,
  queueMs: number,
): ModelFailure {
  const { errorReason, retryAfterMs } = refusal;
  return failure(context, {
    errorReason,
    message: `not let in at the gate: ${errorReason}`,
    retryAfterMs,
    timings: { queueMs, firstTokenMs: null, totalMs: 0 },
  });
}

function modelOutcomeOf(
  context: RequestContext,
  attempt: RequestAttempt,
  queueMs: number,
  abortReason: ErrorReason | null,
): ModelOutcome {
  const { completion, status, retryAfterMs } = attempt.result;
  const timings = timingsOf(attempt, queueMs);
  if (abortReason) {
    const partialText = completion.ok ? completion.text : completion.partialText;
    const message = `broken off: ${abortReason}`;
    return failure(context, { errorReason: abortReason, message, status, partialText, timings });
  }
  if (!completion.ok) {
    const { errorReason, message, partialText } = completion;
    return failure(context, { errorReason, message, status, partialText, retryAfterMs, timings });
  }
  const { text, toolCalls, finishReason, usage } = completion;
  const backend = context.config.id;
  const fields = { ...context.origin.fields, backend, finish: finishReason };
  context.log?.debug({ ...fields, ...timings }, 'answered');
  return { ok: true, backend, text, toolCalls, finishReason, usage, timings };
}

async function runRequest(
  context: RequestContext,
  gate: Gate,
  request: ModelRequest,
  run: RunOptions,
): Promise<ModelOutcome> {
  const { clock, capabilities } = context;
  let isWaiting = false;
  const gateRequest: GateRequest = {
    kind: run.kind,
    priority: run.priority,
    user: run.user,
    preemptible: run.preemptible ?? false,
    speculative: run.speculative !== undefined,
    signal: run.signal,
    deadlineAt: run.deadlineAt ?? null,
    jobId: run.jobId,
    onQueued(position) {
      isWaiting = true;
      run.onQueued?.(position);
    },
  };
  let queueMs = 0;
  let preemptions = 0;
  let isAdopted = run.speculative === undefined;
  let requestedAt = clock.now();
  const ran = await runAtGate(
    gate,
    gateRequest,
    (slot) => {
      queueMs += slot.queuedMs;
      if (isWaiting) run.onGranted?.();
      isWaiting = false;
      run.speculative?.granted(() => {
        isAdopted = true;
        slot.adopt();
      });
      return sendRequest(context, request, slot, (text, replace) => run.onText?.(text, replace));
    },
    (attempt) => {
      if (!isAdopted || preemptions >= preemptionsMax) return false;
      preemptions += 1;
      learn(capabilities, request, attempt);
      const fields = { ...context.origin.fields, backend: context.config.id, kind: run.kind };
      context.log?.debug(fields, 'preempted, waits again');
      if (attempt.streamed) run.onText?.('', true);
      run.onPreempted?.();
      requestedAt = clock.now();
      return true;
    },
  );
  const reported = isAdopted ? context : { ...context, log: withoutWarnings(context.log) };
  if (!ran.ok) return gateRefusal(reported, ran, queueMs + Math.max(0, clock.now() - requestedAt));
  learn(capabilities, request, ran.value);
  return modelOutcomeOf(reported, ran.value, queueMs, abortReasonOf(ran.slot.signal));
}

/** For a request that was made in advance and is not needed: its end is no fault. */
const withoutWarnings = (log: BackendLog | undefined): BackendLog | undefined =>
  log && {
    ...log,
    debug: (...entry) => log.debug(...entry),
    warn: (...entry) => log.debug(...entry),
  };

/**
 * Whether the server's thinking has a closing tag only. Reset by the first answer without such a close: otherwise an
 * answer that only mentioned the tag would keep this backend's answers from streaming for ever.
 */
function learn(
  capabilities: RequestContext['capabilities'],
  request: ModelRequest,
  { result: { completion } }: RequestAttempt,
): void {
  if (completion.ok && request.thinking !== false)
    capabilities.endsOrphanThinking = completion.orphanClose;
}

function requestOriginOf({ jobId, traceparent }: RunOptions): RequestOrigin {
  const traceId = parseTraceParent(traceparent)?.traceId;
  return {
    fields: {
      ...(jobId === undefined ? {} : { job: jobId }),
      ...(traceId === undefined ? {} : { trace_id: traceId }),
    },
    traceparent,
  };
}

/** Creates the backend of one configured server. Call `close` when it is no longer needed. */
export function createBackend({ config, gate, clock, log }: BackendOptions): ClosableBackend {
  const shared = {
    config,
    agent: createHttpAgent(config.timeoutsMs.connect),
    clock,
    log,
    capabilities: { refusesSchema: false, endsOrphanThinking: false },
  };
  const pictureTypes = config.vision ? serverProfiles[config.kind].pictureTypes : [];
  return {
    id: config.id,
    model: config.model,
    pictureTypes,
    async run(request, run) {
      if (pictureTypes.length === 0 && hasPictures(request)) {
        throw new Error(`a picture for ${config.id}, which takes none`);
      }
      return runRequest({ ...shared, origin: requestOriginOf(run) }, gate, request, run);
    },
    close: () => shared.agent.destroy(),
  };
}
