/** The faults of PostgreSQL, of several workers and of the networks between them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosEnvironment, LinkEnd } from './chaos-environment.ts';
import type { SeverableProxy } from './severable-proxy.ts';
import { clusterTiming } from './storm-config.ts';
import { between, pick, type StormFault } from './storm-fault.ts';

const { goneAfterMs } = clusterTiming;
const isCluster = (world: ChaosEnvironment): boolean => world.isCluster;
const isPostgres = ({ database }: ChaosEnvironment): boolean => database.postgres !== null;

const workerFaults: readonly StormFault[] = [
  {
    name: 'kill worker',
    group: 'workers',
    track: 'programs',
    isPossible: isCluster,
    async strike({ cores }, random) {
      const { program } = pick(cores, random);
      await program.kill();
      // It comes back before or after others have taken its work.
      await sleep(between(random, 0, 2 * goneAfterMs));
      await program.start();
    },
  },
  {
    name: 'kill worker as it starts',
    group: 'workers',
    track: 'programs',
    isPossible: isCluster,
    async strike({ cores }, random) {
      const { program } = pick(cores, random);
      await program.kill();
      await Promise.race([program.start(), sleep(between(random, 200, 1_500))]);
      await program.kill();
      await program.start();
    },
  },
  {
    name: 'kill all workers but one',
    group: 'workers',
    track: 'programs',
    isPossible: ({ cores }) => cores.length > 1,
    async strike({ cores }, random) {
      const left = pick(cores, random);
      const others = cores.filter((one) => one !== left).map(({ program }) => program);
      await Promise.all(others.map((program) => program.kill()));
      await sleep(between(random, 0, 2 * goneAfterMs));
      await Promise.all(others.map((program) => program.start()));
    },
  },
  {
    name: 'end worker',
    group: 'workers',
    track: 'programs',
    isPossible: isCluster,
    async strike({ cores }, random) {
      const { program } = pick(cores, random);
      await program.stop();
      await sleep(between(random, 0, 1_000));
      await program.start();
    },
  },
  {
    name: 'stop worker until others take its work',
    group: 'stalls',
    track: 'programs',
    isPossible: isCluster,
    async strike({ cores }, random) {
      const { program } = pick(cores, random);
      program.freeze();
      // Sometimes also longer than a permit of a gate is valid.
      await sleep(goneAfterMs + between(random, 500, random() < 0.3 ? 12_000 : 2_000));
      program.thaw();
    },
  },
];

const databaseFaults: readonly StormFault[] = [
  ...(['kill', 'crash'] as const).map((how): StormFault => ({
    name: how === 'kill' ? 'kill primary' : 'immediate stop of primary',
    group: 'database',
    track: 'database',
    isPossible: isPostgres,
    async strike({ database }, random) {
      const { primary } = database.postgres!;
      await primary[how]();
      await sleep(between(random, 0, 2_000));
      await primary.start();
    },
  })),
  {
    name: 'hold primary',
    group: 'database',
    track: 'database',
    isPossible: isPostgres,
    async strike({ database }, random) {
      const { primary } = database.postgres!;
      primary.freeze(true);
      await sleep(between(random, 500, 2 * goneAfterMs));
      primary.freeze(false);
    },
  },
  {
    name: 'lose primary, promote standby',
    group: 'failover',
    track: 'database',
    isPossible: isPostgres,
    strike: ({ database }) => database.postgres!.failOver(),
  },
];

type Break = (link: SeverableProxy) => void;
const breaks: Readonly<Record<string, Break>> = {
  cut: (link) => link.sever(),
  'black hole': (link) => link.hold('toServer', 'toClient'),
  'one way, nothing arrives': (link) => link.hold('toServer'),
  'one way, no answer': (link) => link.hold('toClient'),
  slow: (link) => link.delay(150),
};

const linkFault = (end: LinkEnd, what: string): StormFault => ({
  name: `link to ${end}: ${what}`,
  group: 'links',
  track: 'surroundings',
  isPossible: ({ cores }) => cores[0]!.links[end].length > 0,
  async strike({ cores }, random) {
    const links = pick(cores, random).links[end];
    for (const link of links) breaks[what]!(link);
    // Short ones are noticed by nobody, long ones move the work to other workers.
    await sleep(between(random, 300, random() < 0.5 ? 1_500 : 2.5 * goneAfterMs));
    for (const link of links) link.restore();
  },
});

export const clusterFaults: readonly StormFault[] = [
  ...workerFaults,
  ...databaseFaults,
  ...(['NATS', 'PostgreSQL'] as const).flatMap((end) =>
    Object.keys(breaks).map((what) => linkFault(end, what)),
  ),
];
