/**
 * The methods of SYNO.Chat.External: parses a request, makes the posts and returns the response. Independent of
 * sockets.
 *
 * 1. Every refusal is a code in a body; the HTTP status stays 200 (except for a missing file).
 * 2. A refused request makes no post and does not count for the interval between posts.
 */
import type { ChatFile, Conversation, Integration, Post } from './chat-types.ts';
import { downloadFile } from './file-download.ts';
import type { SimulatorContext } from './simulator-context.ts';
import { parsePayload, type Payload, type Refusal } from './payload.ts';

export interface ApiCall {
  /** A parameter of the URL, or of the body if that is a form; the URL takes precedence. */
  params: (name: string) => string | null;
  body: string;
  requestN: number;
}

export type SimulatedResponse =
  | { kind: 'success'; data: unknown }
  | ({ kind: 'error' } & Refusal)
  | { kind: 'file'; file: ChatFile }
  | { kind: 'noFile' };

export interface ApiResult {
  answer: SimulatedResponse;
  integration: string | null;
  payload: Payload | null;
  posts: Post[];
}

const refuse = (code: number, errors: string): SimulatedResponse => ({
  kind: 'error',
  code,
  errors,
});

export class Api {
  readonly #nas: SimulatorContext;
  #lastPostAtMs = Number.NEGATIVE_INFINITY;

  constructor(nas: SimulatorContext) {
    this.#nas = nas;
  }

  async handle(call: ApiCall): Promise<ApiResult> {
    const result: ApiResult = {
      answer: { kind: 'noFile' },
      integration: null,
      payload: null,
      posts: [],
    };
    result.answer = await this.#route(call, result);
    return result;
  }

