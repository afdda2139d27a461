/** The data of the ask machine: what it is given, what it keeps, and what its two effects say back. */

/** A message of the conversation with the model, in OpenAI's shape. */
export interface AskMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

export interface AskLimits {
  /** Messages of the model with tool calls that are served. */
  rounds: number;
  /** Model calls, the last one included; 1 or more. */
  modelCalls: number;
  /** Searches and documents read. */
  lookups: number;
  /** Characters that one result may have in the conversation, and all together. */
  resultCharsMax: number;
  totalCharsMax: number;
}

export type AskLookup =
  | { kind: 'search'; query: string; limit: number }
  /** `from`: the character to begin at; left out: behind what has been shown of it. */
  | { kind: 'read'; id: string; from?: number | undefined };

/** Why a call is answered with an error instead of a result: the words that the model sees. */
export interface AskFault {
  error: 'unknown_tool' | 'invalid_arguments' | 'limit' | 'tool_failed';
  detail: string;
  available?: string[];
}

/** A tool call as it was read: `arguments` is JSON, whatever the model wrote. Ids are unique in one ask. */
export interface AskCall {
  id: string;
  name: string;
  arguments: string;
  /** What is to be done, or what is wrong with it. */
  wants: AskLookup | AskFault;
}

export interface FoundSource {
  id: string;
  title: string;
  /** One line, about 160 characters. */
  snippet: string;
}

export interface AskSource extends FoundSource {
  /** In which round it was first seen; 0 for one that was there before the first call. */
  round: number;
  /** What it was found with. */
  query: string;
}

export interface PlannedLookup {
  callId: string;
  lookup: AskLookup;
}

/** Why a model server gave no answer: its own `error_reason`, and what the caller is told of it. */
export interface AskFailure {
  backend: string;
  errorReason: string;
  message: string;
  status: number | null;
  retryAfterMs: number | null;
}

/** Epoch ms, and what the last call of an ask usually takes. */
interface Timed {
  at: number;
  finalMs: number;
}

export type ModelTurn = Timed &
  (
    | {
        ok: true;
        text: string;
        calls: AskCall[];
        /** It stopped at its limit. */
        isCut: boolean;
      }
    | {
        ok: false;
        /**
         * `silent`: the server works, the model said nothing of use. `refuses-tools`: it takes no request with
         * tools. `late`: the deadline passed while it waited. `gone`: no answer can be had.
         */
        kind: 'silent' | 'refuses-tools' | 'late' | 'gone';
        /** What had been written. */
        text: string;
        failure: AskFailure;
      }
  );

export type LookupResult =
  | { callId: string; ok: true; content: string; sources: FoundSource[]; query: string }
  | { callId: string; ok: false; detail: string };

export type LookupsDone = Timed & { results: LookupResult[] };

/** What the effect `model` is asked to do. */
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
  /** Those that are known, in the order of their numbers. */
  sources: AskSource[];
  /** Characters for each result. */
  charsMax: number;
  round: number;
}

export interface AskInput {
  limits: AskLimits;
  /** The question as it is looked for where the model looks for nothing itself. */
  query: string;
  /** System prompt and question. */
  messages: AskMessage[];
  /** What the last call is told at its end. */
  closing: string;
  /** Epoch ms. */
  at: number;
  deadlineAt: number;
  /** Estimate for the last call. */
  finalMs: number;
  /** A search that somebody has already made: the first round. */
  found: { query: string; content: string; sources: FoundSource[] } | null;
}

export interface AskContext extends Omit<AskInput, 'found'> {
  rounds: number;
  modelCalls: number;
  lookups: number;
  /** Calls that asked for what had been asked for already. */
  repeats: number;
  /** Of all results together. */
  charsLeft: number;
  /** The calls of this round, in their order, each to be answered once. */
  open: string[];
  /** Answers to calls of this round that need no look-up. */
  replies: Record<string, string>;
  plan: PlannedLookup[];
  /** What was looked up, by what was asked: the id of the call that did. */
  memo: Record<string, string>;
  sources: AskSource[];
  withTools: boolean;
  /** The next call is the last one, whatever is left of the limits. */
  isClosing: boolean;
  text: string;
  /** What the call that runs has written so far: it stands before the reader already. */
  shown: string;
  /** `text` is what was shown when time ran out: it ends anywhere. */
  isBrokenOff: boolean;
  /** Why the answer is not whole; empty where it is. */
  shortfalls: AskShortfall[];
  failure: AskFailure | null;
}

/** The model that runs has written on; `replaces`: all before it is void. */
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
  /** Null: it is answered. */
  failure: AskFailure | null;
  /** Empty where the model wrote nothing of use. */
  text: string;
  /** Time ran out while it was written: it ends anywhere. */
  isBrokenOff: boolean;
  sources: AskSource[];
  shortfalls: AskShortfall[];
  rounds: number;
  modelCalls: number;
  lookups: number;
}
