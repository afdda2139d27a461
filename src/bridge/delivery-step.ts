/** Runs machines/delivery.ts as a pure function over what is stored: an event in, what is to be stored out. */
import { initialTransition, transition } from 'xstate';
import { deliveryMachine, type DeliveryEvent } from '../../machines/delivery.ts';
import type { DeliveryState, StoredDelivery } from '../contract/bridge-storage.ts';

/** Each part asks for its own limit: only a refusal makes a reply's limit smaller than the configured one. */
const noLimit = 1_000_000;

/** Before anything was sent. */
export function newDelivery(text: string): StoredDelivery {
  const input = { length: text.length, limit: noLimit };
  const [snapshot] = initialTransition(deliveryMachine, input);
  return { state: snapshot.value as DeliveryState, context: snapshot.context };
}

/** The same delivery with another text, which nothing was sent of yet. */
export const withText = (delivery: StoredDelivery, text: string): StoredDelivery => ({
  ...delivery,
  context: { ...delivery.context, length: text.length },
});

/** Pure. An event that the state does not know changes nothing. */
export function deliveryStep(stored: StoredDelivery, event: DeliveryEvent): StoredDelivery {
  const snapshot = deliveryMachine.resolveState({ value: stored.state, context: stored.context });
  const [next] = transition(deliveryMachine, snapshot, event);
  return { state: next.value as DeliveryState, context: next.context };
}

/** Whether the chat has called a part of it too long. */
export const isShortened = ({ context }: StoredDelivery): boolean => context.limit < noLimit;

const ends: readonly DeliveryState[] = ['sent', 'uncertain', 'dead', 'dropped'];

export const hasEnded = ({ state }: StoredDelivery): boolean => ends.includes(state);
