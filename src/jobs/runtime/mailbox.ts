/**
 * The mailbox of the journal: envelopes in the order of their arrival, and the moment at which a turn takes them.
 * It is always in one of these modes:
 *
 * - `idle`: it is empty. The first envelope schedules a turn: `scheduled`.
 * - `scheduled`: a turn begins at the end of this turn of the event loop, or after a delay: `running`. So all envelopes
 *   that arrive in between share one transaction.
 * - `running`: a turn takes envelopes, also those that arrive meanwhile, and writes them. It may end in a later turn of
 *   the event loop. When it ends: `scheduled` if envelopes are left, else `idle`.
 * - `inDoubt`: the turn waits for the outcome of its commit, for any time. Commands are refused and progress events
 *   dropped, so that the mailbox stays small: one result for each effect, and timers. Then `running` again.
 * - `closed`: the journal has stopped, and envelopes are dropped: effects and timers start again with the next process.
 *
 * Q3: at most one turn runs at a time.
 */
import assert from 'node:assert/strict';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import { acknowledgementOf, type Envelope } from './envelope.ts';

export class Mailbox {
  #mode: 'idle' | 'scheduled' | 'running' | 'inDoubt' | 'closed' = 'idle';
  #envelopes: Envelope[] = [];
  #cancelTurn: () => void = () => undefined;
  /** The end of the turn that is running. */
  #turnEnd: MaybePromise<void> = undefined;
  /** What commands are refused with while the outcome of a commit is in doubt. */
  #refusal: unknown = null;
  #onDoubt: () => void = () => undefined;
  readonly #runTurn: () => MaybePromise<number>;

  /** @param runTurn gives the delay of the next turn, ms */
  constructor(runTurn: () => MaybePromise<number>) {
    this.#runTurn = runTurn;
  }

  get isClosed(): boolean {
    return this.#mode === 'closed';
  }

  post(envelope: Envelope): void {
    if (this.#mode === 'closed') return;
    if (this.#mode === 'inDoubt') {
      const acknowledgement = acknowledgementOf(envelope);
      if (acknowledgement !== null) return acknowledgement.reject(this.#refusal);
      if (envelope.event.type === 'progress') return;
    }
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

  /** The outcome of the running turn's commit is in doubt. Also refuses the commands that wait already. */
  beginDoubt(refusal: unknown): void {
    assert.equal(this.#mode, 'running', 'only a turn is in doubt');
    this.#mode = 'inDoubt';
    this.#refusal = refusal;
    for (const envelope of this.#envelopes.splice(0)) this.post(envelope);
    this.#onDoubt();
  }

  /** The outcome is known. Does nothing when the mailbox is closed. */
  endDoubt(): void {
    if (this.#mode === 'inDoubt') this.#mode = 'running';
  }

  /** Runs `work` while no turn runs: at once, or when the running turn has ended. */
  betweenTurns(work: () => void): void {
    if (this.#isInTurn && this.#turnEnd instanceof Promise) void this.#turnEnd.then(work);
    else work();
  }

  /** Ends the running turn, and runs a scheduled turn at once. Does not wait for an outcome in doubt. */
  async flush(): Promise<void> {
    await this.#turnEndOrDoubt();
    if (this.#mode !== 'scheduled') return;
    this.#cancelTurn();
    this.#run();
    await this.#turnEndOrDoubt();
  }

  /** @returns the envelopes that are left */
  close(): Envelope[] {
    assert.notEqual(this.#mode, 'running', 'a turn ends before the mailbox is closed');
    this.#cancelTurn();
    this.#mode = 'closed';
    return this.#envelopes.splice(0);
  }

  get #isInTurn(): boolean {
    return this.#mode === 'running' || this.#mode === 'inDoubt';
  }

  #turnEndOrDoubt(): MaybePromise<void> {
    if (!(this.#turnEnd instanceof Promise) || this.#mode === 'inDoubt') return;
    const doubt = new Promise<void>((resolve) => {
      this.#onDoubt = resolve;
    });
    return Promise.race([this.#turnEnd, doubt]);
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
      if (this.#mode === 'closed') return;
      assert.equal(this.#mode, 'running', 'a turn in doubt does not end');
      this.#mode = 'idle';
      if (this.#envelopes.length > 0) this.#schedule(delayMs);
    };
    this.#turnEnd = settle(this.#runTurn, end, (bug) => {
      this.endDoubt();
      end(0);
      throw bug;
    });
  }
}
