/** Changes of facts at the doors of the partitions of their people. */
import { z } from 'zod';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import type { FactChange, MemoryStorage } from '#memory/memory-port';
import { partitionLease, partitionOf } from '#storage/postgres/partition';

const requestSchema = z.object({
  changes: z.array(
    z.object({
      fact: z.looseObject({ id: z.string(), userId: z.string(), revision: z.int() }),
      terms: z.array(z.string()),
      event: z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) }),
    }),
  ),
  perUserMax: z.int(),
});

/** @param onChanged called with the owner of facts that were kept or forgotten here for another worker */
export const memoryOperations = (
  { commit }: Pick<MemoryStorage, 'commit'>,
  onChanged: (owner: string) => void,
): DoorOperations => ({
  memory: doorOperation(
    requestSchema,
    async ({ changes, perUserMax }) => {
      const result = await commit(changes as unknown as FactChange[], perUserMax);
      for (const owner of new Set(changes.map(({ fact }) => fact.userId))) onChanged(owner);
      return result;
    },
    false,
  ),
});

/** The storage whose changes for persons of another worker are stored there. */
export const routeMemoryChanges = (storage: MemoryStorage, doors: LeaseDoors): MemoryStorage => ({
  ...storage,
  async commit(changes, perUserMax) {
    // The changes of one call are those of one person.
    const [first] = changes;
    const lease = first === undefined ? null : partitionLease(partitionOf(first.fact.userId));
    if (lease === null || doors.isOpen(lease)) return storage.commit(changes, perUserMax);
    return (await doors.call(lease, 'memory', { changes, perUserMax })) as 'done' | 'conflict';
  },
});
