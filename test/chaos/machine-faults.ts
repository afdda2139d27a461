/**
 * The faults of one machine and their durations. Each fault is undone at the end of `strike`; the programs must recover by
 * themselves.
 *
 * The seed determines the order of the faults and their durations; their exact timing depends on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#simulators/random';
import type { ChaosEnvironment } from './chaos-environment.ts';
import { modelFailures, type StormModel } from './models.ts';
import { always, between, pick, programOf, type StormFault } from './storm-fault.ts';

/** The free space of a full disk: enough for a few small writes. */
const roomLeftBytes = 24 * 1024;
/** Each jump is undone later, as after a correction by network time. */
const clockShiftsMs = [90_000, 3_600_000, 2 * 3_600_000];

const killing = (name: 'core' | 'bridge', times = 1): StormFault => ({
  name: times === 1 ? `kill ${name}` : `kill ${name} as it starts`,
  group: 'kills',
  track: 'programs',
  isPossible: ({ isCluster }) => name === 'bridge' || !isCluster,
  async strike(world, random) {
    const program = programOf(world, name, random);
    for (let n = 0; n < times; n += 1) {
      await program.kill();
      await sleep(between(random, 0, 600));
      const started = program.start();
      // The next kill hits the program during the recovery from this kill.
      if (n + 1 < times) await Promise.race([started, sleep(between(random, 200, 900))]);
      else await started;
    }
  },
});

/** Freezes the process, as a disk write of seconds would, since all its writes are synchronous. */
const holding = (name: 'core' | 'bridge'): StormFault => ({
  name: `hold ${name}`,
  group: 'stalls',
  track: 'programs',
  isPossible: always,
  async strike(world, random) {
    const program = programOf(world, name, random);
    program.freeze();
    await sleep(between(random, 500, 3_000));
    program.thaw();
  },
});

const brokerFaults: readonly StormFault[] = [
  {
    name: 'kill broker',
    group: 'broker',
    track: 'programs',
    isPossible: always,
    async strike({ brokers }, random) {
      const broker = pick(brokers, random);
      await broker.kill();
      await sleep(between(random, 0, 2_000));
      await broker.restart();
    },
  },
  {
    name: 'hold broker',
    group: 'stalls',
    track: 'programs',
    isPossible: always,
    async strike({ brokers }, random) {
      const broker = pick(brokers, random);
      broker.freeze();
      await sleep(between(random, 500, 3_000));
      broker.thaw();
    },
  },
  {
    name: 'cut the network between bridge and broker',
    group: 'network',
    track: 'surroundings',
    isPossible: always,
    async strike({ bridgeLinks }, random) {
      for (const link of bridgeLinks) link.sever();
      await sleep(between(random, 200, 2_500));
      for (const link of bridgeLinks) link.restore();
    },
  },
];

const filling = (name: 'core' | 'bridge'): StormFault => ({
  name: `full disk of ${name}`,
  group: 'disk',
  track: 'surroundings',
  isPossible: ({ disks, database }) =>
    disks[name].canFill && (name === 'bridge' || database.postgres === null),
  async strike({ disks }, random) {
    disks[name].fill(roomLeftBytes);
    await sleep(between(random, 600, 2_000));
    disks[name].free();
  },
});

const shifting = (name: 'core' | 'bridge', direction: 1 | -1): StormFault => ({
  name: `clock of ${name} jumps ${direction > 0 ? 'ahead' : 'back'}`,
  group: 'clock',
  track: 'surroundings',
  isPossible: always,
  async strike(world, random) {
    const shift = pick(clockShiftsMs, random);
    const program = programOf(world, name, random);
    program.shiftClock(direction * shift);
    await sleep(between(random, 400, 1_500));
    program.shiftClock(0);
  },
});

const dsmFaults: readonly StormFault[] = [
  {
    name: 'NAS answers wrongly',
    group: 'dsm',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      dsm.setStorm({ seed: Math.floor(random() * 2 ** 31), rate: 0.3 });
      await sleep(between(random, 1_000, 3_000));
      dsm.setStorm(null);
    },
  },
  {
    name: 'NAS is away',
    group: 'dsm',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      await dsm.refuseConnections();
      await sleep(between(random, 200, 1_500));
      await dsm.acceptConnections();
    },
  },
  {
    name: 'Chat is stopped',
    group: 'dsm',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      dsm.setPackage(false);
      await sleep(between(random, 200, 1_000));
      dsm.setPackage(true);
    },
  },
  {
    name: 'NAS shows pages of its web server',
    group: 'dsm',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      const statuses = [302, 403, 404];
      const status = pick(statuses, random);
      dsm.fail({ kind: 'page', status }, { times: Number.POSITIVE_INFINITY });
      await sleep(between(random, 500, 2_000));
      dsm.clearFaults();
    },
  },
  {
    name: 'NAS takes short and few posts only',
    group: 'dsm',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      dsm.changeRules({ textLengthMax: 900, postIntervalMsMin: 60 });
      await sleep(between(random, 500, 2_000));
      dsm.changeRules({ textLengthMax: 2_000, postIntervalMsMin: 5 });
    },
  },
  {
    name: 'webhooks doubled and out of order',
    group: 'webhooks',
    track: 'surroundings',
    isPossible: always,
    async strike({ dsm }, random) {
      dsm.changeRules({ duplicateRate: 0.6, reorderRate: 0.4 });
      await sleep(between(random, 1_000, 3_000));
      dsm.changeRules({ duplicateRate: 0, reorderRate: 0 });
    },
  },
];

const serverOf = ({ small, large }: ChaosEnvironment, random: Random): StormModel =>
  pick([small, large], random);

const modelFaults: readonly StormFault[] = [
  ...modelFailures.map((failure): StormFault => ({
    name: `model server: ${failure}`,
    group: 'models',
    track: 'surroundings',
    isPossible: always,
    async strike(world, random) {
      const model = serverOf(world, random);
      model.setFailure(failure);
      await sleep(between(random, 500, 2_000));
      model.setFailure(null);
    },
  })),
  {
    name: 'model server refuses',
    group: 'models',
    track: 'surroundings',
    isPossible: always,
    async strike(world, random) {
      const { llm } = serverOf(world, random);
      await llm.refuse();
      await sleep(between(random, 300, 2_000));
      await llm.listen();
    },
  },
];

export const machineFaults: readonly StormFault[] = [
  killing('core'),
  killing('bridge'),
  killing('core', 2),
  killing('bridge', 2),
  holding('core'),
  holding('bridge'),
  ...brokerFaults,
  filling('core'),
  filling('bridge'),
  shifting('core', 1),
  shifting('core', -1),
  shifting('bridge', 1),
  shifting('bridge', -1),
  ...dsmFaults,
  ...modelFaults,
];
