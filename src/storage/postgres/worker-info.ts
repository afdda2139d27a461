/** What a worker writes about itself into its row: compared by workers that join, shown by the doctor and the inspector. */
import { z } from 'zod';

/** They must be the same for all workers. */
const workerSettings = z.object({
  beatMs: z.number(),
  goneAfterMs: z.number(),
  /** Of the subjects on NATS. */
  prefix: z.string(),
  /** Digest of who is who; absent without persons. */
  persons: z.string().optional(),
  /** By id. */
  backends: z.record(z.string(), z.object({ baseUrl: z.string(), concurrency: z.number() })),
});

const workerInfo = z.object({
  /** Of Gatehouse. */
  version: z.string(),
  host: z.string(),
  pid: z.number(),
  settings: workerSettings,
});

export type WorkerSettings = z.infer<typeof workerSettings>;
export type WorkerInfo = z.infer<typeof workerInfo>;

/** Null: the row is of a process that is no worker of a cluster, or of a version that writes something else. */
export function parseWorkerInfo(json: string): WorkerInfo | null {
  try {
    return workerInfo.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}

/** Where the settings of another worker differ, in one phrase; null if they do not. */
export function differenceOf(own: WorkerSettings, other: WorkerSettings): string | null {
  const plain = [
    ['cluster.beatMs', own.beatMs, other.beatMs],
    ['cluster.goneAfterMs', own.goneAfterMs, other.goneAfterMs],
    ['nats.prefix', own.prefix, other.prefix],
    ['persons (its digest)', own.persons ?? 'none', other.persons ?? 'none'],
    ...Object.entries(own.backends).flatMap(([id, backend]) => {
      const same = other.backends[id];
      if (same === undefined) return [];
      return [
        [`baseUrl of the backend ${id}`, backend.baseUrl, same.baseUrl],
        [`concurrency of the backend ${id}`, backend.concurrency, same.concurrency],
      ];
    }),
  ] as const;
  const found = plain.find(([, one, two]) => one !== two);
  return found === undefined ? null : `${found[0]} is ${found[1]}, and ${found[2]} there`;
}
