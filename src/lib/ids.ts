/** Time-ordered ids (UUIDv7 without dashes would do; ULIDs are shorter and sort as text). */
import { monotonicFactory } from 'ulid';

export type IdSource = () => string;

/** Ids of one source grow even within one millisecond. */
export function createIdSource(): IdSource {
  const next = monotonicFactory();
  return () => next();
}

/** What may stand in a NATS subject and in a job's address. */
export const isSafeId = (id: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(id);
