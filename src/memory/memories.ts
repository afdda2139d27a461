/**
 * What people and programs do with the memory: keep, list, find, forget.
 *
 * M1. A fact is what its person has written, word by word; nothing else is ever kept.
 * M2. A person's facts are found, listed and forgotten for this person only.
 * M3. From the commit of the forgetting on, a fact is in no list, search, prompt or event. Its text, and every place of it in
 *     the person's ended jobs, is erased as soon as no open job has it; until then `redactorOf` hides it.
 * M4. A call that is repeated after a crash keeps no fact again that was forgotten meanwhile.
 */
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import { derivedId, type IdSource } from '#shared/ids';
import { repeatOnConflict } from '#shared/repeat-on-conflict';
import type { MemoryEvent } from '#shared/wire/memory-event';
import { factCharsMax, factCharsMin, type Fact } from './fact.ts';
import { factTerms, fitOf, questionWords } from './fact-terms.ts';
import type { FactCursor, MemoryStorage } from './memory-port.ts';
import { Eraser, type JobTexts } from './eraser.ts';

export interface MemoriesParts {
  storage: MemoryStorage;
  jobs: JobTexts;
  clock: Clock;
  nextId: IdSource;
  /** Facts of one person. */
  perUserMax: number;
  /** Called after each change. */
  onChanged(): void;
}

export interface NewFact {
  userId: string;
  text: string;
  createdBy: string;
  channel: string | null;
  jobId: string | null;
  /** A second call with the same key keeps no second fact. */
  idempotencyKey?: string;
}

/** Bounds of the facts in one prompt. */
export interface FactBounds {
  count: number;
  /** Of all texts together. */
  chars: number;
}

/** Facts that are compared with a question. */
const comparedMax = 32;
/** Facts that a person forgets at once are committed in batches. */
const forgetBatch = 200;

/** Share of the words of the shorter of two facts that makes them similar. */
const similarShare = 0.5;

export class Memories {
  readonly #parts: MemoriesParts;
  readonly #eraser: Eraser;

  constructor(parts: MemoriesParts) {
    this.#parts = parts;
    this.#eraser = new Eraser(parts);
  }

  /**
   * A fact that the person has already told is found, not kept twice.
   * @throws GH_MEMORY_INVALID, GH_MEMORY_LIMIT, GH_STORE_UNAVAILABLE
   */
  async keep(input: NewFact): Promise<{ fact: Fact; isNew: boolean }> {
    const { storage, clock, nextId, perUserMax, onChanged } = this.#parts;
    const { idempotencyKey: key, ...given } = input;
    const text = given.text.replace(/\s+/g, ' ').trim();
    assertFact(text);
    const id = key === undefined ? nextId() : derivedId('M', key);
    const fact: Fact = {
      ...given,
      id,
      text,
      createdAt: clock.now(),
      forgottenAt: null,
      forgottenBy: null,
      revision: 1,
    };
    const data = { created_by: fact.createdBy, job_id: fact.jobId };
    const change = { fact, terms: factTerms(text), event: { type: 'kept', data } } as const;
    return repeatOnConflict(async () => {
      const known = (await storage.find(id)) ?? (await storage.findSame(fact.userId, text));
      if (known !== null) return { fact: known, isNew: false };
      if ((await storage.count(fact.userId)) >= perUserMax) {
        const message = `${perUserMax} facts of one person is the limit; forget one first`;
        throw new GatehouseError('GH_MEMORY_LIMIT', message);
      }
      if ((await storage.commit([change], perUserMax)) === 'conflict') return 'conflict';
      onChanged();
      return { fact, isNew: true };
    });
  }

  /** @throws GH_MEMORY_NOT_FOUND also for a forgotten one */
  async get(id: string): Promise<Fact> {
    const found = await this.#parts.storage.find(id);
    if (found === null || found.forgottenAt !== null) {
      throw new GatehouseError('GH_MEMORY_NOT_FOUND');
    }
    return found;
  }

  /** Null also for a forgotten one, and for one of another person. */
  async find(userId: string, id: string): Promise<Fact | null> {
    const found = await this.#parts.storage.find(id);
    return found?.userId === userId && found.forgottenAt === null ? found : null;
  }

