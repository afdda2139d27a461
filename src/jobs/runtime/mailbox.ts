/**
 * The mailbox of the journal: envelopes in the order of their arrival, and the moment at which a turn takes them.
 * It is always in one of these modes:
 *
 * - `idle`: it is empty. The first envelope schedules a turn: `scheduled`.
 * - `scheduled`: a turn begins at the end of this turn of the event loop, or after a delay: `running`. So all envelopes
 *   that arrive in between share one transaction.
 * - `running`: a turn takes envelopes, also those that arrive meanwhile, and writes them. It may end in a later turn of
 *   the event loop. When it ends: `scheduled` if envelopes are left, else `idle`.
 * - `closed`: the journal has stopped, and envelopes are dropped: effects and timers start again with the next process.
 *
 * Q3: at most one turn runs at a time.
 */
import assert from 'node:assert/strict';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import type { Envelope } from './envelope.ts';

export class Mailbox {
  #mode: 'idle' | 'scheduled' | 'running' | 'closed' = 'idle';
  #envelopes: Envelope[] = [];
  #cancelTurn: () => void = () => undefined;
  /** The end of the turn that is running. */
  #turnEnd: MaybePromise<void> = undefined;
  readonly #runTurn: () => MaybePromise<number>;

  /** @param runTurn gives the delay of the next turn, ms */
  constructor(runTurn: () => MaybePromise<number>) {
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

  /** Runs `work` while no turn runs: at once, or when the running turn has ended. */
  betweenTurns(work: () => void): void {
    if (this.#mode === 'running' && this.#turnEnd instanceof Promise) void this.#turnEnd.then(work);
    else work();
  }

  /** Ends the running turn, and runs a scheduled turn at once. */
  async flush(): Promise<void> {
    await this.#turnEnd;
    if (this.#mode !== 'scheduled') return;
    this.#cancelTurn();
    this.#run();
    await this.#turnEnd;
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
    const end = (delayMs: number): void => {
      this.#mode = 'idle';
      if (this.#envelopes.length > 0) this.#schedule(delayMs);
    };
    this.#turnEnd = settle(this.#runTurn, end, (bug) => {
      end(0);
      throw bug;
    });
  }
}
