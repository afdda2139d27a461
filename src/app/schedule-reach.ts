/** Where a person can be reached by a message of a schedule whose own place refuses it. */
import type { Messaging } from '#events/messaging-port';
import type { Place, Reach } from '#schedules/delivery';
import type { WrittenIn } from '#jobs/store/job-queries';
import { conversationKey, threadOf } from '#shared/wire/conversation';
import { bridgeChannelNames, channels } from './channels.ts';
import type { Config } from './config/config.ts';
import type { Stores } from './stores/stores.ts';

/** The last messages of a person, among which the places are found. */
const jobsLooked = 200;

/** One answer of NATS serves all that is due at the same time. */
const askedAgainMs = 5_000;

/**
 * A chat is gone if this configuration has none, and no bridge takes its replies: a bridge may have a configuration of its
 * own.
 */
function createGone(config: Config, hasBridge: Messaging['hasBridge']): Reach['isGone'] {
  const asked = new Map<string, { at: number; isGone: Promise<boolean> }>();
  const ask = async (channel: string): Promise<boolean> => {
    const known = channels.find(({ name }) => name === channel);
    if (known === undefined) return true;
    if (await known.isConfigured(config)) return false;
    return (await hasBridge(channel)) === false;
  };
  return (channel) => {
    if (!bridgeChannelNames.includes(channel)) return false;
    const before = asked.get(channel);
    if (before !== undefined && performance.now() - before.at < askedAgainMs) return before.isGone;
    const isGone = ask(channel);
    asked.set(channel, { at: performance.now(), isGone });
    return isGone;
  };
}

/** Null: a thread with an unusual name cannot be read back from the key of the conversation. */
export function placeIn(
  { channel, conversation }: Omit<WrittenIn, 'num'>,
  userId: string,
): Place | null {
  const thread = threadOf(conversation);
  const address = { channel, thread: thread ?? undefined, userId };
  return conversationKey(address) === conversation ? { channel, thread } : null;
}

/** With `schedules.fallback` only the channels that it names, in its order; else the chats with a bridge, the last first. */
export function scheduleReach(
  config: Config,
  { queries }: Pick<Stores, 'queries'>,
  hasBridge: Messaging['hasBridge'],
): Reach {
  const { fallback } = config.schedules;
  const order = fallback.length > 0 ? fallback : null;
  const isReached = async (channel: string): Promise<boolean> => {
    const bridged = channels.find(({ name }) => name === channel);
    // Messages of other channels are read, not sent: only where the configuration says so.
    if (bridged === undefined) return order?.includes(channel) ?? false;
    return (order?.includes(channel) ?? true) && !(await isGone(channel));
  };
  const isGone = createGone(config, hasBridge);
  return {
    isGone,
    titleOf: (channel) => channels.find(({ name }) => name === channel)?.title ?? channel,
    async placesOf(userId) {
      const places = new Map<string, Place>();
      for (const written of await queries.writtenIn(userId, 0, jobsLooked)) {
        const { conversation } = written;
        if (places.has(conversation)) continue;
        const place = placeIn(written, userId);
        if (place !== null && (await isReached(place.channel))) places.set(conversation, place);
      }
      const found = [...places.values()];
      if (order === null) return found;
      return found.toSorted((one, two) => order.indexOf(one.channel) - order.indexOf(two.channel));
    },
  };
}
