/**
 * Stately's protocol in the page: actors of other programs (over the socket, or from the window that opened this page),
 * and, only on request, our own jobs without their texts, forwarded to the viewer that Stately hosts.
 */
import { hidesTexts } from './api.js';
import { protocolsFor, socketAddress } from './connection.js';
import { h, json, show, written } from './dom.js';
import { clock, stateName } from './format.js';

const hostedViewer = 'https://stately.ai/inspect';
/** Maximum number of rows in the document; actors that have ended are removed first, then those silent the longest. */
const actorsMax = 200;
/** Events shown per actor. */
const eventsMax = 10;
/** Messages buffered until the hosted viewer reports that it is ready. */
const heldMax = 200;
const forwardNote =
  'Opens stately.ai in a new window and sends it the states of all running jobs. Messages, answers and names are replaced by their length first. Off until you press the button, and off again when you leave the page.';

export class StatelyView {
  /** @type {Map<string, GuestRow>} */
  #actors = new Map();
  #isCut = false;
  #isDue = false;
  #forward = null;
  #list = h('ol', { class: 'guests', 'aria-label': 'Actors of other programs' });
  #none = h(
    'p',
    { class: 'note' },
    'No other program tells about its actors. ',
    `Point createWebSocketInspector at ${socketAddress()}, or createBrowserInspector at ${location.origin}/inspect.`,
  );
  #cut = h('p', { class: 'note', hidden: true }, `Only ${actorsMax} actors are shown.`);
  #state = h('p', { role: 'status', class: 'note' });
  #button = h(
    'button',
    { type: 'button', onclick: () => (this.#forward === null ? this.#start() : this.#stop()) },
    'Forward to the hosted viewer',
  );
  element = h(
    'section',
    { class: 'stately-view', 'aria-label': 'Stately', tabindex: -1 },
    h('h2', {}, 'Other actors'),
    this.#none,
    this.#list,
    this.#cut,
    h('h2', {}, 'Stately’s own inspector'),
    h('p', { class: 'note' }, forwardNote),
    this.#button,
    this.#state,
  );

  take({ peer, message }) {
    const key = `${peer}/${message.sessionId}`;
    const actor = this.#actors.get(key) ?? new GuestRow(key, message.sessionId);
    // In the order of their latest messages.
    this.#actors.delete(key);
    this.#actors.set(key, actor);
    actor.take(message);
    if (this.#actors.size > actorsMax) this.#forgetOne();
    this.#drawSoon();
  }

  /** For example when texts are hidden or shown again. */
  clear() {
    this.#actors.clear();
    this.#isCut = false;
    show(this.#list);
    this.#drawSoon();
  }

  #forgetOne() {
    const all = [...this.#actors.values()];
    const gone = all.find(({ isEnded }) => isEnded) ?? all[0];
    this.#actors.delete(gone.key);
    gone.element.remove();
    this.#isCut = true;
  }

  /** Many messages cause one redraw per animation frame, of the rows that changed. */
  #drawSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#none.hidden = this.#actors.size > 0;
      this.#cut.hidden = !this.#isCut;
      for (const actor of this.#actors.values()) {
        if (actor.element.parentNode === null) this.#list.append(actor.element);
        actor.draw();
      }
    });
  }

  /** The window that opened this page as its inspector sends its messages after `@statelyai.connected`. */
  receive() {
    const { opener } = window;
    if (opener === null || opener === window) return;
    addEventListener('message', ({ source, data }) => {
      const message = typeof data === 'string' ? parsed(data) : data;
      if (source !== opener || !String(message?.type).startsWith('@xstate.')) return;
      if (!isShowable(message)) return;
      this.take({ peer: 'opener', message: hidesTexts() ? withoutTexts(message) : message });
    });
    opener.postMessage({ type: '@statelyai.connected' }, '*');
    addEventListener('pagehide', () =>
      opener.postMessage({ type: '@statelyai.disconnected' }, '*'),
    );
  }

  #start() {
    const viewer = window.open(hostedViewer, 'gatehouse-stately');
    if (viewer === null) {
      this.#state.textContent = 'The browser did not open a window.';
      return;
    }
    const { origin } = new URL(hostedViewer);
    const held = [];
    let isThere = false;
    const socket = new WebSocket(socketAddress(), protocolsFor('gatehouse.redacted'));
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data);
      if (isThere) viewer.postMessage(message, origin);
      else if (held.length < heldMax) held.push(message);
    });
    const onReady = ({ source, data }) => {
      if (source !== viewer || data?.type !== '@statelyai.connected') return;
      isThere = true;
      for (const message of held.splice(0)) viewer.postMessage(message, origin);
      this.#state.textContent = 'Forwarding, without texts.';
    };
    addEventListener('message', onReady);
    this.#forward = { socket, onReady };
    this.#button.textContent = 'Stop forwarding';
    this.#state.textContent = 'Waiting for the viewer.';
  }

  #stop() {
    this.#forward.socket.close();
    removeEventListener('message', this.#forward.onReady);
    this.#forward = null;
    this.#button.textContent = 'Forward to the hosted viewer';
    this.#state.textContent = '';
  }
}

/** Messages of the opener do not pass through the core, which else hides texts. */
const withoutTexts = ({ snapshot, event, ...rest }) => ({
  ...rest,
  ...(snapshot === undefined
    ? {}
    : { snapshot: { value: snapshot?.value, status: snapshot?.status } }),
  ...(event === undefined ? {} : { event: { type: event?.type } }),
});

/** One actor, redrawn when it has changed; its snapshot only while it is open. */
class GuestRow {
  key;
  #name;
  #snapshot;
  #events = [];
  #hasChanged = true;
  #title = h('h3');
  #list = h('ol', { class: 'guest-events' });
  #inside = h('div');
  #details = h(
    'details',
    { ontoggle: () => this.#drawSnapshot() },
    h('summary', {}, 'Snapshot'),
    this.#inside,
  );
  element;

  constructor(key, name) {
    this.key = key;
    this.#name = name;
    this.element = h('li', { 'data-actor': key }, this.#title, this.#details, this.#list);
  }

  get isEnded() {
    return ['done', 'error', 'stopped'].includes(this.#snapshot?.status);
  }

  take({ type, name, snapshot, event, createdAt }) {
    if (type === '@xstate.actor') this.#name = name ?? this.#name;
    if (snapshot !== undefined) this.#snapshot = snapshot;
    if (type === '@xstate.event') this.#events.push({ type: event?.type ?? '?', createdAt });
    if (this.#events.length > eventsMax) this.#events.shift();
    this.#hasChanged = true;
  }

  draw() {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    const state = stateName(this.#snapshot?.value ?? this.#snapshot?.status ?? '?');
    const pill = h('span', { class: 'pill busy' }, state);
    this.#title.replaceChildren(written(this.#name), ' ', pill);
    const lines = this.#events.map(({ type, createdAt }) =>
      h('li', {}, `${clock(Number(createdAt))} ${type}`),
    );
    show(this.#list, ...lines);
    this.#drawSnapshot();
  }

  #drawSnapshot() {
    if (this.#details.open) show(this.#inside, json(this.#snapshot ?? null));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A window may send cyclic or extremely nested data. */
function isShowable(message) {
  try {
    return JSON.stringify(message) !== undefined;
  } catch {
    return false;
  }
}
