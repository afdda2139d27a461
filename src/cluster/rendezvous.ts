import { hash } from 'node:crypto';

/**
 * Rendezvous hashing (highest random weight): the worker that shall own a lease. A worker that joins or leaves moves only
 * its own share of the leases. Null without workers.
 */
export function winnerOf(lease: string, workers: readonly string[]): string | null {
  let winner: string | null = null;
  let highest = '';
  for (const worker of workers) {
    const weight = hash('sha256', `${lease}\n${worker}`);
    if (weight > highest) [winner, highest] = [worker, weight];
  }
  return winner;
}
