/** Time-ordered ids. ULIDs: UUIDv7 would do as well, but ULIDs are shorter and sort as text. */
import { monotonicFactory } from 'ulid';

export type IdSource = () => string;

/** Ids of one source increase, even within one millisecond. */
export function createIdSource(): IdSource {
  const next = monotonicFactory();
  return () => next();
}

/** Whether an id is safe in a NATS subject and in the URL of a job. */
export const isSafeId = (id: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(id);
