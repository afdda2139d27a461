/** What a chat consists of: users, channels, integrations, posts. */
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
