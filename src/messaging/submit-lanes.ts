/**
 * The order of messages that were taken off the work queue and are not accepted yet: one lane for each
 * conversation. A message that is put off holds those behind it in its lane, and nobody else.
 *
 * L1: of two messages in one lane, the one that was sent first is ended first.
 * L2: what is in hand is kept from being delivered again, and is never handled twice at once.
 *
 * Holds at most what the broker hands out without an acknowledgement. Must never: acknowledge anything.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { ConsumeSession } from './durable-consumer.ts';
import { pause } from './pause.ts';

export interface SubmitLanes {
  /** Resolves when the message is ended, or is no longer ours because the session is over. */
  take(message: JsMsg): Promise<void>;
}

export interface SubmitLanesParts {
  session: ConsumeSession;
  /** Two messages with the same lane keep their order. */
  laneOf(message: JsMsg): string;
  /** Called one after another within a lane. Resolves when those behind it may go on. */
  handle(message: JsMsg): Promise<void>;
}

export function createSubmitLanes({ session, laneOf, handle }: SubmitLanesParts): SubmitLanes {
  const inHand = new Map<number, JsMsg>();
  /** The last message of each lane: resolves when it has ended. */
  const tails = new Map<string, Promise<void>>();
  keepFresh(inHand, session);

  const enter = (message: JsMsg): Promise<void> => {
    const lane = laneOf(message);
    const done = (tails.get(lane) ?? Promise.resolve()).then(() => handle(message));
    const tail = done
      .catch(() => undefined)
      .then(() => {
        if (tails.get(lane) === tail) tails.delete(lane);
      });
    tails.set(lane, tail);
    return done;
  };
  const returned = createReturn(session, enter);

  return {
    async take(message) {
      const sequence = sequenceOf(message);
      // Delivered again while it is in hand: we were held up ourselves. The first one is acknowledged.
      if (inHand.has(sequence)) return;
      inHand.set(sequence, message);
      try {
        await (returned.isAwaited ? returned.gather(message) : enter(message));
      } finally {
        inHand.delete(sequence);
      }
    },
  };
}

/** Tells the broker, until the session is over, that we are still at it. */
function keepFresh(inHand: ReadonlyMap<number, JsMsg>, session: ConsumeSession): void {
  const interval = setInterval(() => {
    for (const message of inHand.values()) message.working();
  }, session.ackWaitMs / 3);
  session.signal.addEventListener('abort', () => clearInterval(interval));
}

/**
 * What was handed to a process or a connection that is gone comes again only after a while, and newer messages
 * would overtake it. So all are gathered until it is here, and then let through as they were sent.
 */
function createReturn(session: ConsumeSession, enter: (message: JsMsg) => Promise<void>) {
  const { unacknowledged, ackWaitMs, signal } = session;
  const gathered: { message: JsMsg; entered(done: Promise<void>): void }[] = [];
  let missing = unacknowledged.count;
  const letGo = (): void => {
    missing = 0;
    gathered.sort((one, other) => sequenceOf(one.message) - sequenceOf(other.message));
    for (const { message, entered } of gathered.splice(0)) entered(enter(message));
  };
  // What has left the stream meanwhile never comes.
  if (missing > 0) void pause(ackWaitMs * 1.5, signal).then(letGo);
  return {
    get isAwaited(): boolean {
      return missing > 0;
    },
    gather(message: JsMsg): Promise<void> {
      const done = new Promise<void>((resolve) => {
        gathered.push({ message, entered: resolve });
      });
      if (sequenceOf(message) <= unacknowledged.upTo) missing -= 1;
      if (missing === 0) letGo();
      return done;
    },
  };
}

const sequenceOf = (message: JsMsg): number => message.info.streamSequence;
