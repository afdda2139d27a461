/**
 * All faults of a storm, and their order. Each fault is undone at the end of `strike`; the programs must recover by
 * themselves.
 *
 * The seed determines the order of the faults and their durations; their exact timing depends on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#simulators/random';
import type { ChaosEnvironment } from './chaos-environment.ts';
import { clusterFaults } from './cluster-faults.ts';
import { machineFaults } from './machine-faults.ts';
import type { StormFault } from './storm-fault.ts';

export const stormFaults: readonly StormFault[] = [...machineFaults, ...clusterFaults];

/** True if `name` is the group of the fault, or part of the fault's name. */
export const isNamed = (fault: StormFault, name: string): boolean =>
  fault.group === name || fault.name.includes(name);

interface FaultScheduleOptions {
  world: ChaosEnvironment;
  faults: readonly StormFault[];
  random: Random;
  /** The average pause between two faults of a track. */
  gapMs: number;
  isOver(): boolean;
  onStrike(fault: StormFault, isBegun: boolean): void;
}

/**
 * Runs one track: every fault once in random order, then all again in another order, until `isOver`. The first
 * round is always completed, so that each fault occurs at least once.
 */
export async function runFaultTrack(options: FaultScheduleOptions): Promise<void> {
  const { world, faults, random, gapMs, isOver, onStrike } = options;
  if (faults.length === 0) return;
  for (let round = 0; round === 0 || !isOver(); round += 1) {
    for (const fault of shuffled(faults, random)) {
      if (round > 0 && isOver()) return;
      await sleep(gapMs * (0.5 + random()));
      onStrike(fault, true);
      await fault.strike(world, random);
      onStrike(fault, false);
    }
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
