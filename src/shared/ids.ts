/** Time-ordered ids. ULIDs: UUIDv7 would do as well, but ULIDs are shorter and sort as text. */
import { createHash } from 'node:crypto';
import { monotonicFactory } from 'ulid';

export type IdSource = () => string;

/** Ids of one source increase, even within one millisecond. */
export function createIdSource(): IdSource {
  const next = monotonicFactory();
  return () => next();
}

/** An id of the same length that a text determines. @param prefix one letter */
export const derivedId = (prefix: string, text: string): string =>
  `${prefix}${createHash('sha256').update(text).digest('hex').slice(0, 25).toUpperCase()}`;

/** Whether an id is safe in a NATS subject and in the URL of a job. */
export const isSafeId = (id: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(id);
