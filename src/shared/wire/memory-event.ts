/**
 * Memory events: the published history of a fact. Same envelope as a state event, with `memory_id` in place of `job_id`. No
 * event has words of a fact: what is forgotten must not be left in a stream (docs/memory.md).
 */
import { z } from 'zod';

/** What each type reports, and what its `data` has. */
export const memoryEventCatalog = {
  kept: 'A person asked to remember it. `created_by` `job_id`',
  forgotten: 'A person asked to forget it. `job_id`',
} as const;
export type MemoryEventType = keyof typeof memoryEventCatalog;
const memoryEventTypes = Object.keys(memoryEventCatalog) as MemoryEventType[];

export const memoryEventSchema = z
  .strictObject({
    /** `<memory_id>:<seq>`. The same on a redelivery. */
    id: z.string(),
    memory_id: z.string(),
    /** Counts from 1 per fact, without gaps. */
    seq: z.int(),
    type: z.enum(memoryEventTypes),
    /** State of the fact after the change. */
    state: z.enum(['kept', 'forgotten']),
    at: z.iso.datetime({ offset: true }),
    user_id: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/memory.md.'),
  })
  .meta({ id: 'MemoryEvent' });
export type MemoryEvent = z.infer<typeof memoryEventSchema>;
