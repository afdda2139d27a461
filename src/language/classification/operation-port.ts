/** The tools that a model may call: the only source of the classifier's prompt, its JSON schema and its parser. */
import type { Params, ResolutionContext, ResolvedParams } from '../rules/resolution-context.ts';

/** The part of a parameter's JSON schema that is used here. */
export interface ModelParam {
  type?: string;
  enum?: readonly unknown[];
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  /** How a value is written, for the prompt: `YYYY-MM-DD`. */
  hint?: string;
}

/** Resolves date words and names that a model leaves in the parameters, or asks back. */
export type Resolver = (params: Params, context: ResolutionContext) => ResolvedParams;

export interface ModelExample {
  message: string;
  /** Date words instead of dates, so that the example is valid on every day. */
  params: Params;
}

export interface ModelOperation {
  tool: string;
  operation: string;
  effect: 'reads' | 'drafts';
  /** One line of the prompt, in Korean: what it does, without the parameters. */
  summary: string;
  examples: readonly ModelExample[];
  params: Readonly<Record<string, ModelParam>>;
  required: readonly string[];
  resolve: Resolver;
}

export interface ModelTool {
  name: string;
  /** Other names that models use for it, in lower case. */
  aliases: readonly string[];
  /** Only configured tools are offered. A call of another tool is kept, and the tool registry answers it. */
  isConfigured: boolean;
  operations: readonly ModelOperation[];
}
