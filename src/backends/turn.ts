/**
 * One request while its permit is held: sent, read to its end, and the permit given back.
 *
 * 1. Each permit is ended exactly once: released when the server is done with the request, drained when the
 *    connection was closed while the server was at work.
 * 2. An abort of the permit drains it in the same tick, before the connection has even closed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { ErrorReason, ModelRequest } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import { offeredTools } from '../lib/printed-calls/offered-tools.ts';
import type { ReaderOptions } from './answer-reader.ts';
import type { BackendLog } from './backend-log.ts';
import type { BackendConfig } from './backend-config.ts';
import { runExchange, type ExchangeResult } from './exchange.ts';
import type { Permit, PermitEnd } from './gate-types.ts';
import { profiles, type BackendProfile } from './profile.ts';
import { asksForSchema, MAX_TOKENS_DEFAULT, requestBody } from './request-body.ts';
import { printedCalls, strayCalls, toolResidue, withCalls } from './thinking-markup.ts';

/**
 * Characters per allowed token, beyond which an answer has no end. Tokens of prose are 1 to 5 characters long and
 * those of code rarely above 8; a server that ignores `max_tokens` would go on until the total limit.
 */
const CHARS_PER_TOKEN_MAX = 8;
/** A small `maxTokens` with a few long tokens must not look endless. */
const CHARS_FLOOR = 8_000;
/** An answer without a limit ends here: longer than the largest contexts in use at home. */
const TOKENS_MAX = 262_144;

/** After these we closed the connection while the server was at work. */
const brokenOffByUs: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'cancelled',
  'timeout_first_token',
  'timeout_idle',
  'timeout_total',
  'bad_chunk',
  'answer_too_long',
]);

/** The server is not there at all; counts towards opening the circuit. */
const unreachable: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'connect_refused',
  'connect_timeout',
  'dns',
]);

/** Statuses by which servers say that they cannot do the schema, or not one so complex. */
const schemaRefusals: ReadonlySet<number | null> = new Set([400, 422, 501]);

/** What a server taught us about itself; kept as long as its backend lives. */
export interface Learnt {
  refusesSchema: boolean;
  /** It thinks without an opening tag. */
  endsOrphanThinking: boolean;
}

/** What the turns of one backend share. */
export interface TurnContext {
  config: BackendConfig;
  agent: Agent;
  clock: Clock;
  log: BackendLog | undefined;
  learnt: Learnt;
  /** What differs from request to request. */
  request: RequestOrigin;
}

/** Where a request comes from. */
export interface RequestOrigin {
  /** For log lines. */
  fields: Readonly<Record<string, unknown>>;
  traceparent: string | undefined;
}

export interface Turn {
  result: ExchangeResult;
  startedAt: number;
  endedAt: number;
  firstVisibleAt: number | null;
  /** Something was passed to `onText`. */
  streamed: boolean;
}

function readerLimits(
  request: ModelRequest,
  profile: BackendProfile,
  learnt: Learnt,
): Omit<ReaderOptions, 'onText'> {
  const offered = (request.tools?.length ?? 0) > 0;
  const forbidden = offered && request.toolChoice === 'none';
  const lookedFor = printedCallsOf(request);
  const calls = forbidden ? toolResidue : lookedFor ? printedCalls : strayCalls;
  const tokens = Math.min(TOKENS_MAX, request.maxTokens ?? MAX_TOKENS_DEFAULT);
  return {
    markup: withCalls(profile.markup, calls),
    dropToolCalls: forbidden,
    printedCalls: lookedFor,
    expectOrphanClose: learnt.endsOrphanThinking && request.thinking !== false,
    charsMax: Math.max(CHARS_FLOOR, tokens * CHARS_PER_TOKEN_MAX),
  };
}

/** The tools whose calls are looked for in the text. */
function printedCallsOf({ tools = [], printedCalls }: ModelRequest): ReaderOptions['printedCalls'] {
  const offered = [...tools.map((tool) => tool.function), ...(printedCalls?.tools ?? [])];
  if (offered.length === 0) return null;
  return { offers: offeredTools(offered), unknown: printedCalls?.unknown ?? 'text' };
}

/** Sends the request; when the server refuses its schema, sends it once more without one. */
async function send(
  context: TurnContext,
  request: ModelRequest,
  signal: AbortSignal,
  reader: ReaderOptions,
): Promise<ExchangeResult> {
  const { config, agent, learnt, log } = context;
  const profile = profiles[config.kind];
  const exchange = (withoutSchema: boolean): Promise<ExchangeResult> => {
    const body = requestBody(request, { model: config.model, profile, withoutSchema });
    const { traceparent } = context.request;
    return runExchange({ config, agent, signal, reader, body, traceparent });
  };
  const first = await exchange(learnt.refusesSchema);
  const asked = asksForSchema(request, {
    model: config.model,
    profile,
    withoutSchema: learnt.refusesSchema,
  });
  if (!asked || !schemaRefusals.has(first.status)) return first;
  const fields = { ...context.request.fields, backend: config.id, status: first.status };
  log?.warn(fields, 'asks again without the JSON schema');
  const second = await exchange(true);
  learnt.refusesSchema = second.status === 200;
  return second;
}

/** Settles when the server may be taken to be done with a request that we broke off. Never rejects. */
async function drained(exchange: Promise<ExchangeResult>, profile: BackendProfile): Promise<void> {
  const { decodeMs, prefillMs } = profile.drain;
  const sawToken = await exchange.then(
    (result) => result.sawToken,
    () => true,
  );
  await sleep(sawToken ? decodeMs : prefillMs, undefined, { ref: false });
}

function endOf({ reading }: ExchangeResult): PermitEnd {
  if (reading.ok) return { result: 'ok' };
  return { result: unreachable.has(reading.errorReason) ? 'unreachable' : 'failed' };
}

/**
 * Has the request running for as long as the permit is held, and ends the permit.
 * Rejects only with what `onText` threw.
 */
export async function takeTurn(
  context: TurnContext,
  permit: Permit,
  request: ModelRequest,
  onText: ReaderOptions['onText'],
): Promise<Turn> {
  const { config, clock, learnt } = context;
  const profile = profiles[config.kind];
  const startedAt = clock.now();
  let firstVisibleAt: number | null = null;
  let streamed = false;
  const exchange = send(context, request, permit.signal, {
    ...readerLimits(request, profile, learnt),
    onText(text, replace) {
      if (text !== '') firstVisibleAt ??= clock.now();
      streamed = true;
      onText(text, replace);
    },
  });
  const drain = (): void => permit.drain(drained(exchange, profile));
  if (permit.signal.aborted) drain();
  permit.signal.addEventListener('abort', drain, { once: true });
  try {
    const result = await exchange;
    if (!permit.signal.aborted) {
      const { reading } = result;
      if (!reading.ok && brokenOffByUs.has(reading.errorReason)) drain();
      else permit.release(endOf(result));
    }
    return { result, startedAt, endedAt: clock.now(), firstVisibleAt, streamed };
  } catch (bug) {
    if (!permit.signal.aborted) drain();
    throw bug;
  } finally {
    permit.signal.removeEventListener('abort', drain);
  }
}
