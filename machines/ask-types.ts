/** The data of the ask machine: its input, its context, and the results of its two effects. */

/** A message of the conversation with the model, in OpenAI's shape. */
export interface AskMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

export interface AskLimits {
  /** Model messages with tool calls that are executed. */
  rounds: number;
  /** Model calls, the final call included; 1 or more. */
  modelCalls: number;
  /** Searches, document reads and reads of other programs together. */
  lookups: number;
  /** Characters of one result in the conversation, and of all results together. */
  resultCharsMax: number;
  totalCharsMax: number;
}

export type AskLookup =
  | { kind: 'search'; query: string; limit: number }
  /** `from`: index of the first character to read; omitted: continue after the part that was already shown. */
  | { kind: 'read'; id: string; from?: number | undefined }
  /** A read of another program; `name` is that of the offered function. */
  | { kind: 'external'; name: string; params: Record<string, unknown> };

/** Error returned to the model instead of a tool result. */
export interface AskToolError {
  error: 'unknown_tool' | 'invalid_arguments' | 'limit' | 'tool_failed';
  detail: string;
  available?: string[];
}

/** A parsed tool call. `arguments` is valid JSON, whatever the model wrote. Ids are unique in one ask. */
export interface AskCall {
  id: string;
  name: string;
  arguments: string;
  /** The look-up to run, or the error to return. */
  wants: AskLookup | AskToolError;
}

export interface FoundSource {
  id: string;
  title: string;
  /** One line, about 160 characters. */
  snippet: string;
}

export interface AskSource extends FoundSource {
  /** Round in which it was first found; 0 when found before the first model call. */
  round: number;
  /** The query that found it. */
  query: string;
}

export interface PlannedLookup {
  callId: string;
  lookup: AskLookup;
}

/** Why a model server gave no answer: its `error_reason`, and the message reported to the caller. */
export interface AskFailure {
  backend: string;
  errorReason: string;
  /** For logs and the inspector; carries no secrets. */
  message: string;
  /** HTTP status of the server, if it responded. */
  status: number | null;
  /** With `queue_full`: when to retry. */
  retryAfterMs: number | null;
}

/** `at`: epoch ms. `finalMs`: expected duration of the final model call of an ask. */
interface Timed {
  at: number;
  finalMs: number;
}

export type ModelCallResult = Timed &
  (
    | {
        ok: true;
        text: string;
        calls: AskCall[];
        /** The model stopped at its token limit. */
        isCut: boolean;
      }
    | {
        ok: false;
        /**
         * `silent`: the server works, but the model wrote nothing usable. `refuses-tools`: the server rejects requests
         * with tools. `late`: the deadline passed while the request waited. `gone`: no answer can be obtained.
         */
        kind: 'silent' | 'refuses-tools' | 'late' | 'gone';
        /** The text written until then. */
        text: string;
        failure: AskFailure;
      }
  );

export type LookupResult =
  | { callId: string; ok: true; content: string; sources: FoundSource[]; query: string }
  | { callId: string; ok: false; detail: string };

export type LookupResults = Timed & { results: LookupResult[] };

/** Input of the effect `model`. */
export interface ModelCall {
  messages: AskMessage[];
  choice: 'auto' | 'none';
  withTools: boolean;
  /** Counts from 1. */
  call: number;
  round: number;
}

export interface LookupCall {
  plan: PlannedLookup[];
  /** The sources found so far, in the order of their numbers. */
  sources: AskSource[];
  /** Characters per result. */
  charsMax: number;
  round: number;
}

export interface AskInput {
  limits: AskLimits;
  /** Search query for the question, used when the model itself makes no search. */
  query: string;
  /** System prompt and question. */
  messages: AskMessage[];
  /** Instruction appended to the final call. */
  closing: string;
  /** Epoch ms. */
  at: number;
  deadlineAt: number;
  /** Estimated duration of the final call. */
  finalMs: number;
  /** A search made before the ask started; it counts as the first round. */
  found: { query: string; content: string; sources: FoundSource[] } | null;
}

export interface AskContext extends Omit<AskInput, 'found'> {
  rounds: number;
  modelCalls: number;
  lookups: number;
  /** Calls that repeated an earlier look-up. */
  repeats: number;
  /** Remaining character budget of all results together. */
  charsLeft: number;
  /** Ids of the calls of this round, in order; each gets exactly one tool message. */
  open: string[];
  /** Replies to calls of this round that need no look-up, by call id. */
  replies: Record<string, string>;
  plan: PlannedLookup[];
  /** Look-ups already made: look-up key to the id of the call that made it. */
  memo: Record<string, string>;
  sources: AskSource[];
  withTools: boolean;
  /** The next call is the final call, even if limits are left. */
  isClosing: boolean;
  text: string;
  /** Text that the running call has streamed so far; the user already sees it. */
  shown: string;
  /** `text` is the partial answer that was shown when time ran out; it may end mid-sentence. */
  isBrokenOff: boolean;
  /** Why the answer is incomplete; empty for a complete answer. */
  shortfalls: AskShortfall[];
  failure: AskFailure | null;
}

/** The running model has written more text. `replaces`: discard all earlier text. */
export interface AskWritten {
  type: 'written';
  content: string;
  replaces: boolean;
}

export type AskShortfall = 'empty' | 'cut' | 'limit' | 'deadline';

export type AskEmitted =
  | { type: 'sources'; sources: AskSource[] }
  | {
      type: 'round';
      round: number;
      calls: { id: string; name: string; arguments: string; error?: string }[];
    };

export interface AskOutput {
  /** Null: the question was answered. */
  failure: AskFailure | null;
  /** Empty when the model wrote nothing usable. */
  text: string;
  /** Time ran out while the answer was written; it may end mid-sentence. */
  isBrokenOff: boolean;
  sources: AskSource[];
  shortfalls: AskShortfall[];
  rounds: number;
  modelCalls: number;
  lookups: number;
}
