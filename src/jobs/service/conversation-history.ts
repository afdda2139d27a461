/**
 * The part of the conversation that a model gets. Bounded in characters, not only in turns: a server refuses a prompt
 * that does not fit, and would then refuse every later prompt of the conversation.
 *
 * 1. The start of the history moves in steps, not with each message: a model server reuses the prompt prefix that it
 *    has already processed, and a start that moves with each message would leave no common prefix.
 * 2. The history depends only on stored messages: it is the same after a restart. A turn has the same text in each
 *    prompt.
 */
import { truncateText } from '#language/normalize-text';
import type { AnsweredMessage, ConversationMessage } from '../store/job-queries.ts';

export interface HistoryLimits {
  /** Minimum number of messages if the characters allow it; the maximum is about half as many more. */
  messages: number;
  /** Of all messages together; a single message may have a quarter of them. 0: no history. */
  chars: number;
}

/** Marks a cut, so that model and user see that there was more text. */
const cutMark = ' […]';

/** An exchange is a message and its answer. */
const minExchanges = ({ messages }: HistoryLimits): number => Math.ceil(messages / 2);

/** Maximum number of exchanges: with steps of a power of two the start moves least often. */
export function maxExchanges(limits: HistoryLimits): number {
  if (limits.chars === 0 || limits.messages === 0) return 0;
  const least = minExchanges(limits);
  return least - 1 + 2 ** Math.round(Math.log2(least / 2 + 1));
}

/** @param exchanges the last exchanges, oldest first, at most `maxExchanges`. Pure. */
export function buildHistory(
  exchanges: readonly AnsweredMessage[],
  limits: HistoryLimits,
): ConversationMessage[] {
  const turnCharsMax = Math.floor(limits.chars / 4);
  const turns = exchanges.map(({ message, reply }): ConversationMessage[] => [
    { role: 'user', content: truncate(message, turnCharsMax) },
    { role: 'assistant', content: truncate(reply, turnCharsMax) },
  ]);
  const [first, last] = startCandidates(turns.map(countChars), limits);
  if (first === undefined || last === undefined) return [];
  const position = exchanges[first]!.position;
  return turns
    .slice(first + mostTrailingZeros(position, position + last - first) - position)
    .flat();
}

/** The first and the last exchange with which the history may begin; empty if there is no history. */
function startCandidates(
  sizes: readonly number[],
  limits: HistoryLimits,
): [first?: number | undefined, last?: number | undefined] {
  let chars = 0;
  let first: number | undefined;
  let last: number | undefined;
  for (let at = sizes.length - 1; at >= 0; at -= 1) {
    chars += sizes[at]!;
    const exchanges = sizes.length - at;
    if (chars > limits.chars || exchanges > maxExchanges(limits)) break;
    first = at;
    if (exchanges >= minExchanges(limits) || 2 * chars >= limits.chars) last ??= at;
  }
  return [first, last ?? first];
}

/**
 * The number from `first` to `last` that stays the result longest while both grow: it has the most trailing zero bits.
 */
function mostTrailingZeros(first: number, last: number): number {
  let step = 1;
  while (step <= last && Math.floor(last / (2 * step)) * 2 * step >= first) step *= 2;
  return Math.floor(last / step) * step;
}

const countChars = (turns: readonly ConversationMessage[]): number =>
  turns.reduce((sum, { content }) => sum + content.length, 0);

const truncate = (text: string, charsMax: number): string =>
  text.length <= charsMax
    ? text
    : `${truncateText(text, Math.max(0, charsMax - cutMark.length))}${cutMark}`;
