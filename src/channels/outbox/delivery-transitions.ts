/** Applies machines/delivery.ts as a pure function: stored state and event in, state to store out. */
import { initialTransition, transition } from 'xstate';
import { deliveryMachine, eventError, type DeliveryEvent } from '#machines/delivery';
import type { ChannelAbilities } from '../channel-adapter-port.ts';
import type { DeliveryState, StoredDelivery } from '../bridge-storage-port.ts';

/** Each part is split to its own limit: only a refusal makes a reply's limit smaller than the configured one. */
const unlimitedChars = 1_000_000;

/** The state before anything was sent. */
export function newDelivery(text: string): StoredDelivery {
  const input = { length: text.length, limit: unlimitedChars };
  const [snapshot] = initialTransition(deliveryMachine, input);
  return { state: snapshot.value as DeliveryState, context: snapshot.context };
}

/** The same delivery with another text; only before anything was sent. */
export const replaceText = (delivery: StoredDelivery, text: string): StoredDelivery => ({
  ...delivery,
  context: { ...delivery.context, length: text.length },
});

/** Pure. An event that the state does not handle changes nothing. */
export function applyDeliveryEvent(stored: StoredDelivery, event: DeliveryEvent): StoredDelivery {
  const snapshot = deliveryMachine.resolveState({ value: stored.state, context: stored.context });
  const [next] = transition(deliveryMachine, snapshot, event);
  return { state: next.value as DeliveryState, context: next.context };
}

/** Whether the chat has refused a part as too long. */
export const isShortened = ({ context }: StoredDelivery): boolean => context.limit < unlimitedChars;

const finalStates: readonly DeliveryState[] = ['sent', 'uncertain', 'dead', 'dropped'];

export const hasEnded = ({ state }: StoredDelivery): boolean => finalStates.includes(state);

/** A part with an unknown result is sent again if the chat recognizes its key; else the event stays. */
export const resolveUncertain = (
  event: DeliveryEvent,
  { keyedPosts }: ChannelAbilities,
): DeliveryEvent =>
  keyedPosts && (event.type === 'lost' || event.type === 'restarted')
    ? { type: 'unreachable', error: eventError(event) }
    : event;
