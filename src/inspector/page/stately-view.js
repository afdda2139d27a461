/**
 * Stately's protocol in the page: actors of other programs (over the socket, or from the window that opened
 * us), and, only when asked, our own jobs forwarded without their texts to the viewer that Stately hosts.
 */
import { protocolsFor, socketAddress } from './connection.js';
import { h, json, show } from './dom.js';
import { clock, stateName } from './format.js';

const hostedViewer = 'https://stately.ai/inspect';
/** Messages kept per actor. */
const keptMax = 200;
/** Messages kept until the hosted viewer says that it is there. */
const heldMax = 200;
const forwardNote =
  'Opens stately.ai in a new window and sends it the states of all running jobs. Messages, answers and names are replaced by their length first. Off until you press the button, and off again when you leave the page.';

export class StatelyView {
  #actors = new Map();
  #forward = null;
  #list = h('ol', { class: 'guests', 'aria-label': 'Actors of other programs' });
  #none = h(
    'p',
    { class: 'note' },
    'No other program tells about its actors. ',
    `Point createWebSocketInspector at ${socketAddress()}, or createBrowserInspector at ${location.origin}/inspect.`,
  );
  #state = h('p', { role: 'status', class: 'note' });
  #button = h(
    'button',
    { type: 'button', onclick: () => (this.#forward === null ? this.#start() : this.#stop()) },
    'Forward to the hosted viewer',
  );
  element = h(
    'section',
    { class: 'stately-view', 'aria-label': 'Stately' },
    h('h2', {}, 'Other actors'),
    this.#none,
    this.#list,
    h('h2', {}, 'Stately’s own inspector'),
    h('p', { class: 'note' }, forwardNote),
    this.#button,
    this.#state,
  );

  take({ peer, message }) {
    const key = `${peer}/${message.sessionId}`;
    const actor = this.#actors.get(key) ?? { name: message.sessionId, messages: [] };
    this.#actors.set(key, actor);
    if (message.type === '@xstate.actor') actor.name = message.name ?? actor.name;
    if (message.snapshot !== undefined) actor.snapshot = message.snapshot;
    actor.messages.push(message);
    if (actor.messages.length > keptMax) actor.messages.shift();
    this.#none.hidden = true;
    show(this.#list, ...[...this.#actors].map(guestRow));
  }

  /** The window that opened us as its inspector sends its messages once it knows that we are here. */
  receive() {
    const { opener } = window;
    if (opener === null || opener === window) return;
    addEventListener('message', ({ source, data }) => {
      const message = typeof data === 'string' ? parsed(data) : data;
      if (source !== opener || !String(message?.type).startsWith('@xstate.')) return;
      this.take({ peer: 'opener', message });
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

function guestRow([key, { name, snapshot, messages }]) {
  const state = stateName(snapshot?.value ?? snapshot?.status ?? '?');
  const events = messages.filter(({ type }) => type === '@xstate.event').slice(-10);
  return h(
    'li',
    { 'data-actor': key },
    h('h3', {}, name, ' ', h('span', { class: 'pill busy' }, state)),
    h('details', {}, h('summary', {}, 'Snapshot'), json(snapshot ?? null)),
    h(
      'ol',
      { class: 'guest-events' },
      ...events.map(({ event, createdAt }) =>
        h('li', {}, `${clock(Number(createdAt))} ${event?.type ?? '?'}`),
      ),
    ),
  );
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