  async #route(call: ApiCall, result: ApiResult): Promise<SimulatedResponse> {
    const { params } = call;
    const [api, method, version] = [params('api'), params('method'), params('version')];
    if (api === null || method === null || version === null) return refuse(101, 'no parameter');
    if (!this.#nas.power.isPackageRunning || api !== 'SYNO.Chat.External') {
      return refuse(102, 'this api does not exist');
    }
    if (!/^[12]$/.test(version)) return refuse(104, 'this version is not supported');
    const token = this.#tokenOf(params('token') ?? '');
    if (token === null) return refuse(115, 'token: not a json string');
    const bearer = this.#nas.chat.integrations.find((one) => one.token === token);
    if (token === '' || bearer === undefined) return refuse(404, 'invalid token');
    result.integration = bearer.name;
    switch (method) {
      case 'chatbot':
        return bearer.kind === 'bot'
          ? this.#post(call, bearer, result)
          : refuse(404, 'invalid token');
      case 'incoming':
        return bearer.kind === 'incoming'
          ? this.#post(call, bearer, result)
          : refuse(404, 'invalid token');
      default:
        return bearer.kind === 'outgoing'
          ? refuse(404, 'invalid token')
          : this.#read(method, params, bearer);
    }
  }

  /** The token without quotes; null if it has none and bare tokens are not accepted. */
  #tokenOf(raw: string): string | null {
    try {
      const value: unknown = JSON.parse(raw);
      if (typeof value === 'string') return value;
    } catch {
      // Not JSON: a token without quotes.
    }
    return raw === '' || this.#nas.rules.acceptsBareToken ? raw : null;
  }

  async #post(
    { body, requestN }: ApiCall,
    bearer: Integration,
    result: ApiResult,
  ): Promise<SimulatedResponse> {
    const { chat, rules, clock, closing } = this.#nas;
    const reading = parsePayload(body);
    if (!reading.ok) return refuse(reading.code, reading.errors);
    const payload = (result.payload = reading.value);
    const targets = this.#targetsOf(bearer, payload.userIds);
    if (targets.size === 0) return refuse(800, 'no target');
    if (this.#lengthOf(payload.text) > rules.textLengthMax) return refuse(410, 'msg too long');
    let file: ChatFile | null = null;
    if (payload.fileUrl !== null) {
      const download = await downloadFile(payload.fileUrl, rules.fileBytesMax, closing);
      if (!download.ok) return refuse(download.code, download.errors);
      file = download.value;
    }
    const now = clock.now();
    // A clock that was set back must not cause refusals for hours.
    const sinceMs = Math.abs(now - this.#lastPostAtMs);
    if (sinceMs < rules.postIntervalMsMin) return refuse(411, 'create post too fast');
    this.#lastPostAtMs = now;
    const author = { kind: 'integration' as const, name: bearer.name };
    const map: Record<string, number> = {};
    for (const [key, conversation] of targets) {
      const { text, attachments } = payload;
      const content = { author, text, attachments, file, origin: 'api' as const, requestN };
      const post = chat.add(conversation.id, content);
      result.posts.push(post);
      map[key] = post.postId;
    }
    if (bearer.kind === 'incoming') return { kind: 'success', data: undefined };
    const fail = payload.userIds.filter((id) => chat.user(id) === undefined);
    return { kind: 'success', data: { fail, succ: { user_id_post_map: map } } };
  }

  /** By user id; the key of a webhook's channel is ''. */
  #targetsOf(bearer: Integration, userIds: number[]): Map<string, Conversation> {
    const { chat } = this.#nas;
    const targets = new Map<string, Conversation>();
    if (bearer.kind === 'incoming') {
      const channel = chat.conversations.get(bearer.channelId);
      if (channel !== undefined) targets.set('', channel);
    } else {
      for (const id of userIds) {
        if (chat.user(id) !== undefined) targets.set(String(id), chat.direct(id, bearer.name));
      }
    }
    return targets;
  }

  #lengthOf(text: string): number {
    if (this.#nas.rules.textLengthUnit === 'bytes') return Buffer.byteLength(text);
    let count = 0;
    for (const _ of text) count += 1;
    return count;
  }

  #read(method: string, params: ApiCall['params'], bearer: Integration): SimulatedResponse {
    const { chat } = this.#nas;
    switch (method) {
      case 'user_list':
        return { kind: 'success', data: { users: chat.users.map(userRow) } };
      case 'channel_list':
        return {
          kind: 'success',
          data: {
            channels: chat.channels.map(({ channelId, name }) => ({
              channel_id: channelId,
              name,
              type: 'public',
            })),
          },
        };
      case 'post_list':
        return this.#listPosts(params, bearer);
      case 'post_file_get': {
        const post = chat.post(Number(params('post_id')));
        if (post === undefined || post.file === null || !this.#maySee(bearer, post)) {
          return { kind: 'noFile' };
        }
        return { kind: 'file', file: post.file };
      }
      default:
        return refuse(103, 'this method does not exist');
    }
  }

  /** Lists posts around `post_id` (default: the newest): `prev_count` before it, itself, `next_count` after it. */
  #listPosts(params: ApiCall['params'], bearer: Integration): SimulatedResponse {
    const { chat } = this.#nas;
    const conversationId = Number(params('channel_id'));
    if (!chat.conversations.has(conversationId)) return refuse(120, 'channel_id: no such channel');
    const all = chat.posts.filter(
      (post) => post.conversationId === conversationId && this.#maySee(bearer, post),
    );
    const given = params('post_id');
    const at =
      given === null ? all.length - 1 : all.findIndex((one) => one.postId === Number(given));
    if (given !== null && at < 0) return refuse(402, 'post not found');
    const [before, after] = [countOf(params('prev_count')), countOf(params('next_count'))];
    const posts = all.slice(Math.max(0, at - before), at + 1 + after).map((post) => postRow(post));
    return { kind: 'success', data: { posts } };
  }

  /** A bot sees its own direct messages and the channels, not the conversations of others. */
  #maySee(bearer: Integration, post: Post): boolean {
    const conversation = this.#nas.chat.conversations.get(post.conversationId);
    return conversation?.kind === 'channel' || conversation?.bot === bearer.name;
  }
}

/** Maximum page size of posts, also for clients that ask for more. */
const postsMax = 100;

function countOf(value: string | null): number {
  const count = Number(value ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? Math.min(count, postsMax) : 0;
}

const userRow = ({ userId, username, nickname }: SimulatorContext['chat']['users'][number]) => ({
  user_id: userId,
  username,
  nickname,
  deleted: false,
  is_disabled: false,
  status: 'online',
  type: 'human',
});

const postRow = ({ postId, conversationId, author, text, atMs, file }: Post) => ({
  post_id: postId,
  channel_id: conversationId,
  creator_id: author.kind === 'user' ? author.userId : 0,
  message: text,
  create_at: atMs,
  type: file === null ? 'normal' : 'file',
  file_props: file === null ? null : { name: file.name, size: file.content.length },
});
