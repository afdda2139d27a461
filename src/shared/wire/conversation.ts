/** The key of a conversation: its jobs run in order and share a history. */

export interface ConversationAddress {
  /** `[A-Za-z0-9_-]`; the same for `thread`. */
  channel: string;
  thread?: string | undefined;
  userId: string;
}

/** The user id comes last: it may hold any character, and must not collide with another user's conversation. */
export function conversationKey({ channel, thread, userId }: ConversationAddress): string {
  const path = thread === undefined ? channel : `${channel}/${thread}`;
  return `${path}:${userId}`;
}

/** A client of the OpenAI API keeps its chats apart: each is a channel of this prefix. */
export const openAiChannelPrefix = 'openai-';

/** Whether the channel is one chat of a client. */
export const isConversationOfClient = (channel: string): boolean =>
  channel.startsWith(openAiChannelPrefix);

/** Null: a conversation of the channel itself, without a thread. */
export function threadOf(conversation: string): string | null {
  const [, thread] = conversation.slice(0, conversation.indexOf(':')).split('/');
  return thread ?? null;
}

/**
 * The channel of messages that a model wrote for its person. A message of this channel is never the person's own yes,
 * and never their own words.
 */
export const doorChannel = 'mcp';
