/**
 * Erases forgotten facts: their text, and every place of it in the ended jobs of their person. A fact whose text an open job
 * still has waits for the end of that job; jobs and the core may end at any time, so every call looks at all that is left.
 */
import { createRedactor } from '#shared/text/redact-texts';
import type { Fact } from './fact.ts';
import { fitOf, factTerms, questionWords } from './fact-terms.ts';
import type { MemoryStorage } from './memory-port.ts';

/** Port to the jobs of a person. */
export interface JobTexts {
  /** The message of a job; null: the job is not kept any more. */
  messageOf(jobId: string): Promise<string | null>;
  /** Replaces texts in all ended jobs of the person. Resolves with the texts that an open job has. */
  redact(userId: string, texts: readonly string[]): Promise<{ open: string[] }>;
}

export interface EraserParts {
  storage: Pick<MemoryStorage, 'unerased' | 'erase'>;
  jobs: JobTexts;
}

/** Facts that are erased together. */
const batch = 100;

export class Eraser {
  readonly #parts: EraserParts;

  constructor(parts: EraserParts) {
    this.#parts = parts;
  }

  async redactorOf(userId: string): Promise<(text: string) => string> {
    const facts = await this.#parts.storage.unerased(userId, batch);
    if (facts.length === 0) return (text) => text;
    return createRedactor((await Promise.all(facts.map((one) => this.#textsOf(one)))).flat());
  }

  async erase(userId: string | null): Promise<number> {
    const { storage, jobs } = this.#parts;
    let erased = 0;
    for (;;) {
      const facts = await storage.unerased(userId, batch);
      const done: string[] = [];
      for (const [owner, theirs] of Map.groupBy(facts, (one) => one.userId)) {
        const texts = await Promise.all(theirs.map((one) => this.#textsOf(one)));
        const open = new Set((await jobs.redact(owner, texts.flat())).open);
        theirs.forEach(({ id }, at) => {
          if (!texts[at]!.some((text) => open.has(text))) done.push(id);
        });
      }
      if (done.length > 0) await storage.erase(done);
      erased += done.length;
      // What open jobs have is left for a later call.
      if (facts.length < batch || done.length === 0) return erased;
    }
  }

  /** The fact, and the messages that have it in another form: with other quotes or blanks, or only some of its words. */
  async #textsOf({ text, jobId, forgottenBy }: Fact): Promise<string[]> {
    const { jobs } = this.#parts;
    const kept = jobId === null ? null : await jobs.messageOf(jobId);
    const asked = forgottenBy === null ? null : await jobs.messageOf(forgottenBy);
    const texts = [text];
    if (kept !== null && !kept.includes(text)) texts.push(kept);
    if (asked !== null && !asked.includes(text) && names(asked, text)) texts.push(asked);
    return texts;
  }
}

const names = (message: string, text: string): boolean =>
  fitOf(new Set(factTerms(text)), questionWords(message), () => 1) > 0;
