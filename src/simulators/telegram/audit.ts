/** Statistics with which tests and users check a run. */
import type { TelegramContext } from './telegram-context.ts';

export interface TelegramAudit {
  /** Requests to the API, and their outcomes: `success`, `error 429`, `cut` … */
  requests: number;
  outcomes: Record<string, number>;
  /** Messages of the bot. */
  posts: number;
  /** Messages whose response did not arrive completely: the client cannot know of them. */
  lostAnswers: { chatId: number; messageId: number }[];
  /** Groups of messages of the bot with the same text in one chat; ids, oldest first. */
  repeated: { chatId: number; messageIds: number[] }[];
  /** Updates by state. */
  updates: Record<string, number>;
  /** Texts of the bot per chat, in order, as they were sent: an edit does not count. */
  postedTexts: { chatId: number; texts: string[] }[];
}

export function auditRun({ state, updates, requests }: TelegramContext): TelegramAudit {
  const posts = state.messages.filter(({ author }) => author.kind === 'bot');
  const sentText = (one: (typeof posts)[number]): string => one.earlier[0] ?? one.text;
  const same = Map.groupBy(posts, (one) => JSON.stringify([one.chatId, sentText(one)]));
  const perState = Map.groupBy(updates.records, (record) => record.state);
  return {
    requests: requests.total,
    outcomes: Object.fromEntries(requests.counts),
    posts: posts.length,
    lostAnswers: requests.entries.flatMap(({ outcome, chatId, messageId, method }) =>
      outcome === 'cut' && chatId !== null && messageId !== null && method.startsWith('send')
        ? [{ chatId, messageId }]
        : [],
    ),
    repeated: [...same.values()]
      .filter((group) => group.length > 1)
      .map((group) => ({
        chatId: group[0]!.chatId,
        messageIds: group.map(({ messageId }) => messageId),
      })),
    updates: Object.fromEntries([...perState].map(([key, { length }]) => [key, length])),
    postedTexts: [...Map.groupBy(posts, ({ chatId }) => chatId)].map(([chatId, ofChat]) => ({
      chatId,
      texts: ofChat.map(sentText),
    })),
  };
}
