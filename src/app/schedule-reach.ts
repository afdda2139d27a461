/** Where a person can be reached by a message of a schedule whose own place refuses it. */
import type { DeliveryParts, Place } from '#schedules/delivery';
import { conversationKey, threadOf } from '#shared/wire/conversation';
import { channels } from './channels.ts';
import type { Config } from './config/config.ts';
import type { Stores } from './stores/stores.ts';

/** The last messages of a person, among which the places are found. */
const jobsLooked = 50;

/** With `schedules.fallback` only the channels that it names, in its order; else the chats with a bridge, the last first. */
export function scheduleReach(
  config: Config,
  { queries }: Pick<Stores, 'queries'>,
): Pick<DeliveryParts, 'placesOf' | 'titleOf'> {
  const { fallback } = config.schedules;
  const order = fallback.length > 0 ? fallback : null;
  const isReached = async (channel: string): Promise<boolean> => {
    const bridged = channels.find(({ name }) => name === channel);
    // Messages of other channels are read, not sent: only where the configuration says so.
    if (bridged === undefined) return order?.includes(channel) ?? false;
    return (order?.includes(channel) ?? true) && (await bridged.isConfigured(config));
  };
  return {
    titleOf: (channel) => channels.find(({ name }) => name === channel)?.title ?? channel,
    async placesOf(userId) {
      const { jobs } = await queries.list({ userId, limit: jobsLooked, textMax: 1 });
      const places = new Map<string, Place>();
      for (const { channel, conversation } of jobs) {
        const thread = threadOf(conversation);
        const address = { channel, thread: thread ?? undefined, userId };
        // A thread with an unusual name cannot be read back from the key of the conversation.
        if (conversationKey(address) !== conversation) continue;
        if (!places.has(conversation) && (await isReached(channel))) {
          places.set(conversation, { channel, thread });
        }
      }
      const found = [...places.values()];
      if (order === null) return found;
      return found.toSorted((one, two) => order.indexOf(one.channel) - order.indexOf(two.channel));
    },
  };
}
