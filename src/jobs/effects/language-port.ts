/** Port to the language: what the effects need of rules, prompts and parsers. */
import type { Decision } from '#machines/decision';
import type { ToolResult } from '#machines/job-types';
import type { Locale } from '#machines/texts';
import type { ModelTool } from '#language/classification/operation-port';
import type { RememberedFact } from '#language/prompts/memory-text';
import type { AskedMessage } from '#language/schedules/answered-question';
import type { ModelRequest } from '#shared/model/model';
import type { ConversationMessage } from '../store/job-queries.ts';

/** The language port of the assistant: rules, prompts, and parsers for model output. */
export interface LanguagePort {
  /** ISO 8601 in the user's time zone. */
  now(atMs: number): string;
  /** The decision of the rules, or null. */
  route(message: string, now: string): Decision | null;
  /** Whether a message may answer a question that was asked before it. */
  mayAnswer(message: string, now: string): boolean;
  /** The decision about such an answer; null: it answers none of these messages, oldest first. */
  routeAnswer(message: string, now: string, asked: readonly AskedMessage[]): Decision | null;
  classify(input: PromptInput): ModelRequest;
  /** The only retry, after an unreadable answer. */
  repairClassification(input: PromptInput, raw: string): ModelRequest;
  /** Null when the answer cannot be parsed. */
  parseDecision(
    raw: string,
    input: Pick<PromptInput, 'message' | 'now' | 'externalTools'>,
  ): Decision | null;
  /** The displayable part of a text answer; null if nothing of it is meant for a user. */
  displayableAnswer(raw: string): string | null;
  /** How many characters of a streamed answer may be shown; `from` characters are already shown. */
  displayablePrefixLength(text: string, from: number): number;
  reason(input: PromptInput): ModelRequest;
  answer(input: PromptInput): ModelRequest;
  summarizeResults(input: {
    message: string;
    now: string;
    locale: Locale;
    results: ToolResult[];
  }): ModelRequest;
}

export interface PromptInput {
  message: string;
  now: string;
  locale: Locale;
  history: ConversationMessage[];
  /** Tools of MCP servers that are offered for this message; only for `classify`. */
  externalTools?: readonly ModelTool[];
  /** Facts of the person that fit the message, oldest first. */
  facts?: readonly RememberedFact[];
}
