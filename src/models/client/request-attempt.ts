/** One request in a slot of the gate: sends it, reads the response to its end, and says how it ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { ErrorReason, ModelRequest } from '#shared/model/model';
import type { Clock } from '#shared/clock';
import { offeredTools } from '#shared/text/printed-calls/offered-tools';
import type { AccumulatorOptions } from './completion-accumulator.ts';
import type { BackendConfig, BackendLog } from '../backend-config.ts';
import { requestChatCompletion, type ChatCompletionResponse } from './chat-completion-request.ts';
import type { PermitEnd } from '../gate/gate-types.ts';
import type { GrantedSlot, SlotWork } from '../gate/run-at-gate.ts';
import { serverProfiles, type ServerProfile } from './server-profiles.ts';
import { includesSchema, maxTokensDefault, requestBody } from './request-body.ts';
import {
  printedCalls,
  strayCalls,
  toolResidue,
  withCalls,
} from './text-filters/thinking-markup.ts';

/**
 * Maximum characters per allowed token; a longer answer counts as endless. Tokens of prose have 1 to 5 characters and
 * those of code rarely more than 8; a server that ignores `max_tokens` would go on until the total timeout.
 */
const charsPerTokenMax = 8;
/** Minimum limit: a small `maxTokens` with a few long tokens must not look endless. */
const charsMaxFloor = 8_000;
/** Limit of an answer without a limit: longer than the largest contexts in use at home. */
const tokensMax = 262_144;

/** After these failures we closed the connection while the server was working. */
const clientAborted: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'cancelled',
  'timeout_first_token',
  'timeout_idle',
  'timeout_total',
  'bad_chunk',
  'answer_too_long',
]);

/** The server cannot be reached; counts towards opening the circuit. */
const unreachableReasons: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'connect_refused',
  'connect_timeout',
  'dns',
]);

/** Statuses with which servers refuse a JSON schema, or a schema that is too complex. */
const schemaRefusalStatuses: ReadonlySet<number | null> = new Set([400, 422, 501]);

/** Learned capabilities of a server; kept as long as its backend exists. */
export interface ServerCapabilities {
  refusesSchema: boolean;
  /** Its thinking has a closing tag only. */
  endsOrphanThinking: boolean;
}

/** What all requests of one backend share. */
export interface RequestContext {
  config: BackendConfig;
  agent: Agent;
  clock: Clock;
  log: BackendLog | undefined;
  capabilities: ServerCapabilities;
  /** Differs per request. */
  origin: RequestOrigin;
}

/** The origin of a request. */
export interface RequestOrigin {
  /** Fields of log lines. */
  fields: Readonly<Record<string, unknown>>;
  traceparent: string | undefined;
}

export interface RequestAttempt {
  result: ChatCompletionResponse;
  startedAt: number;
  endedAt: number;
  firstVisibleAt: number | null;
  /** `onText` was called. */
  streamed: boolean;
}

function accumulatorOptions(
  request: ModelRequest,
  profile: ServerProfile,
  capabilities: ServerCapabilities,
): Omit<AccumulatorOptions, 'onText'> {
  const hasTools = (request.tools?.length ?? 0) > 0;
  const forbidsToolCalls = hasTools && request.toolChoice === 'none';
  const printedCallOptions = printedCallOptionsOf(request);
  const calls = forbidsToolCalls ? toolResidue : printedCallOptions ? printedCalls : strayCalls;
  const tokens = Math.min(tokensMax, request.maxTokens ?? maxTokensDefault);
  return {
    markup: withCalls(profile.markup, calls),
    dropToolCalls: forbidsToolCalls,
    printedCalls: printedCallOptions,
    expectOrphanClose: capabilities.endsOrphanThinking && request.thinking !== false,
    charsMax: Math.max(charsMaxFloor, tokens * charsPerTokenMax),
  };
}

/** The tools whose printed calls are detected in the text; null without tools. */
function printedCallOptionsOf({
  tools = [],
  printedCalls,
}: ModelRequest): AccumulatorOptions['printedCalls'] {
  const offered = [...tools.map((tool) => tool.function), ...(printedCalls?.tools ?? [])];
  if (offered.length === 0) return null;
  return { offers: offeredTools(offered), unknown: printedCalls?.unknown ?? 'text' };
}

/** Sends the request; when the server refuses the JSON schema, sends it once more without the schema. */
async function sendWithSchemaFallback(
  context: RequestContext,
  request: ModelRequest,
  { signal, wireFence: fence = null }: Pick<GrantedSlot, 'signal' | 'wireFence'>,
  accumulatorOptions: AccumulatorOptions,
): Promise<ChatCompletionResponse> {
  const { config, agent, capabilities, log } = context;
  const profile = serverProfiles[config.kind];
  const post = (withoutSchema: boolean): Promise<ChatCompletionResponse> => {
    const body = requestBody(request, { model: config.model, profile, withoutSchema });
    const { traceparent } = context.origin;
    return requestChatCompletion({
      config,
      agent,
      signal,
      accumulator: accumulatorOptions,
      body,
      traceparent,
      fence,
    });
  };
  const first = await post(capabilities.refusesSchema);
  const sentSchema = includesSchema(request, {
    model: config.model,
    profile,
    withoutSchema: capabilities.refusesSchema,
  });
  if (!sentSchema || !schemaRefusalStatuses.has(first.status)) return first;
  const fields = { ...context.origin.fields, backend: config.id, status: first.status };
  log?.warn(fields, 'asks again without the JSON schema');
  const second = await post(true);
  capabilities.refusesSchema = second.status === 200;
  return second;
}

/** Settles when the server is probably done with a request that we aborted. Never rejects. */
async function waitForServerIdle(
  response: Promise<ChatCompletionResponse>,
  profile: ServerProfile,
): Promise<void> {
  const { decodeMs, prefillMs } = profile.drain;
  const sawToken = await response.then(
    (result) => result.sawToken,
    () => true,
  );
  await sleep(sawToken ? decodeMs : prefillMs, undefined, { ref: false });
}

function endOf({ completion }: ChatCompletionResponse): PermitEnd | 'abandoned' {
  if (completion.ok) return { result: 'ok' };
  if (clientAborted.has(completion.errorReason)) return 'abandoned';
  return { result: unreachableReasons.has(completion.errorReason) ? 'unreachable' : 'failed' };
}

/** Sends the request. `response` rejects only with an exception of `onText`. */
export function sendRequest(
  context: RequestContext,
  request: ModelRequest,
  slot: Pick<GrantedSlot, 'signal' | 'wireFence'>,
  onText: AccumulatorOptions['onText'],
): SlotWork<RequestAttempt> {
  const { config, clock, capabilities } = context;
  const profile = serverProfiles[config.kind];
  const startedAt = clock.now();
  let firstVisibleAt: number | null = null;
  let streamed = false;
  const response = sendWithSchemaFallback(context, request, slot, {
    ...accumulatorOptions(request, profile, capabilities),
    onText(text, replace) {
      if (text !== '') firstVisibleAt ??= clock.now();
      streamed = true;
      onText(text, replace);
    },
  });
  return {
    response: response.then((result) => ({
      result,
      startedAt,
      endedAt: clock.now(),
      firstVisibleAt,
      streamed,
    })),
    endOf: ({ result }) => endOf(result),
    serverIdle: () => waitForServerIdle(response, profile),
  };
}
