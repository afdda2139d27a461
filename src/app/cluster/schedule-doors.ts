/** Changes of schedules at the doors of the partitions of their owners, who fire them. */
import { z } from 'zod';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import type { ScheduleChange, ScheduleStorage } from '#schedules/schedule-port';
import { partitionLease, partitionOf } from '#storage/postgres/partition';

const changesSchema = z.array(
  z.object({
    schedule: z.looseObject({ id: z.string(), userId: z.string(), revision: z.int() }),
    occurrence: z.record(z.string(), z.unknown()).nullable(),
    events: z.array(z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) })),
  }),
);

export const scheduleOperations = (
  { commit }: Pick<ScheduleStorage, 'commit'>,
  onChanged: () => void,
): DoorOperations => ({
  schedules: doorOperation(
    changesSchema,
    async (changes) => {
      const result = await commit(changes as unknown as ScheduleChange[]);
      onChanged();
      return result;
    },
    false,
  ),
});

/** The storage whose changes for persons of another worker are stored, and fired, there. */
export const routeScheduleChanges = (
  storage: ScheduleStorage,
  doors: LeaseDoors,
): ScheduleStorage => ({
  ...storage,
  async commit(changes) {
    const leases = new Set(
      changes.map(({ schedule }) => partitionLease(partitionOf(schedule.userId))),
    );
    const [first, ...others] = leases;
    // Due schedules of several persons are settled together: by their owner.
    const isOwn = others.length > 0 || first === undefined || doors.isOpen(first);
    if (isOwn) return storage.commit(changes);
    return (await doors.call(first, 'schedules', changes)) as 'done' | 'conflict';
  },
});
