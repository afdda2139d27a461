/**
 * Answers that the NAS refuses as if it took nothing from anybody. Whether it is the answer, plain words of our own
 * tell that are sent in its place: a chat that takes them and refuses the answer again does not take this answer.
 * Kept in memory: a process that starts anew sees the refusals anew.
 */
import type { DeliveryEvent } from '../../machines/delivery.ts';

export interface Suspects {
  /** Whether plain words are to be sent in place of the answer. */
  isDue(id: number): boolean;
  /** They were sent, and the chat took them or not. */
  tried(id: number, isTaken: boolean): void;
  /** What became of the answer, in the light of what was seen before. */
  judged(id: number, event: DeliveryEvent): DeliveryEvent;
}

/** In a row; with the pauses between them about a minute and a half. */
const refusalsMax = 5;

export function createSuspects(): Suspects {
  const refusals = new Map<number, number>();
  const proven = new Set<number>();
  return {
    isDue: (id) => (refusals.get(id) ?? 0) >= refusalsMax,

    tried(id, isTaken) {
      refusals.delete(id);
      if (isTaken) proven.add(id);
    },

    judged(id, event) {
      const isProven = proven.delete(id);
      if (event.type !== 'stopped') {
        refusals.delete(id);
        return event;
      }
      if (isProven) return { type: 'refused', error: event.error };
      refusals.set(id, (refusals.get(id) ?? 0) + 1);
      return event;
    },
  };
}
