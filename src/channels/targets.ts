/** The places in a chat that a bridge serves, and its users: a bot with its direct messages, a room, a mailbox. */

export interface ChannelTarget {
  /** Stored in rows: a target that is renamed loses its pending rows to the first private target. */
  name: string;
  /** Only its user reads what is posted there. */
  isPrivate: boolean;
  /** Origin of the server: its targets share the pace, the learned post limit and the outages. */
  server: string;
  /** Thread of the conversation in the core; null for the main target. */
  thread: string | null;
  /** Whether the user with this id of the chat is served there. */
  hasMember(chatUser: string): boolean;
}

/** A chat with threads within its rooms resolves names such as `room/thread`, which `all` does not list. */
export interface ChannelTargets<Target extends ChannelTarget = ChannelTarget> {
  /** At least one, and one of each server. */
  readonly all: readonly Target[];
  byName(name: string): Target | null;
  /** Thread of a target, also of one no longer configured. */
  threadOf(name: string): string | null;
  /** Target of replies with this thread. */
  byThread(thread: string | null): Target | null;
  /** The user's id in Gatehouse. */
  userIdOf(chatUser: string): string;
  /** The user's id in the chat. */
  chatUserOf(userId: string): string;
}

/**
 * @param userIds the chat's id of a user → the user's id in Gatehouse, if they differ
 * @param threadOfRemoved thread of a target that is not configured any more, by its name
 */
export function createTargets<Target extends ChannelTarget>(
  all: readonly Target[],
  userIds: Readonly<Record<string, string>>,
  threadOfRemoved: (name: string) => string | null,
): ChannelTargets<Target> {
  const users = new Map(Object.entries(userIds));
  const chatUsers = new Map([...users].map(([chatUser, userId]) => [userId, chatUser]));
  const byName = (name: string): Target | null => all.find((one) => one.name === name) ?? null;
  return {
    all,
    byName,
    threadOf(name) {
      const target = byName(name);
      return target === null ? threadOfRemoved(name) : target.thread;
    },
    byThread: (thread) => all.find((target) => target.thread === thread) ?? null,
    userIdOf: (chatUser) => users.get(chatUser) ?? chatUser,
    chatUserOf: (userId) => chatUsers.get(userId) ?? userId,
  };
}
