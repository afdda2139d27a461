/**
 * What a model is given of what was said before. Bounded in characters, not only in turns: a prompt that does not
 * fit is refused by the server, and so was then every later one of the conversation.
 *
 * 1. The beginning moves in steps, not with each message: a model server reads only what comes after the part
 *    that it has read already, and a beginning that slides leaves nothing of it.
 * 2. All follows from what was said: the same after a restart. A turn reads the same in each prompt.
 */
import { clipText } from '../routing/plain-text.ts';
import type { Exchange, Turn } from '../store/job-queries.ts';

export interface HistoryLimits {
  /** How many messages there are at least where the characters allow it; about half as many more at most. */
  messages: number;
  /** Of all together; one message may have a quarter of them. 0: no history. */
  chars: number;
}

/** At the end of what was cut: model and person see that there was more. */
const cutMark = ' […]';

/** A message and its answer belong together. */
const exchangesMin = ({ messages }: HistoryLimits): number => Math.ceil(messages / 2);

/** How many exchanges are needed: for steps of a power of two the beginning moves least often. */
export function exchangesMax(limits: HistoryLimits): number {
  if (limits.chars === 0 || limits.messages === 0) return 0;
  const least = exchangesMin(limits);
  return least - 1 + 2 ** Math.round(Math.log2(least / 2 + 1));
}

/** @param said the last exchanges, oldest first, `exchangesMax` at most. Pure. */
export function historyOf(said: readonly Exchange[], limits: HistoryLimits): Turn[] {
  const turnCharsMax = Math.floor(limits.chars / 4);
  const turns = said.map(({ message, reply }): Turn[] => [
    { role: 'user', content: cut(message, turnCharsMax) },
    { role: 'assistant', content: cut(reply, turnCharsMax) },
  ]);
  const [first, last] = beginnings(turns.map(sizeOf), limits);
  if (first === undefined || last === undefined) return [];
  const place = said[first]!.place;
  return turns.slice(first + roundest(place, place + last - first) - place).flat();
}

/** The first and the last exchange with which the history may begin; none where there is no history. */
function beginnings(
  sizes: readonly number[],
  limits: HistoryLimits,
): [first?: number | undefined, last?: number | undefined] {
  let chars = 0;
  let first: number | undefined;
  let last: number | undefined;
  for (let at = sizes.length - 1; at >= 0; at -= 1) {
    chars += sizes[at]!;
    const exchanges = sizes.length - at;
    if (chars > limits.chars || exchanges > exchangesMax(limits)) break;
    first = at;
    if (exchanges >= exchangesMin(limits) || 2 * chars >= limits.chars) last ??= at;
  }
  return [first, last ?? first];
}

/** The number from `first` to `last` that stays the choice longest while both grow: the one with most zeros in binary. */
function roundest(first: number, last: number): number {
  let step = 1;
  while (step <= last && Math.floor(last / (2 * step)) * 2 * step >= first) step *= 2;
  return Math.floor(last / step) * step;
}

const sizeOf = (turns: readonly Turn[]): number =>
  turns.reduce((sum, { content }) => sum + content.length, 0);

const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax
    ? text
    : `${clipText(text, Math.max(0, charsMax - cutMark.length))}${cutMark}`;
