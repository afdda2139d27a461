/**
 * Finds undeliverable answers (poison messages) that the chat refuses as if its server were down. A plain-text probe is posted
 * in place of the answer: if it is accepted and the answer is refused again, the answer is undeliverable. State is in
 * memory only: after a restart the refusals are counted again.
 */
import type { DeliveryEvent } from '#machines/delivery';

export interface PoisonReplyDetector {
  /** Whether the probe is to be posted in place of the answer. */
  shouldProbe(id: number): boolean;
  /** Records whether the chat accepted the probe. */
  recordProbe(id: number, isAccepted: boolean): void;
  /** Adjusts the answer's delivery event by what was recorded before. */
  classify(id: number, event: DeliveryEvent): DeliveryEvent;
}

/** In a row; about a minute and a half with the pauses between them. */
const refusalsMax = 5;

export function createPoisonReplyDetector(): PoisonReplyDetector {
  const refusals = new Map<number, number>();
  const confirmed = new Set<number>();
  return {
    shouldProbe: (id) => (refusals.get(id) ?? 0) >= refusalsMax,

    recordProbe(id, isAccepted) {
      refusals.delete(id);
      if (isAccepted) confirmed.add(id);
    },

    classify(id, event) {
      const isConfirmed = confirmed.delete(id);
      if (event.type !== 'stopped') {
        refusals.delete(id);
        return event;
      }
      if (isConfirmed) return { type: 'refused', error: event.error };
      refusals.set(id, (refusals.get(id) ?? 0) + 1);
      return event;
    },
  };
}