  /** Newest first; `userId` null: of all people. */
  list(userId: string | null, after: FactCursor | null, limit: number): Promise<Fact[]> {
    return this.#parts.storage.list(userId, after, limit);
  }

  count(userId: string): Promise<number> {
    return this.#parts.storage.count(userId);
  }

  events(id: string, afterSeq: number, limit: number): Promise<MemoryEvent[]> {
    return this.#parts.storage.events(id, afterSeq, limit);
  }

  /** The facts that share words with a question, best first, within the bounds. */
  async fitting(userId: string, question: string, { count, chars }: FactBounds): Promise<Fact[]> {
    let room = chars;
    return (await this.#ranked(userId, question)).slice(0, count).filter(({ text }) => {
      if (text.length > room) return false;
      room -= text.length;
      return true;
    });
  }

  /** Other facts that may be about the same as a new one. */
  async similarTo({ id, userId, text }: Fact): Promise<Fact[]> {
    const own = factTerms(text);
    const found = await this.#parts.storage.candidates(userId, own, comparedMax);
    return found.flatMap(({ fact: one }) => {
      if (one.id === id) return [];
      const terms = factTerms(one.text);
      const shared = terms.filter((term) => own.includes(term)).length;
      return shared >= similarShare * Math.min(own.length, terms.length) ? one : [];
    });
  }

  /**
   * Forgets the facts of the person among these, for good.
   * @param by the job whose message asked for it
   * @returns those that it has forgotten now
   */
  async forget(userId: string, ids: readonly string[], by: string | null): Promise<Fact[]> {
    const { storage, clock, perUserMax, onChanged } = this.#parts;
    const forgotten: Fact[] = [];
    const distinct = [...new Set(ids)];
    for (let from = 0; from < distinct.length; from += forgetBatch) {
      const batch = distinct.slice(from, from + forgetBatch);
      forgotten.push(
        ...(await repeatOnConflict(async () => {
          const found = await Promise.all(batch.map((id) => storage.find(id)));
          const facts = found.flatMap((one) =>
            one === null || one.userId !== userId || one.forgottenAt !== null ? [] : one,
          );
          if (facts.length === 0) return [];
          const at = clock.now();
          const changes = facts.map((one) => ({
            fact: { ...one, forgottenAt: at, forgottenBy: by, revision: one.revision + 1 },
            terms: [],
            event: { type: 'forgotten', data: { job_id: by } } as const,
          }));
          return (await storage.commit(changes, perUserMax)) === 'conflict' ? 'conflict' : facts;
        })),
      );
    }
    if (forgotten.length > 0) onChanged();
    return forgotten;
  }

  /** Hides the forgotten facts of a person in texts of their jobs, until they are erased there. */
  redactorOf(userId: string): Promise<(text: string) => string> {
    return this.#eraser.redactorOf(userId);
  }

  /** Erases what was forgotten and is in no open job; `userId` null: of all people. Resolves with the number of facts. */
  erase(userId: string | null): Promise<number> {
    return this.#eraser.erase(userId);
  }

  async #ranked(userId: string, question: string): Promise<Fact[]> {
    const words = questionWords(question);
    if (words.length === 0) return [];
    const found = await this.#parts.storage.candidates(userId, words.flat(), comparedMax);
    const rarity = new Map<string, number>();
    for (const { terms } of found) {
      for (const term of terms) rarity.set(term, (rarity.get(term) ?? 0) + 1);
    }
    const weightOf = (term: string): number => 1 / (rarity.get(term) ?? 1);
    return found
      .map(({ fact, terms }) => ({ fact, fit: fitOf(new Set(terms), words, weightOf) }))
      .filter(({ fit }) => fit > 0)
      .sort((a, b) => b.fit - a.fit || b.fact.createdAt - a.fact.createdAt)
      .map(({ fact }) => fact);
  }
}

/** @throws GH_MEMORY_INVALID */
function assertFact(text: string): void {
  const invalid = (why: string) => new GatehouseError('GH_MEMORY_INVALID', why, { param: 'text' });
  if (text.length > factCharsMax) throw invalid(`text: has more than ${factCharsMax} characters`);
  if (text.replace(/[^\p{L}\p{N}]/gu, '').length < factCharsMin) {
    throw invalid(`text: has fewer than ${factCharsMin} letters and digits`);
  }
}
