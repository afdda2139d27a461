/**
 * Keeps the order of messages from the work queue until they are accepted: one lane per conversation. A message that is
 * retried blocks the messages behind it in its lane, and no others.
 *
 * L1: of two messages in one lane, the one that was sent first is finished first.
 * L2: the ack deadline of messages in hand is extended, and no message is handled twice at once.
 *
 * Holds at most the broker's limit of unacknowledged messages. Must never: acknowledge anything.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { ConsumeSession } from './durable-consumer.ts';
import { abortableSleep } from '#shared/abortable-sleep';

export interface PerConversationQueue {
  /** Resolves when the message is finished, or the session has ended. */
  enqueue(message: JsMsg): Promise<void>;
}

export interface PerConversationQueueParts {
  session: ConsumeSession;
  /** Messages with the same key keep their order. */
  orderingKey(message: JsMsg): string;
  /** Called one after another within a lane. Resolves when the next message may be handled. */
  handle(message: JsMsg): Promise<void>;
}

export function createPerConversationQueue({
  session,
  orderingKey: laneOf,
  handle,
}: PerConversationQueueParts): PerConversationQueue {
  const inHand = new Map<number, JsMsg>();
  /** The last message of each lane: resolves when it has ended. */
  const tails = new Map<string, Promise<void>>();
  extendAckDeadline(inHand, session);

  const chain = (message: JsMsg): Promise<void> => {
    const key = laneOf(message);
    const done = (tails.get(key) ?? Promise.resolve()).then(() => handle(message));
    const tail = done
      .catch(() => undefined)
      .then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    tails.set(key, tail);
    return done;
  };
  const redeliveries = createRedeliveryBarrier(session, chain);

  return {
    async enqueue(message) {
      const sequence = sequenceOf(message);
      // Redelivered while in hand, because this process was stalled. The first delivery is acknowledged.
      if (inHand.has(sequence)) return;
      inHand.set(sequence, message);
      try {
        await (redeliveries.isAwaited ? redeliveries.gather(message) : chain(message));
      } finally {
        inHand.delete(sequence);
      }
    },
  };
}

/** Extends the ack deadline of all messages in hand at the broker until the session ends. */
function extendAckDeadline(inHand: ReadonlyMap<number, JsMsg>, session: ConsumeSession): void {
  const interval = setInterval(() => {
    for (const message of inHand.values()) message.working();
  }, session.ackWaitMs / 3);
  session.signal.addEventListener('abort', () => clearInterval(interval));
}

/**
 * Messages unacknowledged by an earlier process or connection are redelivered only after a while, and newer messages
 * would overtake them. So all messages are held until the redeliveries are here, and then released in sent order.
 */
function createRedeliveryBarrier(
  session: ConsumeSession,
  enter: (message: JsMsg) => Promise<void>,
) {
  const { unacknowledged, ackWaitMs, signal } = session;
  const gathered: { message: JsMsg; entered(done: Promise<void>): void }[] = [];
  let missing = unacknowledged.count;
  const releaseGathered = (): void => {
    missing = 0;
    gathered.sort((one, other) => sequenceOf(one.message) - sequenceOf(other.message));
    for (const { message, entered } of gathered.splice(0)) entered(enter(message));
  };
  // A message deleted from the stream meanwhile never arrives: stop waiting after this time.
  if (missing > 0) void abortableSleep(ackWaitMs * 1.5, signal).then(releaseGathered);
  return {
    get isAwaited(): boolean {
      return missing > 0;
    },
    gather(message: JsMsg): Promise<void> {
      const done = new Promise<void>((resolve) => {
        gathered.push({ message, entered: resolve });
      });
      if (sequenceOf(message) <= unacknowledged.upTo) missing -= 1;
      if (missing === 0) releaseGathered();
      return done;
    },
  };
}

const sequenceOf = (message: JsMsg): number => message.info.streamSequence;
