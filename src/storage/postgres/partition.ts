/** Partitions: the unit of ownership. All jobs and documents of one user are in one partition, for ever. */
import { hash } from 'node:crypto';
import { storableText } from './storable-text.ts';

/** Stored with every job: never changed. */
export const partitions = 64;

/** The partition of a user, from 0. Stored: the function must never change. */
export const partitionOf = (userId: string): number =>
  hash('sha256', storableText(userId), 'buffer')[0]! % partitions;

/** Name of the lease of a partition. */
export const partitionLease = (partition: number): string => `part/${partition}`;

export const sequencerLease = 'role/sequencer';
