/** The key of a conversation: its jobs run in order and share a history. */

export interface ConversationPlace {
  /** `[A-Za-z0-9_-]`, as is the thread. */
  channel: string;
  thread?: string | undefined;
  userId: string;
}

/** The user stands last: an id may hold any character, and must not reach into the conversation of another user. */
export function conversationOf({ channel, thread, userId }: ConversationPlace): string {
  const place = thread === undefined ? channel : `${channel}/${thread}`;
  return `${place}:${userId}`;
}

/** Null: a conversation of the channel itself. */
export function threadOf(conversation: string): string | null {
  const [, thread] = conversation.slice(0, conversation.indexOf(':')).split('/');
  return thread ?? null;
}
