/**
 * The tool port: what a tool looks like to the registry. A tool owns its words (summaries in Korean and
 * English) and its server; it knows nothing of jobs, models or other tools.
 *
 * 1. An operation that writes has no way in but `execute` with an idempotency key; what asks for it first is
 *    an operation of the effect `drafts`, which reads only.
 * 2. Outcomes are data. A tool throws only for bugs.
 * 3. Every summary is a complete answer by itself: no model need follow.
 */
import type { z } from 'zod';
import type { Locale } from '../../machines/texts.ts';
import type { ErrorCode } from '../lib/errors.ts';

/** Who asks, and on which terms. */
export interface ToolContext {
  userId: string;
  /** The language of the message; summaries come in it. */
  locale: Locale;
  /** ISO 8601 with offset: the job's own clock, so that "today" survives a restart over midnight. */
  now: string;
  /** IANA name: the zone of dates in questions and answers. */
  timeZone: string;
  /** Aborted when nobody wants the answer any more. */
  signal: AbortSignal;
  /** The effect's idempotency key, the same after every restart. */
  key: string;
  /** For the log and the trace; not there where no job asks. */
  jobId?: string;
  traceparent?: string | undefined;
}

/** What an operation is handed: the context, and how long it has. */
export interface CallContext extends ToolContext {
  /** Milliseconds until the registry gives up. Network limits are set as shares of it. */
  limitMs: number;
}

export interface ToolFault {
  ok: false;
  code: ErrorCode;
  /** For logs and the inspector; no secrets. */
  message: string;
  /** For the person. */
  summary: string;
}

export type ToolAnswer = { ok: true; data: unknown; summary: string } | ToolFault;

/** What would be written, in words and as data. */
export type Proposal =
  | { ok: true; params: Record<string, unknown>; data: unknown; summary: string }
  | ToolFault;

interface Described {
  /** One line for the classifier's prompt. */
  description: string;
  /** What a call must look like. Unknown fields are dropped. */
  schema: z.ZodType;
}

export interface ReadOperation extends Described {
  effect: 'reads';
  run(params: unknown, context: CallContext): Promise<ToolAnswer>;
}

/** Makes a draft of the write that `writes` names. Changes nothing. */
export interface DraftOperation extends Described {
  effect: 'drafts';
  writes: string;
}

export interface WriteOperation extends Described {
  effect: 'writes';
  /** Puts the write into words for its owner; reads only. `params` are checked by `schema`. */
  propose(params: unknown, context: CallContext): Promise<Proposal>;
  /** The parameters with the owner's changes in them, unchecked. */
  merge(params: Record<string, unknown>, changes: Record<string, unknown>): Record<string, unknown>;
  /** Writes, at most once per `context.key`, whatever crashes between two calls with the same key. */
  execute(params: unknown, context: CallContext): Promise<ToolAnswer>;
}

export type Operation = ReadOperation | DraftOperation | WriteOperation;

export interface Tool {
  name: string;
  operations: Readonly<Record<string, Operation>>;
}

/** A read operation whose `run` is typed by its schema. */
export const reads = <Schema extends z.ZodType>(operation: {
  description: string;
  schema: Schema;
  run(params: z.output<Schema>, context: CallContext): Promise<ToolAnswer>;
}): ReadOperation => ({
  ...operation,
  effect: 'reads',
  run: (params, context) => operation.run(params as z.output<Schema>, context),
});

/** A write operation whose functions are typed by its schema. */
export const writes = <Schema extends z.ZodType>(operation: {
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
