/**
 * The partitions of this worker: their jobs run here, their doors are open here, and no other process writes them.
 *
 * P1 A door is open only while its partition is held and its open jobs are in the queue: a message never overtakes them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { partitionLease, partitions } from '#storage/postgres/partition';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import type { LeaseUser } from './cluster-member.ts';
import type { DoorOperations, LeaseDoors } from './lease-doors.ts';

/** What runs the jobs of a partition. */
export interface PartitionJobs {
  resume(partitions: readonly number[]): Promise<void>;
  evict(partitions: readonly number[]): void;
  handOver(partitions: readonly number[], graceMs: number): Promise<void>;
}

export interface PartitionUserParts {
  jobs: PartitionJobs;
  writer: Pick<PartitionWriter, 'hold' | 'holds' | 'evict'>;
  doors: Pick<LeaseDoors, 'open' | 'close'>;
  operations: DoorOperations;
  log: Log;
}

/** A database that cannot be read is asked again after this time. */
const retryDelayMs = 250;
/** Others wait for these partitions: a slower request is repeated at their next owner. */
const handOverGraceMs = 200;

const partitionOfLease = new Map(
  Array.from({ length: partitions }, (_, partition) => [partitionLease(partition), partition]),
);
const partitionsOf = (names: Iterable<string>): number[] =>
  [...names].flatMap((name) => partitionOfLease.get(name) ?? []);

export function createPartitionUser(parts: PartitionUserParts): LeaseUser {
  const { jobs, writer, doors, operations, log } = parts;
  /** Those that were gained and not lost since. */
  const epochs = new Map<number, number>();

  const resume = async (taken: ReadonlyMap<number, number>): Promise<number[]> => {
    for (;;) {
      const held = [...taken].flatMap(([part, epoch]) => (epochs.get(part) === epoch ? part : []));
      try {
        if (held.length > 0) await jobs.resume(held);
        return held.filter((part) => epochs.get(part) === taken.get(part));
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the jobs of new partitions cannot be read yet');
      }
      await sleep(retryDelayMs, undefined, { ref: false });
    }
  };

  return {
    async gained(leases, worker) {
      const byPartition = new Map(
        [...leases].map(([name, lease]) => [partitionOfLease.get(name)!, lease] as const),
      );
      writer.hold(byPartition, worker.id);
      const taken = new Map([...byPartition].map(([part, { epoch }]) => [part, epoch]));
      for (const [part, epoch] of taken) epochs.set(part, epoch);
      for (const part of await resume(taken)) doors.open(partitionLease(part), operations);
    },
    lost(names) {
      const lost = partitionsOf(names);
      for (const name of names) void doors.close(name);
      for (const part of lost) epochs.delete(part);
      writer.evict(lost);
      jobs.evict(lost);
    },
    async handOver(names) {
      const leaving = partitionsOf(names);
      const requests = Promise.all(names.map((name) => doors.close(name)));
      await Promise.race([requests, sleep(handOverGraceMs, undefined, { ref: false })]);
      await jobs.handOver(leaving, handOverGraceMs);
      for (const part of leaving) epochs.delete(part);
      writer.evict(leaving);
    },
  };
}
