/** Figures and lists that tests and people judge a run by. */
import type { Nas } from './nas.ts';
import type { Outgoing } from './outgoing.ts';

export interface Audit {
  /** Requests to the API, and how they ended: `success`, `error 411`, `cut` … */
  requests: number;
  outcomes: Record<string, number>;
  /** Made by integrations. */
  posts: number;
  /** Posts that were made while the answer did not arrive whole: who posted cannot know of them. */
  lostAnswers: number[];
  /** Groups of posts of one integration that say the same in one conversation; ids, oldest first. */
  repeated: number[][];
  /** Webhooks by state. */
  deliveries: Record<string, number>;
  sulking: string[];
  /** What integrations said, per conversation, in order; `userId` of a direct conversation. */
  said: { conversationId: number; userId: number | null; texts: string[] }[];
}

export function auditOf({ chat, requests }: Nas, outgoing: Outgoing): Audit {
  const own = chat.posts.filter((post) => post.author.kind === 'integration');
  const same = Map.groupBy(own, (post) =>
    JSON.stringify([post.conversationId, post.author, post.text]),
  );
  const perConversation = Map.groupBy(own, (post) => post.conversationId);
  const perState = Map.groupBy(outgoing.deliveries, (delivery) => delivery.state);
  return {
    requests: requests.total,
    outcomes: Object.fromEntries(requests.counts),
    posts: own.length,
    lostAnswers: requests.entries
      .filter((request) => request.outcome === 'cut')
      .flatMap((request) => request.postIds),
    repeated: [...same.values()]
      .filter((group) => group.length > 1)
      .map((group) => group.map((post) => post.postId)),
    deliveries: Object.fromEntries([...perState].map(([state, { length }]) => [state, length])),
    sulking: [...outgoing.sulking],
    said: [...perConversation].map(([conversationId, posts]) => {
      const conversation = chat.conversations.get(conversationId);
      const userId = conversation?.kind === 'direct' ? conversation.userId : null;
      return { conversationId, userId, texts: posts.map((post) => post.text) };
    }),
  };
}
