/**
 * What passes between the rest of the system and a model server: one request, one outcome.
 * A backend returns an outcome for everything that can go wrong; it throws only for bugs.
 */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Of the participant, where several share a role. */
  name?: string;
  tool_calls?: ModelToolCall[];
  tool_call_id?: string;
}

/** OpenAI's shape: `arguments` is JSON text, as the model wrote it. */
export interface ModelToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export interface ModelRequest {
  messages: ChatMessage[];
  /** Upper bound of the answer in tokens; Infinity: none but the server's own. */
  maxTokens?: number;
  temperature?: number;
  /** Ask for JSON of this schema, where the server supports one; elsewhere ignored. */
  jsonSchema?: {
    name: string;
    description?: string;
    schema: Record<string, unknown>;
    /** Whether the server must keep to it; true where it is not said. */
    strict?: boolean;
  };
  /** Whether the model may think before it answers. `false` turns thinking off where the server can. */
  thinking?: boolean;
  tools?: {
    type: 'function';
    function: { name: string; description: string; parameters: unknown };
  }[];
  toolChoice?: ToolChoice;
  /**
   * How calls are read that the model prints into its text. Left out: calls of the `tools` are calls, anything else
   * is text, and without `tools` nothing is read.
   */
  printedCalls?: PrintedCallRules;
  /** Further fields of OpenAI's request (`top_p`, `stop`, `seed` …), sent as they are. Never null. */
  sampling?: Readonly<Record<string, unknown>>;
}

export interface PrintedCallRules {
  /** Further names of tools, and their schemas where they are known. */
  tools: readonly { name: string; parameters?: unknown }[];
  /** What a call of any other tool is that ends the text. */
  unknown: 'text' | 'call';
}

/** OpenAI's words. Servers that ignore them get them all the same; calls that were not allowed are dropped. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { type: 'function'; function: { name: string } };

/** What a request is for: the gate measures service times per kind, for its estimates. */
export type RequestKind =
  | 'classify'
  | 'reason'
  | 'answer'
  | 'word'
  | 'draft'
  | 'ask'
  | 'embed'
  | 'direct';

export type PriorityClass = 'foreground' | 'background';

/** Where a waiting request stands. `position` 1 is next; `ahead` counts who runs and who waits before it. */
export interface QueuePosition {
  position: number;
  ahead: number;
  /** Estimate until it starts, from measured service times; null while nothing has been measured. */
  etaMs: number | null;
}

/** Why a backend gave no answer. The vocabulary of `error_reason` everywhere. */
export type ErrorReason =
  | 'connect_refused'
  | 'connect_timeout'
  | 'dns'
  | 'connection_lost'
  | 'timeout_first_token'
  | 'timeout_idle'
  | 'timeout_total'
  | 'http_5xx'
  | 'http_4xx'
  | 'loading'
  | 'truncated'
  | 'upstream_stream_error'
  | 'bad_chunk'
  | 'empty_answer'
  | 'unclosed_thinking'
  | 'answer_too_long'
  | 'queue_full'
  | 'deadline'
  | 'breaker_open'
  | 'preempted'
  | 'cancelled';

export interface ModelTimings {
  /** Wait at the gate. */
  queueMs: number;
  /** From the request to the first visible token; null when none came. */
  firstTokenMs: number | null;
  /** From the request to its end, the queue not counted. */
  totalMs: number;
}

export interface ModelAnswer {
  ok: true;
  backend: string;
  /** The visible text: thinking removed. */
  text: string;
  toolCalls: ModelToolCall[];
  finishReason: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number | null } | null;
  timings: ModelTimings;
}

export interface ModelFailure {
  ok: false;
  backend: string;
  errorReason: ErrorReason;
  /** For logs and the inspector; carries no secrets. */
  message: string;
  /** HTTP status of the server, where there was one. */
  status: number | null;
  /** What had been streamed before it failed. */
  partialText: string;
  /** With `queue_full`: when to come again. */
  retryAfterMs: number | null;
  timings: ModelTimings;
}

export type ModelOutcome = ModelAnswer | ModelFailure;

export interface RunOptions {
  kind: RequestKind;
  priority: PriorityClass;
  /** Fairness is between users. */
  user: string;
  /** For which job, for the log. */
  jobId?: string;
  /** W3C trace context that goes with the request; undefined: none does. */
  traceparent?: string | undefined;
  /** A background request that may be aborted for a foreground one; it is requeued, not failed. */
  preemptible?: boolean;
  /** Aborting frees the gate and closes the connection at once; the outcome is then `cancelled`. */
  signal: AbortSignal;
  /** Wall clock, epoch ms; past it a waiting request ends with `deadline`. */
  deadlineAt?: number;
  /** Visible text, in order, as it comes. `replace` means: forget all before (late discovered thinking, a requeued request). */
  onText?: (text: string, replace: boolean) => void;
  /** Called when the request has to wait, and whenever its position changes. Never called when the gate is free. */
  onQueued?: (position: QueuePosition) => void;
  /** Called when the permit was granted after a wait. */
  onGranted?: () => void;
  /** Called each time the request was aborted for a foreground one and waits again. */
  onPreempted?: () => void;
}

/** One model server behind its gate. */
export interface Backend {
  readonly id: string;
  readonly model: string;
  /** Waits for a permit, sends the request (always streaming), reads to the end. Never throws but for bugs. */
  run(request: ModelRequest, options: RunOptions): Promise<ModelOutcome>;
}
