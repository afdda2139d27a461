/**
 * The content of the chat: users, channels, integrations and posts. State and lookups only, independent of HTTP.
 *
 * 1. A post id is `channel id × 2^32 + n`, like the ids seen on real servers; it is a safe integer. n starts at the
 *    clock's seconds at startup: as on a NAS, no number is used again after a restart.
 * 2. A direct conversation of a user with a bot is a channel too, created on first use.
 * 3. Posts are never removed. A click may replace the text of a post; the replaced texts are in `earlier`.
 */
import type { Clock } from '../lib/clock.ts';
import type { EventFeed } from './event-feed.ts';

/** A user. Outgoing webhooks identify users by another number than the API does. */
export interface ChatUser {
  /** The Chat id: in `user_list`, in a bot's POST and in `user_ids`. */
  userId: number;
  /** `user_id` in the POST of an outgoing webhook. */
  webhookUserId: number;
  username: string;
  /** `username` in a POST. The user can change it at any time. */
  nickname: string;
}

export interface ChatChannel {
  channelId: number;
  name: string;
}

/**
 * - `bot`: direct messages both ways with one token; `url` is its outgoing URL
 * - `outgoing`: a webhook for posts of a channel and/or with a trigger word
 * - `incoming`: a webhook that posts into one channel; `url` receives its button clicks
 */
export type Integration =
  | { kind: 'bot'; name: string; token: string; url: string | null }
  | {
      kind: 'outgoing';
      name: string;
      token: string;
      url: string | null;
      channelId: number | null;
      triggerWord: string | null;
    }
  | { kind: 'incoming'; name: string; token: string; url: string | null; channelId: number };

/** A channel, or a user's direct conversation with one bot. */
export type Conversation =
  | { kind: 'channel'; id: number; name: string }
  | { kind: 'direct'; id: number; userId: number; bot: string };

export interface ButtonAction {
  type: 'button';
  name: string;
  value: string;
  text: string;
  style: string;
}

export interface Attachment {
  callbackId: string;
  text: string;
  actions: ButtonAction[];
}

export interface ChatFile {
  name: string;
  type: string;
  content: Buffer;
}

export type Author = { kind: 'user'; userId: number } | { kind: 'integration'; name: string };

export interface Post {
  postId: number;
  conversationId: number;
  /** Epoch milliseconds. */
  atMs: number;
  author: Author;
  text: string;
  attachments: Attachment[];
  file: ChatFile | null;
  /** Texts replaced by clicks, oldest first. */
  earlier: string[];
  /** `api`: by a request to the NAS, number `requestN`. `answer`: the bridge's response to a webhook. */
  origin: 'typed' | 'api' | 'answer';
  requestN: number | null;
}

export type NewPost = Omit<Post, 'postId' | 'atMs' | 'earlier' | 'conversationId'>;

/** First id of direct conversations; the ids of named channels are smaller. */
const firstDirectChannelId = 1_000;

export interface ChatParts {
  users: readonly ChatUser[];
  channels: readonly ChatChannel[];
  integrations: readonly Integration[];
  clock: Clock;
  feed: EventFeed;
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
  readonly #feed: EventFeed;

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
