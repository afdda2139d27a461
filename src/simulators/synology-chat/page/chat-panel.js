/** The conversations of the selected user, and the posts of the open one. */
import { bubble } from './bubble.js';
import { h, show } from './dom.js';

/** If the list is scrolled to within this distance of its end, it scrolls to a new post. */
const nearTheEndPx = 80;

/**
 * A place where a user can write: a bot (its conversation may not exist yet) or a channel.
 *
 * @typedef {{ bot: string } | { channelId: number }} Place
 */
export class ChatPanel {
  #places;
  #list = h('ol', { class: 'posts', role: 'log', 'aria-label': 'Posts', tabindex: 0 });
  #lines = new Map();
  #world;
  #shown = '';
  /** @type {Place | null} */
  place = null;

  /** @param {HTMLElement} places @param {any} world */
  constructor(places, world) {
    this.#places = places;
    this.#world = world;
  }

  get element() {
    return this.#list;
  }

  /** Redraws the list of places, and the posts if another conversation is selected. */
  draw() {
    const { state, conversations } = this.#world;
    const bots = state.integrations.filter((one) => one.kind === 'bot');
    const channels = [...conversations.values()].filter((one) => one.kind === 'channel');
    this.place ??= bots.length > 0 ? { bot: bots[0].name } : { channelId: channels[0]?.id };
    show(
      this.#places,
      ...bots.map((bot) => this.#link({ bot: bot.name }, bot.name)),
      ...channels.map((channel) => this.#link({ channelId: channel.id }, `# ${channel.name}`)),
    );
    const key = `${this.#world.userId()}/${this.conversationId() ?? 'none'}`;
    if (key !== this.#shown) this.#fill(key);
  }

  #link(place, text) {
    const isOpen = JSON.stringify(place) === JSON.stringify(this.place);
    const open = () => {
      this.place = place;
      this.draw();
    };
    return h(
      'button',
      { type: 'button', onclick: open, 'aria-current': isOpen ? 'true' : null },
      text,
    );
  }

  conversationId() {
    if (this.place === null) return undefined;
    if ('channelId' in this.place) return this.place.channelId;
    const { bot } = this.place;
    const userId = this.#world.userId();
    return [...this.#world.conversations.values()].find(
      (one) => one.kind === 'direct' && one.bot === bot && one.userId === userId,
    )?.id;
  }

  #fill(key) {
    this.#shown = key;
    this.#lines.clear();
    this.#list.replaceChildren();
    for (const post of this.#world.posts.values()) this.take(post);
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Draws one post, new or changed, if it belongs to the open conversation. */
  take(post) {
    if (post.conversationId !== this.conversationId()) return;
    const list = this.#list;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < nearTheEndPx;
    const line = bubble(post, this.#world.deliveriesOf(post.postId), this.#world);
    const old = this.#lines.get(post.postId);
    this.#lines.set(post.postId, line);
    if (old === undefined) list.append(line);
    else old.replaceWith(line);
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }
}
