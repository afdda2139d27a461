/** Reads a clause phrase by phrase, without backtracking: the time grows only with the length of the clause. */
import { datePlaceholder, timePlaceholder } from './token-types.ts';

const placeholders = `${datePlaceholder}${timePlaceholder}`;

/** A date or time placeholder, as a character class. */
export const anyPlaceholder = `[${placeholders}]`;

/** Pattern for a phrase at the current position: it must end at a blank, a comma, a placeholder or the end. */
export const phrase = (body: string): RegExp =>
  new RegExp(`^(?:${body})(?:[\\s,]+|(?=[${placeholders}])|$)`, 'u');

const dateNext = new RegExp(`^${datePlaceholder}(?:'s)?[\\s,]*`, 'u');
const timeNext = new RegExp(`^${timePlaceholder}(?:'s)?[\\s,]*`, 'u');
const wordNext = new RegExp(
  `^["']?(?<word>[\\p{L}\\p{N}@.&'"_/+#-]+)(?:[\\s,]+|(?=[${placeholders}])|$)`,
  'u',
);

type Groups = Record<string, string | undefined>;

export class PhraseScanner {
  rest: string;

  constructor(text: string) {
    this.rest = text.trim();
  }

  get isDone(): boolean {
    return this.rest === '';
  }

  /** The named groups of the match, which is consumed; null if the phrase does not match. */
  consume(next: RegExp): Groups | null {
    const match = next.exec(this.rest);
    if (match === null) return null;
    this.rest = this.rest.slice(match[0].length);
    return match.groups ?? {};
  }

  /** Consumes the first of the phrases that matches; false if none does. */
  consumeOne(...phrases: RegExp[]): boolean {
    return phrases.some((next) => this.consume(next) !== null);
  }

  consumeDate(): boolean {
    return this.consume(dateNext) !== null;
  }

  consumeTime(): boolean {
    return this.consume(timeNext) !== null;
  }

  /** Whether a date or time placeholder comes next. */
  get isAtPlaceholder(): boolean {
    return placeholders.includes(this.rest.charAt(0)) && !this.isDone;
  }

  /** The next word, without consuming it; null before a placeholder and at the end. */
  peek(): string | null {
    return wordNext.exec(this.rest)?.groups?.['word'] ?? null;
  }

  /** Consumes up to `max` words, until one is in `stops`. */
  takeWords(max: number, stops: ReadonlySet<string>): string[] {
    const taken: string[] = [];
    while (taken.length < max) {
      const word = this.peek();
      if (word === null || stops.has(word)) break;
      this.consume(wordNext);
      taken.push(word.replaceAll('"', ''));
    }
    return taken;
  }
}
