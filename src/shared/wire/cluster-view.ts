/** The workers of a cluster as `GET /cluster` and the inspector show them. Durations are in ms, times ISO 8601. */
import { z } from 'zod';

/** Since the start of a worker. */
export const workerCountersSchema = z.strictObject({
  takeovers: z.int().describe('Leases that were taken from workers that were gone.'),
  handovers: z.int().describe('Leases that were handed over.'),
  losses: z.int().describe('Leases that others took.'),
  fenced_commits: z
    .int()
    .describe('Commits that the database refused: another worker had the partition.'),
});
export type WorkerCounters = z.infer<typeof workerCountersSchema>;

const workerSchema = z.strictObject({
  id: z.string().describe('Of its life in the cluster: one that was taken for gone gets another.'),
  name: z.string(),
  is_self: z.boolean(),
  is_isolated: z.boolean().describe('It has no connection to NATS.'),
  version: z.string().nullable(),
  host: z.string().nullable(),
  machine: z.int().describe('Version of its job machine.'),
  silent_ms: z.number().describe('Since its last beat, as this worker has seen it.'),
  partitions: z.array(z.int()),
  roles: z.array(z.string()),
  gates: z.array(z.string()).describe('Backends whose requests it grants.'),
  counters: workerCountersSchema.nullable().describe('Null: it did not answer.'),
});

const changeSchema = z.strictObject({
  at: z.iso.datetime({ offset: true }),
  type: z
    .enum(['joined', 'gone', 'takeover', 'handover'])
    .describe('`takeover`: from a worker that was gone; `handover`: from one that lived.'),
  worker: z.string().describe('Name of the worker that joined, is gone, or has the leases now.'),
  from: z.string().nullable().describe('Name of the previous owner.'),
  leases: z.array(z.string()),
});
export type ClusterChange = z.infer<typeof changeSchema>;

export const clusterSchema = z
  .strictObject({
    self: z.string().describe('Id of the worker that answers.'),
    is_confirmed: z.boolean().describe('False: its beats are not stored, and it starts nothing.'),
    workers: z.array(workerSchema),
    leases: z.array(
      z.strictObject({ name: z.string(), worker: z.string().nullable(), epoch: z.int() }),
    ),
    gates: z.array(
      z.strictObject({
        backend: z.string(),
        worker: z.string().nullable().describe('Name of the arbiter; null: none is known.'),
        epoch: z.int().nullable(),
        permits: z.array(z.strictObject({ worker: z.string(), fence: z.string() })),
      }),
    ),
    changes: z.array(changeSchema).describe('As this worker saw them, the newest first.'),
  })
  .meta({ id: 'Cluster' });
export type ClusterView = z.infer<typeof clusterSchema>;
