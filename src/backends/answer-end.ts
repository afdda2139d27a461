/**
 * Decides where an answer ends. Pure; docs/backends.md tells the same in a table.
 *
 * The signs of an end are the finish_reason of a frame and `[DONE]`. They contradict each other and what follows
 * them on many servers, so a finish_reason has a weight:
 *  - `early`: before any word. Says nothing once words come.
 *  - `beside`: in a frame with words. Taken back by further words; the last one counts.
 *  - `apart`: in a frame without words, after words. Further text is held: it counts when the next sign agrees
 *    or when none follows, and is dropped when the next finish_reason is another one.
 * `[DONE]` is the server's word that it is through, also without a finish_reason. Without any sign the answer is cut.
 */

export type FinishWeight = 'none' | 'early' | 'beside' | 'apart';

/** What a frame says about the end. */
export interface EndSigns {
  /** Text, thinking or a piece of a tool call. */
  words: boolean;
  call: boolean;
  /** The server's word for the end; null where it gave none. */
  finish: string | null;
}

/**
 * What becomes of the text of a frame; calls always count until the end is over. `hold`: keep it until a later
 * verdict. `release`: what is held counts, then this. `drop`: neither what is held nor this nor anything later counts.
 */
export type Verdict = 'read' | 'hold' | 'release' | 'drop';

export interface AnswerEnd {
  take(signs: EndSigns): Verdict;
  /** `[DONE]` has come. */
  done(): void;
  /** The word that counts; null while there is none. `stop` after a mere `[DONE]`. */
  readonly word: string | null;
  readonly weight: FinishWeight;
  /** The answer is complete; an error that comes now is too late. */
  readonly stands: boolean;
  /** Words have followed a finish_reason: this server's finish_reason does not mean the end. */
  readonly wasTakenBack: boolean;
}

class End implements AnswerEnd {
  #word: string | null = null;
  #weight: FinishWeight = 'none';
  #sawWords = false;
  #holding = false;
  /** A call has come after the end: the server went on in earnest. */
  #calledAfter = false;
  #over = false;
  #done = false;
  #takenBack = false;

  get word(): string | null {
    return this.#word ?? (this.#done ? 'stop' : null);
  }

  get weight(): FinishWeight {
    return this.#weight;
  }

  get stands(): boolean {
    if (this.#done || this.#weight === 'apart') return true;
    return this.#weight === 'beside' && !this.#takenBack;
  }

  get wasTakenBack(): boolean {
    return this.#takenBack;
  }

  done(): void {
    this.#done = true;
  }

  take(signs: EndSigns): Verdict {
    const { words, finish } = signs;
    if (this.#over) return 'drop';
    if (this.#weight === 'apart') return this.#takeAfterEnd(signs);
    if (words && this.#word !== null) {
      this.#takenBack = true;
      this.#word = null;
      this.#weight = 'none';
    }
    this.#sawWords ||= words;
    if (finish !== null) {
      this.#word = finish;
      this.#weight = words ? 'beside' : this.#sawWords ? 'apart' : 'early';
    }
    return 'read';
  }

  #takeAfterEnd({ words, call, finish }: EndSigns): Verdict {
    this.#calledAfter ||= call;
    if (finish === null) {
      if (!words) return 'read';
      this.#holding = true;
      return 'hold';
    }
    const contradicts = finish !== this.#word && (this.#holding || words) && !this.#calledAfter;
    this.#over = contradicts;
    this.#holding = false;
    if (contradicts) return 'drop';
    this.#word = finish;
    return 'release';
  }
}

export const createAnswerEnd = (): AnswerEnd => new End();
