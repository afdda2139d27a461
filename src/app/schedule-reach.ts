/** Where a person can be reached by a message of a schedule whose own place refuses it. */
import type { Messaging } from '#events/messaging-port';
import type { Place, Reach } from '#schedules/delivery';
import type { WrittenIn } from '#jobs/store/job-queries';
import type { Persons } from '#shared/persons';
import { threadOf } from '#shared/wire/conversation';
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

/**
 * Null: a thread with an unusual name cannot be read back from the key of the conversation, or the person has no id in this
 * chat any more.
 */
export function placeIn(
  { channel, conversation }: Omit<WrittenIn, 'num'>,
  userId: string,
  persons: Persons,
): Place | null {
  const thread = threadOf(conversation);
  const address = { channel, thread: thread ?? undefined, userId };
  const isWhole = persons.conversationOf(address) === conversation;
  return isWhole && persons.addressOf(userId, channel) !== null ? { channel, thread } : null;
}

/** With `schedules.fallback` only the channels that it names, in its order; else the chats with a bridge, the last first. */
export function scheduleReach({
  config,
  stores: { queries },
  persons,
  hasBridge,
}: {
  config: Config;
  stores: Pick<Stores, 'queries'>;
  persons: Persons;
  hasBridge: Messaging['hasBridge'];
}): Reach {
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
        const { channel, conversation } = written;
        // A person has one conversation in all chats.
        const name = `${channel} ${conversation}`;
        if (places.has(name)) continue;
        const place = placeIn(written, userId, persons);
        if (place !== null && (await isReached(channel))) places.set(name, place);
      }
      // A person can be reached in a chat in which nothing was written yet.
      for (const channel of persons.chatsOf(userId)) {
        const place = { channel, thread: null };
        const name = `${channel} ${persons.conversationOf({ channel, userId })}`;
        if (!places.has(name) && (await isReached(channel))) places.set(name, place);
      }
      const found = [...places.values()];
      if (order === null) return found;
      return found.toSorted((one, two) => order.indexOf(one.channel) - order.indexOf(two.channel));
    },
  };
}
