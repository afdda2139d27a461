/**
 * The mailbox of the journal: envelopes in the order of their arrival, and the moment at which a turn takes them.
 * It is always in one of these modes:
 *
 * - `idle`: it is empty. The first envelope schedules a turn: `scheduled`.
 * - `scheduled`: a turn begins at the end of this turn of the event loop, or after a delay: `running`. So all envelopes
 *   that arrive in between share one transaction.
 * - `running`: a turn takes envelopes, also those that arrive meanwhile. When it ends: `scheduled` if envelopes are
 *   left, else `idle`.
 * - `closed`: the journal has stopped, and envelopes are dropped: effects and timers start again with the next process.
 *
 * Q3: at most one turn runs at a time.
 */
import assert from 'node:assert/strict';
import type { Envelope } from './envelope.ts';

export class Mailbox {
  #mode: 'idle' | 'scheduled' | 'running' | 'closed' = 'idle';
  #envelopes: Envelope[] = [];
  #cancelTurn: () => void = () => undefined;
  readonly #runTurn: () => number;

  /** @param runTurn returns the delay of the next turn, ms */
  constructor(runTurn: () => number) {
    this.#runTurn = runTurn;
  }

  post(envelope: Envelope): void {
    if (this.#mode === 'closed') return;
    this.#envelopes.push(envelope);
    if (this.#mode === 'idle') this.#schedule(0);
  }

  /** Takes the first envelopes. Only a turn may do this. */
  take(most: number): Envelope[] {
    assert.equal(this.#mode, 'running', 'only a turn takes envelopes');
    return this.#envelopes.splice(0, most);
  }

  /** Puts envelopes back, before those that have arrived since. */
  putBack(envelopes: readonly Envelope[]): void {
    assert.equal(this.#mode, 'running', 'only a turn puts envelopes back');
    this.#envelopes.unshift(...envelopes);
  }

  /** Runs a scheduled turn at once. */
  flush(): void {
    if (this.#mode !== 'scheduled') return;
    this.#cancelTurn();
    this.#run();
  }

  /** @returns the envelopes that are left */
  close(): Envelope[] {
    assert.notEqual(this.#mode, 'running', 'a turn ends before the mailbox is closed');
    this.#cancelTurn();
    this.#mode = 'closed';
    return this.#envelopes.splice(0);
  }

  #schedule(afterMs: number): void {
    assert.notEqual(this.#mode, 'scheduled', 'one turn is scheduled at most');
    this.#mode = 'scheduled';
    if (afterMs === 0) {
      const handle = setImmediate(() => this.#run());
      this.#cancelTurn = () => clearImmediate(handle);
    } else {
      const handle = setTimeout(() => this.#run(), afterMs);
      this.#cancelTurn = () => clearTimeout(handle);
    }
  }

  #run(): void {
    assert.equal(this.#mode, 'scheduled', 'one turn runs at a time');
    this.#mode = 'running';
    let delayMs = 0;
    try {
      delayMs = this.#runTurn();
    } finally {
      this.#mode = 'idle';
      if (this.#envelopes.length > 0) this.#schedule(delayMs);
    }
  }
}
