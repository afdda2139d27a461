/** Random histories of a shared gate, for its property test and the mutants. */
import * as fc from 'fast-check';
import { GateNetwork } from './gate-network.ts';
import type { NetworkFault } from './gate-network.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('ask'), n: fc.nat(2), bg: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('speculate'), n: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('adopt'), n: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('end'), n: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cancel'), n: fc.nat(30) }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('pass'), ms: fc.integer({ min: 50, max: 6_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('network'),
      loss: fc.constantFrom(0, 30, 70),
      delay: fc.constantFrom(0, 200, 3_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('cut'), n: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('mend') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('outage') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('kill'), n: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('take over'),
      n: fc.nat(2),
      clean: fc.boolean(),
      stale: fc.constantFrom(0, 500, 1_000),
    }),
  },
);
/** Each type of step has some of the fields. */
interface Step {
  type: string;
  n: number;
  bg: boolean;
  ms: number;
  loss: number;
  delay: number;
  clean: boolean;
  stale: number;
}

class History {
  readonly network: GateNetwork;
  readonly ids = ['a1', 'b1', 'c1'];
  #last = 0;

  constructor(concurrency: number, fault: NetworkFault) {
    this.network = new GateNetwork(concurrency, fault);
    for (const id of this.ids) this.network.addWorker(id);
    this.network.takeOver('a1', 'lost');
  }

  async run(one: Step): Promise<void> {
    const { network, ids } = this;
    const id = ids[(one.n || 0) % 3] as string;
    if (one.type === 'ask') {
      this.#last += 1;
      network.ask(id, `r${this.#last}`, {
        priority: one.bg ? 'background' : 'foreground',
        preemptible: one.bg,
      });
    } else if (one.type === 'speculate') {
      this.#last += 1;
      network.ask(id, `r${this.#last}`, { speculative: true });
    } else if (one.type === 'adopt') {
      const holder = network.holders()[one.n];
      if (holder) network.adopt(holder);
    } else if (one.type === 'pass') await network.advance(one.ms);
    else if (one.type === 'network') {
      network.lossPercent = one.loss;
      network.delayMaxMs = one.delay;
    } else if (one.type === 'take over')
      network.takeOver(id, one.clean ? 'clean' : 'lost', one.clean ? 0 : one.stale);
    else if (one.type === 'cut') network.cutOff.add(id);
    else if (one.type === 'outage') {
      // The worker of a running request is cut off until its slots are free.
      const holder = network.holders()[0];
      if (holder) network.cutOff.add(holder.worker);
      await network.advance(10_500);
    } else if (one.type === 'mend') network.cutOff.clear();
    else if (one.type === 'kill') this.#replace(id);
    else if (one.type === 'cancel') network.callers.filter((c) => c.isWaiting)[one.n]?.cancel();
    else {
      const holders = network.holders();
      const holder = holders[one.n % Math.max(1, holders.length)];
      if (holder) network.end(holder);
    }
  }

  /** Everything works again: each request must get its turn. Returns those that do not. */
  async finish(): Promise<string[]> {
    const { network } = this;
    network.cutOff.clear();
    network.lossPercent = 0;
    network.delayMaxMs = 0;
    await network.advance(4_000);
    network.takeOver(this.ids[0] as string, 'lost');
    await network.advance(11_000);
    for (let turn = 0; turn < 200; turn += 1) {
      for (const holder of network.holders()) network.end(holder);
      if (!network.callers.some((caller) => caller.isWaiting)) return [];
      await network.advance(100);
    }
    return network.callers.filter((caller) => caller.isWaiting).map(({ name }) => name);
  }

  #replace(id: string): void {
    const { network, ids } = this;
    network.killWorker(id);
    for (const caller of network.callers) if (caller.worker === id) caller.isWaiting = false;
    const next = `${id[0]}${Number(id.slice(1)) + 1}`;
    ids[ids.indexOf(id)] = next;
    network.addWorker(next);
  }
}

/** At most `concurrency` permits, and no request is forgotten. */
export const sharedGateHolds = (fault: NetworkFault = {}) =>
  fc.asyncProperty(
    fc.integer({ min: 1, max: 2 }),
    fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
    async (concurrency, steps) => {
      const history = new History(concurrency, fault);
      for (const one of steps) await history.run(one as Step);
      const forgotten = await history.finish();
      const { violations } = history.network;
      if (violations.length > 0) throw new Error(`too many permits: ${violations.join('; ')}`);
      if (forgotten.length > 0) throw new Error(`forgotten: ${forgotten.join(', ')}`);
    },
  );
