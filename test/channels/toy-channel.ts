/**
 * A small chat and its adapter, for the tests of the channel port. Unlike Synology Chat it is polled, counts UTF-16
 * units, has no links or files, and can change a post; it has buttons with `buttons`, and a limit per user with
 * `intervalMs`; with `keyed` it takes a post with a known key for the earlier one. "/help" is answered by its adapter.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { defineChannel, type Channel } from '#app/channels';
import type {
  ChannelAdapter,
  DeliveryOutcome,
  InboundHandler,
  OutgoingPart,
  SayNotice,
} from '#channels/channel-adapter-port';
import { createTargets } from '#channels/targets';

/** What the chat does with the next post in place of storing and confirming it. */
export type ToyFault =
  | { status: 429; retryAfterMs: number }
  | { status: 400 | 503 }
  /** The connection is cut; `stored`: after the post was stored. */
  | 'cut'
  | 'stored';

export interface ToyPost {
  id: string;
  to: string;
  text: string;
  key: string;
  /** Key of the message that it answers. */
  answers: string | null;
  /** Labels of the buttons under it. */
  buttons: string[];
}

type ToyRequest = Omit<ToyPost, 'id'> & {
  replaces: string | null;
  isKeyed: boolean;
  /** Id of the post that loses its buttons; such a request posts nothing. */
  clear?: string;
};

export class ToyChat {
  readonly posts: ToyPost[] = [];
  readonly faults: ToyFault[] = [];
  /** Requests to post or to change a post. */
  attempts = 0;
  url = '';
  readonly #said: { id: number; from: string; text: string }[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #waiting: (() => void)[] = [];

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  say(from: string, text: string): void {
    this.#said.push({ id: this.#said.length + 1, from, text });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  textsTo = (user: string): string[] =>
    this.posts.filter(({ to }) => to === user).map(({ text }) => text);

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return this.#answerPoll(request, response);
    const body = JSON.parse((await request.toArray()).join('')) as ToyRequest;
    if (body.clear !== undefined) {
      for (const post of this.posts) if (post.id === body.clear) post.buttons = [];
      return void response.end('{}');
    }
    this.attempts += 1;
    const fault = this.faults.shift();
    if (typeof fault === 'object') {
      const retryAfterMs = 'retryAfterMs' in fault ? fault.retryAfterMs : undefined;
      return void response.writeHead(fault.status).end(JSON.stringify({ retryAfterMs }));
    }
    const id = fault === 'cut' ? '' : this.#store(body);
    if (fault !== undefined) return void request.socket.destroy();
    response.end(JSON.stringify({ id }));
  }

  #store({ replaces, isKeyed, ...post }: ToyRequest) {
    const known = this.posts.find(
      ({ id, key }) => id === replaces || (isKeyed && key === post.key),
    );
    if (known !== undefined) return Object.assign(known, post).id;
    const id = `p${this.posts.length + 1}`;
    this.posts.push({ id, ...post });
    return id;
  }

  /** Long polling: waits until there is a message after the given id. */
  async #answerPoll({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const after = Number(new URL(url, this.url).searchParams.get('after'));
    if (this.#said.length <= after) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        response.once('close', resolve);
      });
    }
    response.end(JSON.stringify(this.#said.slice(after)));
  }
}

interface ToySettings {
  url: string;
  users: string[];
  keyed: boolean;
  buttons?: boolean;
  /** Minimum time between two posts to one user. */
  intervalMs?: number;
  host: string;
  port: number;
  noticeDelayMs: number;
  ratePerMinute: number;
  database: string;
}

/** The line that would stand in src/app/channels.ts; the settings stand in for the section of the configuration. */
export const toyChannel = (settings: ToySettings): Channel =>
  defineChannel(
    'toy',
    'Toy',
    () => settings,
    () =>
      Promise.resolve({
        channel: { isConfigured: ({ url }: ToySettings) => url !== '', open: openToy },
      }),
  );

function openToy(settings: ToySettings): ChannelAdapter {
  const { url, users, keyed, buttons = false, intervalMs = 0 } = settings;
  const hall = {
    name: 'hall',
    isPrivate: true,
    server: url,
    thread: null,
    hasMember: (user: string) => users.includes(user),
  };
  return {
    abilities: {
      maxChars: 100,
      charUnit: 'utf-16',
      minIntervalMs: 0,
      buttons,
      links: false,
      filesIn: false,
      filesOut: false,
      edits: true,
      keyedPosts: keyed,
    },
    targets: createTargets([hall], {}, () => null),
    receive: (inbound, say) => ({ poll: createPoll(url, inbound, say) }),
    format: (text) => text,
    deliver: (part) => deliver(url, keyed, part),
    ...(intervalMs === 0
      ? {}
      : { paceOf: (_, place) => ({ place, minIntervalMs: intervalMs, perMinute: 0 }) }),
    async clearButtons(_, user, clear) {
      await fetch(url, { method: 'POST', body: JSON.stringify({ to: user, clear }) });
    },
    check: () => Promise.resolve([{ part: 'toy', ok: true, what: `its address is ${url}` }]),
    adviceFor: (error) => `is the chat there? ${error}`,
  };
}

function createPoll(url: string, inbound: InboundHandler, say: SayNotice) {
  let after = 0;
  return async (signal: AbortSignal): Promise<void> => {
    const response = await fetch(`${url}/?after=${after}`, { signal });
    const all = (await response.json()) as { id: number; from: string; text: string }[];
    for (const { id, from, text } of all) {
      if (text === '/help') {
        say({ target: 'hall', chatUser: from, name: `help-${from}`, text: 'ask anything' });
        after = id;
        continue;
      }
      const outcome = await inbound.accept({
        key: `toy-${id}`,
        kind: 'message',
        target: 'hall',
        chatUser: from,
        text,
        click: null,
        file: null,
      });
      if (!outcome.ok && outcome.code === 'GH_STORE_UNAVAILABLE') throw new Error(outcome.code);
      after = id;
    }
  };
}

async function deliver(
  url: string,
  isKeyed: boolean,
  { chatUser: to, text, key, answers, buttons, replaces }: OutgoingPart,
): Promise<DeliveryOutcome> {
  try {
    const labels = buttons?.list.map((button) => button.text) ?? [];
    const body = JSON.stringify({ to, text, key, answers, buttons: labels, replaces, isKeyed });
    const response = await fetch(url, { method: 'POST', body });
    const { id, retryAfterMs } = (await response.json()) as { id: string; retryAfterMs: number };
    const error = `HTTP ${response.status}`;
    if (response.ok) return { type: 'posted', postId: id };
    if (response.status === 429) return { type: 'tooFast', afterMs: retryAfterMs };
    return response.status === 400 ? { type: 'refused', error } : { type: 'unreachable', error };
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    const isUnsent = cause?.code === 'ECONNREFUSED';
    return { type: isUnsent ? 'unreachable' : 'lost', error: String(cause?.code) };
  }
}
