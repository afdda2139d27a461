/**
 * Reads a clause from left to right, phrase by phrase. Nothing that was taken is given back, so the time for a
 * clause grows with its length only, whatever stands in it.
 */
import { dateMark, timeMark } from './word-classes.ts';

const marks = `${dateMark}${timeMark}`;

/** Stands for a date or a time, in a character class. */
export const anyMark = `[${marks}]`;

/** Words that may stand next, as a whole: they end at a gap, at a mark or at the end. */
export const phrase = (body: string): RegExp =>
  new RegExp(`^(?:${body})(?:[\\s,]+|(?=[${marks}])|$)`, 'u');

const dateNext = new RegExp(`^${dateMark}(?:'s)?[\\s,]*`, 'u');
const timeNext = new RegExp(`^${timeMark}(?:'s)?[\\s,]*`, 'u');
const wordNext = new RegExp(
  `^["']?(?<word>[\\p{L}\\p{N}@.&'"_/+#-]+)(?:[\\s,]+|(?=[${marks}])|$)`,
  'u',
);

type Groups = Record<string, string | undefined>;

export class PhraseReader {
  rest: string;

  constructor(text: string) {
    this.rest = text.trim();
  }

  get isDone(): boolean {
    return this.rest === '';
  }

  /** The named groups of what was taken; null where something else stands there. */
  eat(next: RegExp): Groups | null {
    const match = next.exec(this.rest);
    if (match === null) return null;
    this.rest = this.rest.slice(match[0].length);
    return match.groups ?? {};
  }

  eatDate(): boolean {
    return this.eat(dateNext) !== null;
  }

  eatTime(): boolean {
    return this.eat(timeNext) !== null;
  }

  /** Whether a date or a time stands next. */
  get isAtMark(): boolean {
    return marks.includes(this.rest.charAt(0)) && !this.isDone;
  }

  /** The next word, without taking it; null before a mark and at the end. */
  peek(): string | null {
    return wordNext.exec(this.rest)?.groups?.['word'] ?? null;
  }

  /** Up to `max` words, as far as none is in `stops`. */
  words(max: number, stops: ReadonlySet<string>): string[] {
    const taken: string[] = [];
    while (taken.length < max) {
      const word = this.peek();
      if (word === null || stops.has(word)) break;
      this.eat(wordNext);
      taken.push(word.replaceAll('"', ''));
    }
    return taken;
  }
}

/** A set of the words in a text. */
export const wordSet = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));
