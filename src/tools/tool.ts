/**
 * The tool port: the interface between the registry and a tool. A tool owns its texts (summaries in Korean and
 * English) and its server; it does not depend on jobs, models or other tools.
 *
 * 1. A write operation writes only in `execute`, with an idempotency key; a model requests it through an operation
 *    with the effect `drafts`, which only reads. The effect `revocable` changes only what is the user's own and can be
 *    taken back (reminders, facts), or what the user's message names alone, also under a key.
 * 2. Outcomes are data. A tool throws only for bugs.
 * 3. Every summary is a complete answer by itself: no model call is needed after it.
 */
import type { z } from 'zod';
import type { OfferedCalls } from '#machines/job-types';
import type { Locale } from '#machines/texts';
import type { ModelExample, Resolver } from '#language/classification/operation-port';
import type { ErrorCode } from '#shared/errors';
import type { ToolContext } from '#shared/tool-context';

export interface CallContext extends ToolContext {
  /** Milliseconds until the registry's timeout. Network timeouts are shares of it. */
  limitMs: number;
}

export interface ToolError {
  ok: false;
  code: ErrorCode;
  /** For logs and the inspector; no secrets. */
  message: string;
  summary: string;
}

/** Why a server gave no answer. `message` is for logs. */
export interface ServerError {
  ok: false;
  code: `GH_TOOL_${'UNREACHABLE' | 'TIMEOUT' | 'LOGIN' | 'REFUSED' | 'UNREADABLE' | 'NOT_FOUND' | 'UNCERTAIN'}`;
  message: string;
}

export type ToolAnswer =
  | {
      ok: true;
      data: unknown;
      summary: string;
      /** Buttons under the answer, where the chat has buttons. */
      offers?: OfferedCalls;
    }
  | ToolError;

/** A revocable operation may ask for the user's confirmation instead: its write is then a draft. */
export type RevocableAnswer = ToolAnswer | { ok: true; needsConfirmation: true };

/** The proposed write, as text and as data. */
export type Proposal =
  | { ok: true; params: Record<string, unknown>; data: unknown; summary: string }
  | ToolError;

/** What the classifier gets to know of an operation. */
interface ClassifierTexts {
  /** What it does, one line in Korean without the parameters. */
  summary: string;
  examples?: readonly ModelExample[];
  /** What a model gives, if it is not the parameters: words, of which `resolve` makes them. */
  words?: z.ZodType;
  /** Resolves date words and names in the model's parameters, or asks back. Default: they stay as written. */
  resolve?: Resolver;
}

interface OperationBase {
  /** What it does, in one line: for models and for docs/tools.md. */
  description: string;
  /** Schema of the parameters, made with `param`. Unknown fields are dropped. */
  schema: z.ZodType;
  /** Absent: the classifier cannot request the operation. */
  classifier?: ClassifierTexts;
}

export interface OperationDeclaration extends OperationBase {
  effect: 'reads' | 'drafts' | 'revocable' | 'writes';
}

export interface ReadOperation extends OperationBase {
  effect: 'reads';
  run(params: unknown, context: CallContext): Promise<ToolAnswer>;
}

/** Makes a draft of the write operation that `writes` names. Changes nothing. */
export interface DraftOperation extends OperationBase {
  effect: 'drafts';
  writes: string;
}

/** Changes what is the user's own and can be taken back, at most once per `context.key`; runs without a confirmation. */
export interface RevocableOperation extends OperationBase {
  effect: 'revocable';
  /** The write that is drafted if the user shall confirm; null: never. */
  writes: string | null;
  run(params: unknown, context: CallContext): Promise<RevocableAnswer>;
}

export interface WriteOperation extends OperationBase {
  effect: 'writes';
  /** Describes the write to the owner; only reads. `params` are validated by `schema`. */
  propose(params: unknown, context: CallContext): Promise<Proposal>;
  /** The parameters with the owner's changes, not yet validated. */
  merge(params: Record<string, unknown>, changes: Record<string, unknown>): Record<string, unknown>;
  /** Writes at most once per `context.key`, even if the process crashes between two calls with the same key. */
  execute(params: unknown, context: CallContext): Promise<ToolAnswer>;
}

export type Operation = ReadOperation | DraftOperation | RevocableOperation | WriteOperation;

export interface ToolIdentity {
  name: string;
  /** Its name in texts for users. Default: `name`. */
  label?: Record<Locale, string>;
  /** Other names that models use for it, in lower case. */
  aliases?: readonly string[];
}

export interface Tool extends ToolIdentity {
  /** Limit of a call, milliseconds. Default: that of the registry. */
  limitMs?: number;
  /** For users, if a write did not end within its limit. Default: the sentence of GH_TOOL_UNCERTAIN. */
  uncertain?: Record<Locale, string>;
  operations: Readonly<Record<string, Operation>>;
  /**
   * Whether a call of the rules is meant where the message was sent. Asked for words that are ordinary chat anywhere
   * else, such as "undo". Default: always.
   */
  isMeant?(
    operation: string,
    params: Record<string, unknown>,
    place: MessagePlace,
  ): boolean | Promise<boolean>;
}

/** Who sent a message, where, and when. */
export interface MessagePlace {
  userId: string;
  channel: string;
  thread: string | null;
  /** ISO 8601 with offset. */
  now: string;
}

/** A read operation whose `run` is typed by its schema. */
export const readOperation = <Schema extends z.ZodType>(operation: {
  description: string;
  schema: Schema;
  run(params: z.output<Schema>, context: CallContext): Promise<ToolAnswer>;
}): ReadOperation => ({
  ...operation,
  effect: 'reads',
  run: (params, context) => operation.run(params as z.output<Schema>, context),
});

/** A revocable operation whose `run` is typed by its schema. */
export const revocableOperation = <Schema extends z.ZodType>(operation: {
  description: string;
  schema: Schema;
  writes: string | null;
  run(params: z.output<Schema>, context: CallContext): Promise<RevocableAnswer>;
}): RevocableOperation => ({
  ...operation,
  effect: 'revocable',
  run: (params, context) => operation.run(params as z.output<Schema>, context),
});

/** A write operation whose functions are typed by its schema. */
export const writeOperation = <Schema extends z.ZodType>(operation: {
  description: string;
  schema: Schema;
  propose(params: z.output<Schema>, context: CallContext): Promise<Proposal>;
  merge(params: Record<string, unknown>, changes: Record<string, unknown>): Record<string, unknown>;
  execute(params: z.output<Schema>, context: CallContext): Promise<ToolAnswer>;
}): WriteOperation => ({
  ...operation,
  effect: 'writes',
  propose: (params, context) => operation.propose(params as z.output<Schema>, context),
  execute: (params, context) => operation.execute(params as z.output<Schema>, context),
});
