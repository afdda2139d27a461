/** Statistics with which tests and users check a run. */
import type { SimulatorContext } from './simulator-context.ts';
import type { OutgoingWebhooks } from './outgoing-webhooks.ts';

export interface Audit {
  /** Requests to the API, and their outcomes: `success`, `error 411`, `cut` … */
  requests: number;
  outcomes: Record<string, number>;
  /** Posts made by integrations. */
  posts: number;
  /** Posts whose response did not arrive completely: the client cannot know of them. */
  lostAnswers: number[];
  /** Groups of posts of one integration with the same text in one conversation; ids, oldest first. */
  repeated: number[][];
  /** Webhooks by state. */
  deliveries: Record<string, number>;
  sulking: string[];
  /** Texts posted by integrations, per conversation, in order; `userId` for a direct conversation. */
  postedTexts: { conversationId: number; userId: number | null; texts: string[] }[];
}

export function auditRun({ chat, requests }: SimulatorContext, outgoing: OutgoingWebhooks): Audit {
  const integrationPosts = chat.posts.filter((post) => post.author.kind === 'integration');
  const same = Map.groupBy(integrationPosts, (post) =>
    JSON.stringify([post.conversationId, post.author, post.text]),
  );
  const perConversation = Map.groupBy(integrationPosts, (post) => post.conversationId);
  const perState = Map.groupBy(outgoing.deliveries, (delivery) => delivery.state);
  return {
    requests: requests.total,
    outcomes: Object.fromEntries(requests.counts),
    posts: integrationPosts.length,
    lostAnswers: requests.entries
      .filter((request) => request.outcome === 'cut')
      .flatMap((request) => request.postIds),
    repeated: [...same.values()]
      .filter((group) => group.length > 1)
      .map((group) => group.map((post) => post.postId)),
    deliveries: Object.fromEntries([...perState].map(([state, { length }]) => [state, length])),
    sulking: [...outgoing.sulking],
    postedTexts: [...perConversation].map(([conversationId, posts]) => {
      const conversation = chat.conversations.get(conversationId);
      const userId = conversation?.kind === 'direct' ? conversation.userId : null;
      return { conversationId, userId, texts: posts.map((post) => post.text) };
    }),
  };
}
