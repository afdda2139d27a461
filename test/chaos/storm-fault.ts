/** What a fault of a storm is. */
import type { Random } from '#simulators/random';
import type { ChaosEnvironment } from './chaos-environment.ts';
import type { ManagedProcess } from './managed-process.ts';

export const faultGroups = [
  'kills',
  'workers',
  'stalls',
  'broker',
  'network',
  'links',
  'database',
  'failover',
  'disk',
  'clock',
  'dsm',
  'models',
  'webhooks',
] as const;
export type FaultGroup = (typeof faultGroups)[number];

/** Faults of one track run one after another; faults of different tracks overlap. */
export const faultTracks = ['programs', 'surroundings', 'database'] as const;

export interface StormFault {
  name: string;
  group: FaultGroup;
  track: (typeof faultTracks)[number];
  isPossible(world: ChaosEnvironment): boolean;
  /** Returns when the fault is undone. `random` determines the duration. */
  strike(world: ChaosEnvironment, random: Random): Promise<void>;
}

export const always = (): boolean => true;

export const between = (random: Random, leastMs: number, mostMs: number): number =>
  leastMs + random() * (mostMs - leastMs);

export const pick = <Item>(items: readonly Item[], random: Random): Item =>
  items[Math.floor(random() * items.length)]!;

/** `core`: one of the workers, if there are several. */
export const programOf = (
  { cores, bridge }: ChaosEnvironment,
  name: 'core' | 'bridge',
  random: Random,
): ManagedProcess => (name === 'bridge' ? bridge : pick(cores, random).program);
