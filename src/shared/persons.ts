/**
 * The persons of the configuration: the one place where an id of a chat, or a key, becomes the id of a person.
 *
 * N1 `userOf` is called once per message, where it enters the core: all that is stored has the person's id. `addressOf`
 *    is called once per reply, where it leaves the core: a bridge knows the ids of its chat only.
 * N2 Without persons both return what they were given, and `conversationOf` is the conversation of channel and user.
 * N3 A chat's id that is spelled like a person's id is not that person (`isImpostor`).
 */
import { GatehouseError } from './errors.ts';
import {
  conversationKey,
  isConversationOfClient,
  type ConversationAddress,
} from './wire/conversation.ts';

export interface Person {
  id: string;
  /** For people. */
  name: string;
  /** The person's id in each chat, by the name of the channel. */
  channels: Readonly<Record<string, string>>;
}

export interface Persons {
  has(userId: string): boolean;
  nameOf(userId: string): string | null;
  /** The owner of a message that came by this channel: the person with this id there, else the id itself. */
  userOf(channel: string, userId: string): string;
  /**
   * The id in the chat of this channel; null: the person has none there. The id itself if it is no person's, or the channel
   * has no bridge.
   */
  addressOf(userId: string, channel: string): string | null;
  /** The chats in which the person has an id; empty if it is no person's id. */
  chatsOf(userId: string): string[];
  /** @throws GH_REQUEST_INVALID for a person without an id in the chat of this channel */
  requireAddress(userId: string, channel: string): void;
  /** @throws GH_REQUEST_FORBIDDEN for a person's id that is not that person's id in this chat */
  rejectImpostor(channel: string, userId: string): void;
  /** One conversation for all channels of a person; threads, and chats of API clients, have their own. */
  conversationOf(address: ConversationAddress): string;
  /**
   * Whether words said at this place may decide what waits in another conversation of the same user: not in a room or at a
   * second bot of a chat, where others may read along.
   */
  decidesElsewhere(address: ConversationAddress): boolean;
}

/** @param chats the channels of bridges */
export function createPersons(persons: readonly Person[], chats: readonly string[]): Persons {
  const byId = new Map(persons.map((person) => [person.id, person]));
  const byAddress = new Map(
    persons.flatMap(({ id, channels }) =>
      Object.entries(channels).map(([channel, address]) => [keyOf(channel, address), id]),
    ),
  );
  const addressOf = (userId: string, channel: string): string | null => {
    const person = byId.get(userId);
    return person === undefined || !chats.includes(channel)
      ? userId
      : (person.channels[channel] ?? null);
  };
  return {
    has: (userId) => byId.has(userId),
    nameOf: (userId) => byId.get(userId)?.name ?? null,
    userOf: (channel, userId) => byAddress.get(keyOf(channel, userId)) ?? userId,
    addressOf,
    chatsOf: (userId) => Object.keys(byId.get(userId)?.channels ?? {}),
    requireAddress(userId, channel) {
      if (addressOf(userId, channel) !== null) return;
      throw new GatehouseError(
        'GH_REQUEST_INVALID',
        `channel: ${userId} has no id in ${channel}, so no answer can be sent there; add it to persons in the configuration`,
      );
    },
    rejectImpostor(channel, userId) {
      if (!byId.has(userId) || byAddress.has(keyOf(channel, userId))) return;
      throw new GatehouseError(
        'GH_REQUEST_FORBIDDEN',
        `user_id: ${userId} is a person, whose id in ${channel} is another one or none; see persons in the configuration`,
      );
    },
    conversationOf(address) {
      const { channel, thread, userId } = address;
      const isOwn = thread !== undefined || isConversationOfClient(channel) || !byId.has(userId);
      // No channel has this name.
      return isOwn ? conversationKey(address) : `*:${userId}`;
    },
    decidesElsewhere: ({ channel, thread, userId }) =>
      byId.has(userId) && (thread === undefined || !chats.includes(channel)),
  };
}

export const noPersons = createPersons([], []);

const keyOf = (channel: string, userId: string): string => `${channel}:${userId}`;
