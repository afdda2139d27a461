/**
 * Requests to a model server and their outcomes. A backend returns an outcome for every failure; it throws only for
 * bugs.
 */
import type { AskFailure, AskMessage } from '#machines/ask-types';
import type { PriorityClass } from '#machines/gate-queue';
import type { QueuePosition } from '#machines/job-types';
import type { PictureType } from '../pictures/picture.ts';

export interface ChatMessage extends AskMessage {
  /** Name of the participant, if several share a role. */
  name?: string;
  /** Texts and pictures in their order, sent in place of `content`, which has the texts only. */
  parts?: readonly MessagePart[];
}

/** OpenAI's shape. The URL of a picture is a data URL: a model server fetches nothing. */
export type MessagePart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail?: string } };

/** OpenAI's shape: `arguments` is JSON text as the model wrote it. */
export type ModelToolCall = NonNullable<AskMessage['tool_calls']>[number];

export interface ModelRequest {
  messages: ChatMessage[];
  /** Upper bound of the answer in tokens; Infinity: only the server's own bound. */
  maxTokens?: number;
  temperature?: number;
  /** Requests JSON of this schema; ignored by servers that do not support it. */
  jsonSchema?: {
    name: string;
    description?: string;
    schema: Record<string, unknown>;
    /** Whether the server must enforce the schema; default true. */
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
   * How tool calls that the model prints into its text are recognised. Absent: calls of `tools` are calls, anything
   * else is text; without `tools` no text is parsed.
   */
  printedCalls?: PrintedCallRules;
  /** Further fields of OpenAI's request (`top_p`, `stop`, `seed` …), sent unchanged. Never null. */
  sampling?: Readonly<Record<string, unknown>>;
}

export interface PrintedCallRules {
  /** Further tool names, with their schemas if known. */
  tools: readonly { name: string; parameters?: unknown }[];
  /** How a call of an unknown tool at the end of the text is treated. */
  unknown: 'text' | 'call';
}

/** OpenAI's values. Servers may ignore them: calls that were not allowed are dropped. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { type: 'function'; function: { name: string } };

/** Purpose of a request: the gate measures service times per kind, for its estimates. */
export type RequestKind =
  | 'classify'
  | 'reason'
  | 'answer'
  | 'word'
  | 'draft'
  | 'ask'
  | 'embed'
  | 'direct';

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
  /** From the request to the first visible token; null if there was none. */
  firstTokenMs: number | null;
  /** From the request to its end, without the time in the queue. */
  totalMs: number;
  /** A speculative request: how long before its adoption it had begun. */
  aheadMs?: number;
}

export interface TokenUsage {
  promptTokens: number;
  completionTokens: number;
  /** Prompt tokens read from the server's cache; null: not reported. */
  cachedTokens: number | null;
}

export interface ModelAnswer {
  ok: true;
  backend: string;
  /** The visible text: thinking removed. */
  text: string;
  toolCalls: ModelToolCall[];
  finishReason: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  usage: TokenUsage | null;
  timings: ModelTimings;
}

export interface ModelFailure extends AskFailure {
  ok: false;
  errorReason: ErrorReason;
  /** Text streamed before the failure. */
  partialText: string;
  timings: ModelTimings;
}

export type ModelOutcome = ModelAnswer | ModelFailure;

export interface RunOptions {
  kind: RequestKind;
  priority: PriorityClass;
  /** Fairness is between users. */
  user: string;
  /** Job id for the log. */
  jobId?: string;
  /** W3C trace context sent with the request; undefined: none is sent. */
  traceparent?: string | undefined;
  /** A background request that may be aborted for a foreground one; it is requeued, not failed. */
  preemptible?: boolean;
  /**
   * The answer may not be needed: the request runs only in a slot that is free, and ends with `preempted` as soon as
   * anyone waits for the slot. `granted` receives the function that makes the running request an ordinary one.
   */
  speculative?: { granted(adopt: () => void): void };
  /** Aborting frees the gate and closes the connection at once; the outcome is then `cancelled`. */
  signal: AbortSignal;
  /** Epoch ms; after it a waiting request ends with `deadline`. */
  deadlineAt?: number;
  /** Visible text, in order. `replace`: discard all before (late discovered thinking, a requeued request). */
  onText?: (text: string, replace: boolean) => void;
  /** Called when the request has to wait, and whenever its position changes. Never called when the gate is free. */
  onQueued?: (position: QueuePosition) => void;
  /** Called when the permit is granted after a wait. */
  onGranted?: () => void;
  /** Called each time the request was aborted for a foreground one and waits again. */
  onPreempted?: () => void;
}

/** One model server behind its gate. */
export interface Backend {
  readonly id: string;
  readonly model: string;
  /** The pictures that it takes; empty: none. A request with others must not be run. */
  readonly pictureTypes: readonly PictureType[];
  /** Waits for a permit, sends the request (always streaming), reads to the end. Throws only for bugs. */
  run(request: ModelRequest, options: RunOptions): Promise<ModelOutcome>;
}
