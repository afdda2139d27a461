/**
 * The content of the chat: users, channels, integrations and posts. State and lookups only, independent of HTTP.
 *
 * 1. A post id is `channel id × 2^32 + n`, like the ids seen on real servers; it is a safe integer. n starts at the
 *    clock's seconds at startup: as on a NAS, no number is used again after a restart.
 * 2. A direct conversation of a user with a bot is a channel too, created on first use.
 * 3. Posts are never removed. A click may replace the text of a post; the replaced texts are in `earlier`.
 */
import type { Clock } from '#shared/clock';
import type { ChatFeed } from './simulator-event.ts';
import type {
  ChatUser,
  ChatChannel,
  Integration,
  Conversation,
  Attachment,
  Post,
  NewPost,
} from './chat-types.ts';

/** First id of direct conversations; the ids of named channels are smaller. */
const firstDirectChannelId = 1_000;

export interface ChatParts {
  users: readonly ChatUser[];
  channels: readonly ChatChannel[];
  integrations: readonly Integration[];
  clock: Clock;
  feed: ChatFeed;
}

export class Chat {
  readonly users: readonly ChatUser[];
  readonly channels: readonly ChatChannel[];
  readonly integrations: readonly Integration[];
  readonly posts: Post[] = [];
  readonly conversations = new Map<number, Conversation>();
  readonly #byId = new Map<number, Post>();
  readonly #counts = new Map<number, number>();
  /** Fits in 32 bits until 2106. */
  readonly #firstCount: number;
  readonly #direct = new Map<string, Conversation>();
  readonly #clock: Clock;
  readonly #feed: ChatFeed;

  constructor({ users, channels, integrations, clock, feed }: ChatParts) {
    this.users = users.map((user) => ({ ...user }));
    this.channels = channels.map((channel) => ({ ...channel }));
    this.integrations = integrations.map((one) => ({ ...one }));
    this.#clock = clock;
    this.#feed = feed;
    this.#firstCount = Math.floor(clock.now() / 1_000);
    for (const { channelId, name } of channels) {
      this.conversations.set(channelId, { kind: 'channel', id: channelId, name });
    }
  }

  user(userId: number): ChatUser | undefined {
    return this.users.find((one) => one.userId === userId);
  }

  integration(name: string): Integration | undefined {
    return this.integrations.find((one) => one.name === name);
  }

  post(postId: number): Post | undefined {
    return this.#byId.get(postId);
  }

  /** The direct conversation of a user with a bot; created if it does not exist yet. */
  direct(userId: number, bot: string): Conversation {
    const key = `${userId}/${bot}`;
    const known = this.#direct.get(key);
    if (known !== undefined) return known;
    const id = firstDirectChannelId + this.#direct.size;
    const made: Conversation = { kind: 'direct', id, userId, bot };
    this.#direct.set(key, made);
    this.conversations.set(id, made);
    this.#feed.emit({ type: 'conversation', conversation: made });
    return made;
  }

  add(conversationId: number, content: NewPost): Post {
    const count = (this.#counts.get(conversationId) ?? this.#firstCount) + 1;
    this.#counts.set(conversationId, count);
    const post: Post = {
      ...content,
      postId: conversationId * 2 ** 32 + count,
      conversationId,
      atMs: this.#clock.now(),
      earlier: [],
    };
    this.posts.push(post);
    this.#byId.set(post.postId, post);
    this.#feed.emit({ type: 'post', post });
    return post;
  }

  /** Replaces the post's content with the response to a click. */
  replace(post: Post, text: string, attachments: Attachment[]): void {
    post.earlier.push(post.text);
    post.text = text;
    post.attachments = attachments;
    this.#feed.emit({ type: 'post', post });
  }
}
