/**
 * Reads a message as a request about the memory, in Korean or English. Only a whole message is read: a request that is quoted
 * inside of another one is none. Pure; never throws.
 */
import { englishMemory } from '../english/english-memory.ts';
import { koreanMemory } from '../korean/korean-memory.ts';
import { hasHangul, isShortEnough, normalizeCased } from '../normalize-text.ts';
import type { RuleOutcome } from '../rules/rule.ts';
import type { MemoryClause, MemoryRequest } from './memory-request.ts';

/** Every request has one of these. */
const about =
  /기억|메모리|잊|까먹|외워|외우|remember|forget|memor|keep in mind|bear in mind|know about me|should know that|대해.*(?:알고|아는)|for future reference|note that|make a note/u;

/** A quotation, or a line of a mail: the words of somebody else. */
const quoted = /^\s*(?:["'`>]|\[|\{|```|(?:from|to|subject|보낸\s*사람|받는\s*사람|제목)\s*:)/u;

export function readMemoryRequest(message: string): MemoryRequest | null {
  if (!isShortEnough(message)) return null;
  const cased = normalizeCased(message);
  const text = cased.toLowerCase();
  // Offsets are the same in both only if each character has one lower case.
  if (text.length !== cased.length || !about.test(text) || quoted.test(text)) return null;
  const clause: MemoryClause = { text, cased };
  return (hasHangul(text) ? koreanMemory(clause) : null) ?? englishMemory(clause);
}

/** The request as a call of the tool; null: the message is none. */
export function memoryOutcome(message: string): RuleOutcome | null {
  const request = readMemoryRequest(message);
  if (request === null) return null;
  const call = (operation: string, params: Record<string, unknown>): RuleOutcome => ({
    kind: 'calls',
    rule: 'memory',
    calls: [{ tool: 'memory', operation, params }],
  });
  switch (request.do) {
    case 'keep':
      return call('keep', { text: request.text });
    case 'list':
      return call('list', {});
    case 'forget':
      return call('forget', { ...request.which });
  }
}

const forgets = /잊|까먹|지워|지우|삭제|없애|\b(?:forget|delete|erase|remove|wipe)\b/iu;

/** Whether a message may ask to forget something, in words that no rule knows. */
export const asksToForget = (message: string): boolean => forgets.test(message);

/**
 * The fact in a model's words, if they are the person's own: a part of the message, whatever its blanks and case. Null: the
 * model has made it up or taken it from elsewhere.
 */
export function ownWords(words: string, message: string): string | null {
  const cased = normalizeCased(message);
  const wanted = Array.from(normalizeCased(words).toLowerCase()).filter(isShown);
  const given = Array.from(cased);
  const shown = given.flatMap((char, at) => (isShown(char) ? [at] : []));
  const folded = shown.map((at) => given[at]!.toLowerCase()).join('\u0000');
  const from =
    wanted.length === 0
      ? -1
      : `\u0000${folded}\u0000`.indexOf(`\u0000${wanted.join('\u0000')}\u0000`);
  if (from < 0) return null;
  const first = `\u0000${folded}`.slice(0, from).split('\u0000').length - 1;
  return given.slice(shown[first], shown[first + wanted.length - 1]! + 1).join('');
}

const isShown = (char: string): boolean => /\S/u.test(char);
